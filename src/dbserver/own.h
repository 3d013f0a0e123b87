/* SPDX-License-Identifier: Apache-2.0 */
// The database _Server, in which a server tells its clients which databases it has
// (ovsdb-server(5)).
#pragma once
#include "dbserver/server.h"

struct database *own_database_new(void);
// Brings the rows in line with the server's databases.
void own_update(struct server *);

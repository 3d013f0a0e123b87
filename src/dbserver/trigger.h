/* SPDX-License-Identifier: Apache-2.0 */
// Transactions that wait until their "wait" operation is satisfied or its time is over. They are
// tried again after each change of their database.
#pragma once
#include "dbserver/server.h"

// Tries those of a database again at the end of this iteration.
void triggers_schedule(struct served *);
// Answers all with "canceled".
void triggers_cancel_all(struct served *);

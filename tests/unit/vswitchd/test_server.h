/* SPDX-License-Identifier: Apache-2.0 */
// A database server in the test's process, apart from the test because server and client have
// structs of the same name.
#pragma once
#include "loop/loop.h"

struct test_server;
// An empty database of that schema, in memory, for who connects by that method (punix:FILE). Aborts
// when it cannot be.
struct test_server *test_server_start(struct loop *, const char *schema_file, const char *listen);
void test_server_stop(struct test_server *);

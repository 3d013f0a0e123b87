/* SPDX-License-Identifier: Apache-2.0 */
#include "test_server.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "dbserver/remotes.h"
#include "dbserver/server.h"

struct test_server {
	struct server *server;
	struct remotes *remotes;
};

struct test_server *test_server_start(struct loop *loop, const char *schema_file,
				      const char *listen)
{
	struct test_server *t = XNEW(struct test_server);
	struct db_schema *schema;
	if (db_schema_from_file(schema_file, &schema))
		abort();
	t->server = server_new(loop);
	if (server_add_database(t->server, database_new(schema)))
		abort();
	t->remotes = remotes_new(t->server);
	if (remotes_add(t->remotes, listen, NULL) || remotes_update(t->remotes))
		abort();
	return t;
}

void test_server_stop(struct test_server *t)
{
	remotes_free(t->remotes);
	server_free(t->server);
	free(t);
}

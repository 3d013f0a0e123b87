/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "dbserver/follower.h"
#include "stream/stream.h"

void follower_config_init(struct follower_config *c, bool relay)
{
	*c = (struct follower_config){
		.relay = relay, .probe_interval = relay ? 60000 : 5000, .max_backoff = 8000};
}

void follower_config_done(struct follower_config *c)
{
	VEC_FOREACH (&c->targets, i)
		free(c->targets.v[i]);
	VEC_FOREACH (&c->excluded, i)
		free(c->excluded.v[i]);
	vec_done(&c->targets);
	vec_done(&c->excluded);
}

struct error *follower_config_set_targets(struct follower_config *c, const char *list)
{
	char *copy = xstrdup(list), *rest = copy, *target;
	struct error *error = NULL;
	while (!error && (target = strsep(&rest, ","))) {
		if (!*target)
			continue;
		if (stream_is_active_name(target))
			vec_push(&c->targets, xstrdup(target));
		else
			error = error_new("%s: not an active connection method (unix:FILE, "
					  "tcp:HOST:PORT or ssl:HOST:PORT)",
					  target);
	}
	if (!error && !c->targets.n)
		error = error_new("no connection method given");
	free(copy);
	return error;
}

bool follower_config_equal(const struct follower_config *a, const struct follower_config *b)
{
	if (a->relay != b->relay || a->probe_interval != b->probe_interval ||
	    a->max_backoff != b->max_backoff || a->targets.n != b->targets.n ||
	    a->excluded.n != b->excluded.n)
		return false;
	VEC_FOREACH (&a->targets, i)
		if (strcmp(a->targets.v[i], b->targets.v[i]))
			return false;
	VEC_FOREACH (&a->excluded, i)
		if (strcmp(a->excluded.v[i], b->excluded.v[i]))
			return false;
	return true;
}

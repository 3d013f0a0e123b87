/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/dirs.h"
#include "base/str.h"
#include "rpc/appctl.h"
#include "rpc/jsonrpc.h"

// "ovs-vswitchd" is the socket that the process in RUNDIR/ovs-vswitchd.pid listens on; a path is
// itself.
static struct error *find_socket(const char *target, char **path)
{
	if (target[0] == '/') {
		*path = xstrdup(target);
		return NULL;
	}
	char *pidfile = xasprintf("%s/%s.pid", dir_run(), target);
	FILE *f = fopen(pidfile, "r");
	struct error *e = NULL;
	long pid;
	if (!f)
		e = error_new("cannot read pidfile \"%s\" (%s)", pidfile, strerror(errno));
	else if (fscanf(f, "%ld", &pid) != 1 || pid <= 0)
		e = error_new("cannot read pidfile \"%s\" (%s)", pidfile, "Invalid argument");
	else
		*path = xasprintf("%s/%s.%ld.ctl", dir_run(), target, pid);
	if (f)
		fclose(f);
	free(pidfile);
	return e;
}

static char *result_text(const json_t *value)
{
	if (json_is_string(value))
		return xstrdup(json_string_value(value));
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	return text ? text : xstrdup("");
}

static struct error *call(struct jsonrpc_client *c, const char *target, int argc, char *argv[],
			  bool *failed, char **text)
{
	json_t *params = json_array();
	for (int i = 1; i < argc; i++) {
		json_t *s = json_string(argv[i]);
		if (!s) {
			json_decref(params);
			return error_new("argument %d is not valid UTF-8", i);
		}
		json_array_append_new(params, s);
	}
	struct jsonrpc_message *reply = NULL;
	struct error *e = jsonrpc_client_call(c, argv[0], params, &reply);
	if (e)
		return error_wrap(e, "%s: transaction error", target);
	*failed = reply->type == JSONRPC_ERROR;
	*text = result_text(*failed ? reply->error : reply->result);
	jsonrpc_message_free(reply);
	return NULL;
}

struct error *appctl_call(const char *target, int argc, char *argv[], bool json, int64_t timeout_ms,
			  bool *failed, char **text)
{
	char *path = NULL;
	struct error *e = find_socket(target, &path);
	if (e)
		return e;
	char *stream = xasprintf("unix:%s", path);
	struct jsonrpc_client *c = NULL;
	e = jsonrpc_client_open(stream, timeout_ms, NULL, &c);
	if (e) {
		const char *why = error_code(e) ? strerror(error_code(e)) : error_text(e);
		struct error *said = error_new("cannot connect to \"%s\" (%s)", path, why);
		error_free(e);
		e = said;
	}
	if (!e && json) {
		char *options[] = {"set-options", "--format", "json"};
		e = call(c, target, 3, options, failed, text);
		if (!e) {
			free(*text);
			*text = NULL;
			if (*failed)
				e = error_new("%s: this daemon does not know --format json",
					      target);
		}
	}
	if (!e)
		e = call(c, target, argc, argv, failed, text);
	jsonrpc_client_close(c);
	free(stream);
	free(path);
	return e;
}

/* SPDX-License-Identifier: Apache-2.0 */
// The blocking client: a session on a private loop, run until there is what the caller waits for.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/vec.h"
#include "rpc/jsonrpc.h"
#include "stream/tls.h"

struct jsonrpc_client {
	struct loop *loop;
	struct jsonrpc *rpc;
	struct stream_listener *listener; // where the target is one to listen on
	VEC(struct jsonrpc_message *) inbox;
	bool connected, closed;
	int error;
	int64_t deadline; // of clock_real_ms(); 0: none
	char *target;
};

static void on_connected(void *arg)
{
	struct jsonrpc_client *c = arg;
	c->connected = true;
}

static void on_message(void *arg, struct jsonrpc_message *m)
{
	struct jsonrpc_client *c = arg;
	vec_push(&c->inbox, m);
}

static void on_closed(void *arg, int error)
{
	struct jsonrpc_client *c = arg;
	c->closed = true;
	c->error = error;
}

static const struct jsonrpc_callbacks callbacks = {
	.connected = on_connected, .message = on_message, .closed = on_closed};

// The first that connects to us is the server; who comes later is turned away.
static void on_accept(void *arg, struct stream *stream)
{
	struct jsonrpc_client *c = arg;
	if (c->rpc) {
		stream_free(stream);
		return;
	}
	c->rpc = jsonrpc_new(c->loop, stream, &callbacks, c);
	jsonrpc_set_probe_interval(c->rpc, 0);
	c->connected = true;
}

static struct error *failure(const struct jsonrpc_client *c)
{
	if (c->error == -1)
		return error_new("%s: connection closed by peer", c->target);
	if (c->error == EPROTO &&
	    strncmp(c->target, "ssl:", 4)) // of TLS, which was reported, as likely
		return error_errno(EPROTO, "%s: bad message received", c->target);
	return error_errno(c->error, "%s", c->target);
}

static struct error *step(struct jsonrpc_client *c)
{
	if (c->closed)
		return failure(c);
	int64_t wait = -1;
	if (c->deadline) {
		wait = c->deadline - clock_real_ms();
		if (wait <= 0)
			return error_errno(ETIMEDOUT, "%s", c->target);
	}
	loop_run_once(c->loop, wait);
	return NULL;
}

struct error *jsonrpc_client_open(const char *target, int64_t timeout_ms, struct stream_tls *tls,
				  struct jsonrpc_client **out)
{
	struct jsonrpc_client *c = XNEW(struct jsonrpc_client);
	c->loop = loop_new();
	stream_tls_attach(tls, c->loop);
	c->target = xstrdup(target);
	c->deadline = timeout_ms ? clock_real_ms() + timeout_ms : 0;
	struct error *e =
		stream_is_passive_name(target)
			? stream_listen(c->loop, target, JSONRPC_PORT, on_accept, c, &c->listener)
			: jsonrpc_connect(c->loop, target, false, &callbacks, c, &c->rpc);
	if (!e && c->rpc)
		jsonrpc_set_probe_interval(c->rpc, 0);
	while (!e && !c->connected)
		e = step(c);
	if (e) {
		jsonrpc_client_close(c);
		return e;
	}
	*out = c;
	return NULL;
}

void jsonrpc_client_close(struct jsonrpc_client *c)
{
	if (!c)
		return;
	jsonrpc_free(c->rpc);
	stream_listener_free(c->listener);
	VEC_FOREACH (&c->inbox, i)
		jsonrpc_message_free(c->inbox.v[i]);
	vec_done(&c->inbox);
	loop_free(c->loop);
	free(c->target);
	free(c);
}

struct error *jsonrpc_client_send(struct jsonrpc_client *c, struct jsonrpc_message *m)
{
	if (c->closed) {
		jsonrpc_message_free(m);
		return failure(c);
	}
	jsonrpc_send(c->rpc, m);
	struct error *e = NULL;
	while (!e && jsonrpc_backlog(c->rpc))
		e = step(c);
	return e;
}

struct error *jsonrpc_client_call(struct jsonrpc_client *c, const char *method, json_t *params,
				  struct jsonrpc_message **reply)
{
	struct jsonrpc_message *request = jsonrpc_request(method, params);
	json_t *id = json_incref(request->id);
	size_t from = c->inbox.n;
	jsonrpc_send(c->rpc, request);
	struct error *e = NULL;
	while (!e) {
		for (size_t i = from; i < c->inbox.n; i++) {
			struct jsonrpc_message *m = c->inbox.v[i];
			if ((m->type == JSONRPC_REPLY || m->type == JSONRPC_ERROR) &&
			    json_equal(m->id, id)) {
				vec_remove(&c->inbox, i);
				json_decref(id);
				*reply = m;
				return NULL;
			}
		}
		from = c->inbox.n;
		e = step(c);
	}
	json_decref(id);
	return e;
}

struct error *jsonrpc_client_receive(struct jsonrpc_client *c, struct jsonrpc_message **out)
{
	while (!c->inbox.n) {
		struct error *e = step(c);
		if (e)
			return e;
	}
	*out = c->inbox.v[0];
	vec_remove(&c->inbox, 0);
	return NULL;
}

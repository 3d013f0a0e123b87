/* SPDX-License-Identifier: Apache-2.0 */
// The switch's commands on the command channel: those of ofproto, which knows no sockets, and our
// own.
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/str.h"
#include "flow/compose.h"
#include "flow/dpact.h"
#include "netdev/dummy.h"
#include "ofproto/backer.h"
#include "rpc/appctl.h"
#include "vswitchd/model.h"

struct binding {
	struct vswitchd *v;
	const struct ofproto_command *command;
};

static void run_ofproto_command(struct appctl_call *call, int argc, const char *argv[], void *arg)
{
	struct binding *b = arg;
	struct str out = STR_INIT;
	if (b->command->run(b->v->system, argc, argv, &out))
		appctl_reply(call, str_cstr(&out));
	else
		appctl_error(call, str_cstr(&out));
	str_done(&out);
}

static void bind(void *arg, const struct ofproto_command *command)
{
	struct vswitchd *v = arg;
	struct binding *b = XNEW(struct binding);
	b->v = v;
	b->command = command;
	vec_push(&v->bindings, b);
	appctl_register(v->appctl, command->name, command->usage, command->min, command->max,
			run_ofproto_command, b);
}

enum { COMPOSED_PAYLOAD = 64 };

// A packet as hexadecimal digits, or as a datapath flow ("in_port(1),eth(...),...") from which one
// is made.
static struct error *parse_packet(const char *text, struct buf *frame)
{
	struct error *e = packet_from_hex(text, frame);
	if (!e)
		return NULL;
	error_free(e);
	struct flow key = {0}, mask = {0};
	e = dpkey_parse(text, &key, &mask, NULL, NULL);
	if (!e)
		flow_compose(&key, NULL, COMPOSED_PAYLOAD, frame);
	return e;
}

static void dummy_receive(struct appctl_call *call, int argc, const char *argv[], void *arg)
{
	uint32_t queue = 0;
	int first = 2;
	const struct netdev *dev = netdev_find(argv[1]);
	if (!dev || !netdev_is_dummy(dev)) {
		appctl_error(call, "no such dummy netdev");
		return;
	}
	if (argc > 4 && !strcmp(argv[2], "--qid")) {
		if (parse_u32(argv[3], 10, &queue)) {
			appctl_error(call, "bad queue id");
			return;
		}
		first = 4;
	}
	for (int i = first; i < argc; i++) {
		uint32_t length = 0;
		struct buf frame = BUF_INIT;
		struct error *e = parse_packet(argv[i], &frame);
		if (!e && i + 2 < argc && !strcmp(argv[i + 1], "--len")) {
			if (parse_u32(argv[i + 2], 10, &length))
				e = error_new("bad packet length %s", argv[i + 2]);
			i += 2;
		}
		int rc =
			e ? 0 : netdev_dummy_receive(argv[1], queue, frame.data, frame.len, length);
		buf_done(&frame);
		if (rc)
			e = error_errno(rc, "%s", argv[1]);
		if (e) {
			appctl_error(call, error_text(e));
			error_free(e);
			return;
		}
	}
	appctl_reply(call, NULL);
}

static void dummy_set_admin_state(struct appctl_call *call, int argc, const char *argv[], void *arg)
{
	const char *state = argv[argc - 1];
	if (strcasecmp(state, "up") && strcasecmp(state, "down"))
		appctl_error(call, "Invalid Admin State");
	else if (netdev_dummy_set_admin_state(argc > 2 ? argv[1] : NULL, !strcasecmp(state, "up")))
		appctl_error(call, "Unknown Dummy Interface");
	else
		appctl_reply(call, "OK");
}

static void dummy_conn_state(struct appctl_call *call, int argc, const char *argv[], void *arg)
{
	struct str out = STR_INIT;
	netdev_dummy_conn_state(argc > 1 ? argv[1] : NULL, &out);
	appctl_reply(call, str_cstr(&out));
	str_done(&out);
}

// --- memory/show

static void count_flows(void *arg, struct backer *b)
{
	struct dp_stats s;
	dp_get_stats(backer_dp(b), &s);
	*(uint64_t *)arg += s.n_flows;
}

static void count_controller(void *arg, const struct ofproto_controller_status *s)
{
	*(unsigned int *)arg += s->is_connected;
}

static void memory(void *arg, struct str *out)
{
	struct vswitchd *v = arg;
	unsigned int n_ports = 0, n_conns = 0;
	uint64_t n_flows = 0;
	struct bridge *b, *next;
	HASH_ITER (hh, v->bridges, b, next) {
		n_ports += HASH_COUNT(b->ifaces);
		if (b->ofproto)
			ofproto_for_each_controller(b->ofproto, count_controller, &n_conns);
	}
	backers_for_each(ofproto_system_backers(v->system), count_flows, &n_flows);
	str_addf(out, "bridges:%u ofconns:%u ports:%u", HASH_COUNT(v->bridges), n_conns, n_ports);
	if (n_flows)
		str_addf(out, " udpif keys:%llu", (unsigned long long)n_flows);
}

void commands_register(struct vswitchd *v)
{
	appctl_add_memory_source(v->appctl, memory, v);
	ofproto_for_each_command(bind, v);
	dpdk_commands_register(v);
	appctl_register(v->appctl, "netdev-dummy/receive",
			"name [--qid queue_id] packet|flow [--len packet_len]", 2, -1,
			dummy_receive, v);
	appctl_register(v->appctl, "netdev-dummy/set-admin-state", "[netdev] up|down", 1, 2,
			dummy_set_admin_state, v);
	appctl_register(v->appctl, "netdev-dummy/conn-state", "[netdev]", 0, 1, dummy_conn_state,
			v);
}

void commands_free(struct vswitchd *v)
{
	VEC_FOREACH (&v->bindings, i)
		free(v->bindings.v[i]);
	vec_done(&v->bindings);
}

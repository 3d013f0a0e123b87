/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/rcu.h"
#include "ofproto/learned.h"
#include "ofproto/meters.h"
#include "ofproto/packet_in.h"
#include "ofproto/trace.h"
#include "openflow/action.h"

struct fake_packet_in fake_packet_in;

// --- What translation wants of the switch.

uint64_t ofproto_id(const struct ofproto *p);
uint64_t ofproto_id(const struct ofproto *p)
{
	return p->id;
}

enum table_miss ofproto_table_miss(const struct ofproto *p, uint8_t table_id)
{
	return TABLE_MISS_DEFAULT;
}

struct rule *ofproto_table_lookup(const struct ofproto *p, uint8_t table_id,
				  const struct flow *flow, struct flow *mask)
{
	return tables_lookup(&p->tables, table_id, flow, mask);
}

const char *ofproto_name(const struct ofproto *p)
{
	return p->name;
}

const struct option_table *ofproto_options(const struct ofproto *p)
{
	return p->options;
}

struct group *ofproto_group_lookup(const struct ofproto *p, uint32_t group_id)
{
	return group_find(&p->groups, group_id);
}

bool ofproto_meter_lookup(const struct ofproto *p, uint32_t meter_id, uint32_t *dp_id)
{
	*dp_id = meter_id;
	return meter_id < OFPM_MAX;
}

void ofproto_table_credit_miss(struct ofproto *p, uint8_t table_id, uint64_t packets)
{
	__atomic_fetch_add(&p->tables.table[table_id].n_lookup, packets, __ATOMIC_RELAXED);
}

bool packet_in_enqueue(struct ofproto_system *system, uint64_t ofproto_id,
		       const struct packet_in *pin)
{
	(void)system;
	fake_packet_in = (struct fake_packet_in){.n = fake_packet_in.n + 1,
						 .ofproto_id = ofproto_id,
						 .reason = pin->reason,
						 .max_len = pin->max_len,
						 .controller_id = pin->controller_id};
	return true;
}

struct learned *learned_new(const struct ofpact_learn *a, const struct flow *flow, uint64_t id)
{
	return NULL;
}

struct learned *learned_fin_timeout(const struct ofpact_fin_timeout *a, struct rule *r, uint64_t id)
{
	return NULL;
}

void learned_unref(struct learned *l)
{
}

const struct ofp_flow_mod *learned_flow_mod(const struct learned *l)
{
	return NULL;
}

void learned_set_fresh(struct learned *l)
{
}

bool learned_apply(struct ofproto_system *system, struct learned *l)
{
	return true;
}

void learned_credit(struct ofproto_system *system, struct learned *l, uint16_t tcp_flags)
{
}

// --- The world.

static void add_port(struct ofproto *p, const char *name, uint32_t ofp_port, uint32_t dp_port)
{
	unsigned int i = p->n_ports++;
	p->ports[i] = (struct xlate_port_config){.ofp_port = ofp_port,
						 .dp_port = dp_port,
						 .name = name,
						 .up = true,
						 .bundle = (int)i};
	p->bundles[i] = (struct xlate_bundle_config){.name = name,
						     .vlan_mode = VLAN_TRUNK,
						     .tag = -1,
						     .qinq_ethertype = 0x88a8,
						     .floodable = true,
						     .ports = &p->ports[i].ofp_port,
						     .n_ports = 1};
}

void world_publish(struct world *w, struct ofproto *p)
{
	p->config = (struct xlate_bridge_config){
		.ofproto = p,
		.name = p->name,
		.macs = p->macs,
		.forward_bpdu = p->config.forward_bpdu,
		.flood_vlans = p->config.flood_vlans,
		.vlan_limit = p->config.vlan_limit ? p->config.vlan_limit : 2,
		.default_miss = p->config.default_miss,
		.mirrors = p->config.mirrors,
		.n_mirrors = p->config.n_mirrors,
		.mcast = p->config.mcast,
		.mcast_flood_unregistered = p->config.mcast_flood_unregistered,
		.ports = p->ports,
		.n_ports = p->n_ports,
		.bundles = p->bundles,
		.n_bundles = p->n_ports,
		.max_resubmits = 4096,
		.max_depth = 64};
	xlate_set_bridge(w->backer, &p->config);
}

static void bridge_init(struct ofproto *p, const char *name, uint64_t id)
{
	p->id = id;
	p->name = name;
	tables_init(&p->tables, p);
	p->macs = mac_table_new(1000, 300000);
}

void world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->loop = loop_new();
	w->backers = backers_new(NULL, w->loop);
	assert_null(backer_open(w->backers, "dummy", &w->backer));
	bridge_init(&w->br0, "br0", 7);
	bridge_init(&w->br1, "br1", 8);
	add_port(&w->br0, "br0", OFPP_LOCAL, 100);
	add_port(&w->br0, "p1", 1, 1);
	add_port(&w->br0, "p2", 2, 2);
	add_port(&w->br0, "p3", 3, 3);
	add_port(&w->br0, "pp", 9, DP_PORT_NONE);
	add_port(&w->br1, "br1", OFPP_LOCAL, 101);
	add_port(&w->br1, "qq", 1, DP_PORT_NONE);
	add_port(&w->br1, "p4", 2, 4);
	struct xlate_bundle_config *p3 = world_bundle(&w->br0, "p3");
	p3->vlan_mode = VLAN_ACCESS;
	p3->tag = 10;
	w->br0.ports[4].peer = &w->br1;
	w->br0.ports[4].peer_port = 1;
	w->br1.ports[1].peer = &w->br0;
	w->br1.ports[1].peer_port = 9;
	world_publish(w, &w->br0);
	world_publish(w, &w->br1);
	memset(&fake_packet_in, 0, sizeof(fake_packet_in));
}

static void bridge_done(struct world *w, struct ofproto *p)
{
	xlate_remove_bridge(w->backer, p);
}

void world_done(struct world *w)
{
	bridge_done(w, &w->br0);
	bridge_done(w, &w->br1);
	backer_close(w->backer);
	rcu_offline();
	rcu_synchronize();
	rcu_online();
	group_table_clear(&w->br0.groups);
	group_table_clear(&w->br1.groups);
	tables_done(&w->br0.tables);
	tables_done(&w->br1.tables);
	mac_table_free(w->br0.macs);
	mac_table_free(w->br1.macs);
	backers_free(w->backers);
	rcu_barrier_all();
	loop_free(w->loop);
}

struct xlate_bundle_config *world_bundle(struct ofproto *p, const char *name)
{
	for (unsigned int i = 0; i < p->n_ports; i++)
		if (!strcmp(p->bundles[i].name, name))
			return &p->bundles[i];
	fail();
	return NULL;
}

static void parse_match(const char *text, struct match *match)
{
	struct error *e = match_parse(match, text, NULL, NULL);
	if (e)
		fail_msg("%s: %s", text, error_text(e));
}

void world_flow(const char *text, struct flow *flow)
{
	struct match match;
	parse_match(text, &match);
	*flow = match.flow;
	for (unsigned int i = 0; i < FLOW_MAX_VLANS; i++)
		if (flow->vlan[i].tci)
			flow->vlan[i].tpid = BE16(0x8100);
}

void world_key(const struct world *w, const char *text, struct flow *flow)
{
	(void)w;
	world_flow(text, flow);
	if (flow->in_port == OFPP_LOCAL)
		flow->in_port = 100;
}

void world_add_group(struct ofproto *p, const char *text)
{
	struct ofp_group_mod gm;
	uint32_t usable;
	struct error *e = ofp_group_mod_parse(
		text, OFPGC_ADD, &(struct ofpact_text){.port_number = NULL}, &gm, &usable);
	if (e)
		fail_msg("%s: %s", text, error_text(e));
	for (uint32_t i = 0; i < gm.group.buckets.n; i++)
		gm.group.buckets.v[i].bucket_id = i;
	group_put(&p->groups, &gm.group);
}

static uint8_t take_number(char **text, const char *key, int fallback, int *out)
{
	size_t n = strlen(key);
	*out = fallback;
	if (!strncmp(*text, key, n) && (*text)[n] == '=') {
		*out = (int)strtol(*text + n + 1, text, 0);
		*text += **text == ',';
	}
	return 0;
}

bool world_try_flow(struct world *w, struct ofproto *p, const char *text)
{
	char *copy = xstrdup(text), *at = copy, *actions = strstr(copy, "actions=");
	assert_non_null(actions);
	if (actions > copy)
		actions[-1] = 0;
	else
		at = actions + strlen(actions);
	int table, priority, cookie;
	take_number(&at, "table", 0, &table);
	take_number(&at, "priority", 32768, &priority);
	take_number(&at, "cookie", 0, &cookie);
	struct match match;
	parse_match(at, &match);
	struct buf list = BUF_INIT;
	uint32_t usable;
	struct error *e = ofpacts_parse(actions + 8, &(struct ofpact_text){0}, &list, &usable);
	bool ok = !e && !ofpacts_check(list.data, list.len, &match, OFPP_MAX, (uint8_t)table,
				       OFPROTO_N_TABLES, 1, NULL);
	error_free(e);
	OFPACT_FOREACH (a, list.data, ok ? list.len : 0)
		ok &= xlate_knows_action((enum ofpact_type)a->type);
	if (ok) {
		struct rule *rule =
			rule_new(p, (uint8_t)table, &match, priority, list.data, list.len);
		rule->cookie = htobe64((uint64_t)cookie);
		rule_unref(tables_insert(&p->tables, rule));
		xlate_bump(w->backer);
	}
	buf_done(&list);
	free(copy);
	return ok;
}

void world_add_flow(struct world *w, struct ofproto *p, const char *text)
{
	if (!world_try_flow(w, p, text))
		fail_msg("%s", text);
}

void world_del_flows(struct world *w, struct ofproto *p)
{
	for (unsigned int t = 0; t < OFPROTO_N_TABLES; t++) {
		struct rule_vec all = {0};
		tables_collect(&p->tables, (uint8_t)t, NULL, &all);
		VEC_FOREACH (&all, i) {
			tables_remove(&p->tables, all.v[i]);
			rule_unref(all.v[i]);
		}
		vec_done(&all);
	}
	xlate_bump(w->backer);
}

struct rule *world_rule(const struct ofproto *p, uint8_t table_id, const char *text, int priority)
{
	struct match match;
	parse_match(text, &match);
	struct rule *rule = tables_find_exactly(&p->tables, table_id, &match, priority);
	assert_non_null(rule);
	return rule;
}

void world_trace(struct world *w, const struct flow *flow, struct str *s)
{
	struct xlate_trace trace = {.root.first = NULL};
	struct buf actions = BUF_INIT;
	struct flow mask;
	struct xlate_out out;
	memset(&mask, 0, sizeof(mask));
	xlate_out_init(&out, &actions, &mask);
	xlate_translate(
		&(struct xlate_in){
			.backer = w->backer, .flow = flow, .ofproto = &w->br0, .trace = &trace},
		&out);
	xlate_out_done(&out);
	xlate_trace_format(&trace, s);
	xlate_trace_done(&trace);
	buf_done(&actions);
}

void world_translate(struct world *w, const struct flow *flow, struct flow *mask,
		     struct buf *actions)
{
	struct xlate_out out;
	memset(mask, 0, sizeof(*mask));
	buf_clear(actions);
	xlate_out_init(&out, actions, mask);
	xlate_translate(&(struct xlate_in){.backer = w->backer, .flow = flow, .ofproto = &w->br0},
			&out);
	xlate_out_done(&out);
}

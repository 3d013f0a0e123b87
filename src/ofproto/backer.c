/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/backer_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/counter.h"
#include "base/log.h"
#include "ofproto/ofproto.h"
#include "ofproto/xlate.h"

LOG_MODULE(backer);

// --- All of them.

struct backers *backers_new(struct ofproto_system *system, struct loop *loop)
{
	struct backers *bs = XNEW(struct backers);
	bs->system = system;
	bs->loop = loop;
	bs->settings = (struct backer_settings){
		.max_idle_ms = 10000, .max_revalidator_ms = 500, .flow_limit = 200000};
	dp_settings_init(&bs->settings.dp);
	dp_perf_log_init(&bs->perf_log);
	return bs;
}

void backers_free(struct backers *bs)
{
	if (!bs)
		return;
	while (bs->v.n) {
		assert(bs->v.v[0]->is_by_hand);
		backer_close(bs->v.v[0]);
	}
	vec_done(&bs->v);
	free(bs);
}

void backers_configure(struct backers *bs, const struct backer_settings *settings)
{
	bs->settings.max_idle_ms = settings->max_idle_ms;
	bs->settings.max_revalidator_ms = settings->max_revalidator_ms;
	__atomic_store_n(&bs->settings.flow_limit, settings->flow_limit, __ATOMIC_RELAXED);
	__atomic_store_n(&bs->settings.restoring, settings->restoring, __ATOMIC_RELAXED);
	bs->settings.dp = settings->dp;
	VEC_FOREACH (&bs->v, i)
		dp_configure(bs->v.v[i]->dp, &settings->dp);
}

struct backer *backers_find(const struct backers *bs, const char *type)
{
	VEC_FOREACH (&bs->v, i)
		if (!bs->v.v[i]->is_by_hand && !strcmp(bs->v.v[i]->type, type))
			return bs->v.v[i];
	return NULL;
}

void backers_for_each(const struct backers *bs, void (*cb)(void *arg, struct backer *), void *arg)
{
	VEC_FOREACH (&bs->v, i)
		cb(arg, bs->v.v[i]);
}

// --- One.

static struct error *backer_new(struct backers *bs, const char *type, const char *name,
				struct backer **out)
{
	static const struct dp_callbacks callbacks = {.upcall = upcall_handle,
						      .flow_gone = revalidator_flow_gone};
	struct backer *b = XNEW(struct backer);
	b->backers = bs;
	b->type = xstrdup(type);
	b->generation = 1;
	b->bases = megaflow_bases_new();
	b->recircs = recirc_table_new();
	b->n_of_port = xcalloc(UINT16_MAX + 1, sizeof(*b->n_of_port));
	revalidator_init(b);
	struct error *e = dp_open(bs->loop, type, name, &callbacks, b, &b->dp);
	if (e) {
		revalidator_done(b);
		megaflow_bases_free(b->bases);
		recirc_table_free(b->recircs);
		free(b->n_of_port);
		free(b->type);
		free(b);
		return e;
	}
	dp_configure(b->dp, &bs->settings.dp);
	(void)dp_pmd_perf_log(b->dp, &bs->perf_log); // other datapaths have no such threads
	vec_push(&bs->v, b);
	*out = b;
	return NULL;
}

struct error *backer_open(struct backers *bs, const char *type, struct backer **out)
{
	struct backer *b = backers_find(bs, type);
	if (!b) {
		char *name = xasprintf("ovs-%s", type);
		struct error *e = backer_new(bs, type, name, &b);
		free(name);
		if (e)
			return e;
	}
	b->users++;
	*out = b;
	return NULL;
}

struct error *backer_open_by_hand(struct backers *bs, const char *type, const char *name,
				  struct backer **out)
{
	struct error *e = backer_new(bs, type, name, out);
	if (!e) {
		(*out)->is_by_hand = true;
		(*out)->users = 1;
	}
	return e;
}

void by_hand_free(struct by_hand *h)
{
	VEC_FOREACH (&h->options, i) {
		free((char *)(uintptr_t)h->options.v[i].key);
		free((char *)(uintptr_t)h->options.v[i].value);
	}
	vec_done(&h->options);
	free(h->name);
	free(h);
}

void backer_close(struct backer *b)
{
	if (!b || --b->users)
		return;
	VEC_FOREACH (&b->backers->v, i) {
		if (b->backers->v.v[i] == b) {
			vec_remove(&b->backers->v, i);
			break;
		}
	}
	b->closing = true;
	dp_close(b->dp); // no upcall comes after this
	VEC_FOREACH (&b->by_hand, i)
		by_hand_free(b->by_hand.v[i]);
	vec_done(&b->by_hand);
	megaflow_bases_free(b->bases);
	recirc_table_free(b->recircs);
	free(b->n_of_port);
	revalidator_done(b);
	rcu_free_later(b->snapshot, xlate_snapshot_free);
	VEC_FOREACH (&b->patches, i)
		patch_counters_unref(b->patches.v[i].counters);
	vec_done(&b->patches);
	free(b->type);
	free(b);
}

struct dp *backer_dp(const struct backer *b)
{
	return b->dp;
}

uint32_t backer_new_meter(struct backer *b)
{
	return ++b->last_meter;
}

struct loop *backer_loop(const struct backer *b)
{
	return b->backers->loop;
}

struct error *backer_port_add(struct backer *b, struct netdev *netdev, uint32_t *dp_port)
{
	return dp_port_add(b->dp, netdev, dp_port);
}

int backer_port_del(struct backer *b, uint32_t dp_port)
{
	int error = dp_port_del(b->dp, dp_port);
	xlate_changed(b, XLATE_CHANGE_PORT);
	return error;
}

// --- The snapshot.

static struct patch_entry *find_patch(const struct backer *b, uint64_t bridge, uint32_t ofp_port)
{
	VEC_FOREACH (&b->patches, i)
		if (b->patches.v[i].bridge == bridge && b->patches.v[i].ofp_port == ofp_port)
			return &b->patches.v[i];
	return NULL;
}

static struct patch_counters *get_patch(void *b_, uint64_t bridge, uint32_t ofp_port)
{
	struct backer *b = b_;
	struct patch_entry *e = find_patch(b, bridge, ofp_port);
	if (!e) {
		e = vec_extend(&b->patches);
		*e = (struct patch_entry){
			.bridge = bridge, .ofp_port = ofp_port, .counters = patch_counters_new()};
	}
	return e->counters;
}

// Ports that are no patch ports any more lose their counters.
static void prune_patches(struct backer *b, uint64_t bridge_id)
{
	const struct xlate_bridge *bridge = xlate_snapshot_bridge(b->snapshot, bridge_id);
	for (size_t i = b->patches.n; i-- > 0;) {
		struct patch_entry *e = &b->patches.v[i];
		const struct xlate_port *p = bridge ? xlate_bridge_port(bridge, e->ofp_port) : NULL;
		if (e->bridge == bridge_id && (!p || !p->patch)) {
			patch_counters_unref(e->counters);
			vec_swap_remove(&b->patches, i);
		}
	}
}

static void publish(struct backer *b, uint64_t id, const struct xlate_bridge_config *config)
{
	struct xlate_snapshot *old = b->snapshot;
	struct xlate_snapshot *new = xlate_snapshot_with(old, id, config, get_patch, b);
	rcu_assign(&b->snapshot, new);
	rcu_free_later(old, xlate_snapshot_free);
	prune_patches(b, id);
	xlate_changed(b, XLATE_CHANGE_CONFIGURATION);
}

void xlate_set_bridge(struct backer *b, const struct xlate_bridge_config *config)
{
	publish(b, ofproto_id(config->ofproto), config);
}

void xlate_remove_bridge(struct backer *b, struct ofproto *ofproto)
{
	publish(b, ofproto_id(ofproto), NULL);
}

// Why megaflows were looked at again.
COUNTER(rev_flow_table);
COUNTER(rev_reconfigure);
COUNTER(rev_port_toggled);
COUNTER(rev_mac_learning);
COUNTER(rev_mcast_snooping);

void xlate_changed(struct backer *b, enum xlate_change change)
{
	switch (change) {
	case XLATE_CHANGE_FLOW_TABLE:
		counter_inc(rev_flow_table);
		break;
	case XLATE_CHANGE_CONFIGURATION:
		counter_inc(rev_reconfigure);
		break;
	case XLATE_CHANGE_PORT:
		counter_inc(rev_port_toggled);
		break;
	case XLATE_CHANGE_MAC:
		counter_inc(rev_mac_learning);
		break;
	case XLATE_CHANGE_MCAST:
		counter_inc(rev_mcast_snooping);
		break;
	}
	__atomic_add_fetch(&b->generation, 1, __ATOMIC_RELEASE);
	revalidator_kick(b);
}

void xlate_bump(struct backer *b)
{
	xlate_changed(b, XLATE_CHANGE_FLOW_TABLE);
}

uint64_t xlate_generation(const struct backer *b)
{
	return __atomic_load_n(&b->generation, __ATOMIC_ACQUIRE);
}

void backer_patch_stats(const struct backer *b, const struct ofproto *ofproto, uint32_t ofp_port,
			struct backer_patch_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	const struct patch_entry *e = find_patch(b, ofproto_id(ofproto), ofp_port);
	if (!e)
		return;
	stats->rx_packets = __atomic_load_n(&e->counters->rx_packets, __ATOMIC_RELAXED);
	stats->rx_bytes = __atomic_load_n(&e->counters->rx_bytes, __ATOMIC_RELAXED);
	stats->tx_packets = __atomic_load_n(&e->counters->tx_packets, __ATOMIC_RELAXED);
	stats->tx_bytes = __atomic_load_n(&e->counters->tx_bytes, __ATOMIC_RELAXED);
}

// --- Packets that ofproto sends.

// Translates and executes a packet of a bridge.
static struct error *send(const struct xlate_in *in)
{
	struct backer *b = in->backer;
	struct buf actions = BUF_INIT;
	struct flow mask, key;
	struct xlate_out out;
	flow_copy(&key, in->flow);
	flow_clear(&mask);
	xlate_out_init(&out, &actions, &mask);
	xlate_translate(in, &out);
	struct error *e = NULL;
	if (out.error) {
		e = error_new("translation failed: %s", xlate_strerror(out.error));
	} else if (actions.len) {
		const struct xlate_bridge *bridge =
			xlate_snapshot_bridge(backer_snapshot(b), ofproto_id(in->ofproto));
		const struct xlate_port *in_port =
			bridge ? xlate_bridge_port(bridge, in->flow->in_port) : NULL;
		key.in_port = in_port ? in_port->dp_port : DP_PORT_NONE;
		e = dp_execute(b->dp, &key, in->frame, in->frame_len, actions.data, actions.len);
	}
	xlate_out_done(&out);
	buf_done(&actions);
	return e;
}

struct error *backer_packet_out(struct backer *b, struct ofproto *ofproto, const struct flow *flow,
				const void *frame, size_t n, const void *ofpacts,
				size_t ofpacts_len)
{
	return send(&(struct xlate_in){.backer = b,
				       .flow = flow,
				       .ofproto = ofproto,
				       .frame = frame,
				       .frame_len = n,
				       // An empty list drops, no list is the tables.
				       .actions = ofpacts ? ofpacts : "",
				       .actions_len = ofpacts_len,
				       .may_learn = true,
				       .credit = true,
				       .packet_out = true});
}

struct error *backer_resume(struct backer *b, struct ofproto *ofproto, const struct flow *flow,
			    const void *frame, size_t n, const struct frozen *frozen)
{
	return send(&(struct xlate_in){.backer = b,
				       .flow = flow,
				       .ofproto = ofproto,
				       .frame = frame,
				       .frame_len = n,
				       .frozen = frozen,
				       .may_learn = true,
				       .credit = true});
}

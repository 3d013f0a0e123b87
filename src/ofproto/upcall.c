/* SPDX-License-Identifier: Apache-2.0 */
// What the datapath asks: what to do with a packet that no megaflow matches, and to take a packet
// that a userspace action sends up. Runs in the datapath's threads: no locks but the MAC table's,
// no memory but the new megaflow's.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/log.h"
#include "base/str.h"
#include "ofproto/backer_internal.h"
#include "ofproto/meters.h"
#include "ofproto/packet_in.h"
#include "ofproto/xlate.h"

LOG_MODULE(ofproto_dpif_upcall);

COUNTER(upcall_miss);
COUNTER(upcall_flow_limit_hit);
COUNTER(megaflow_made);
COUNTER(upcall_userspace);
COUNTER(upcall_slow_path);
COUNTER(xlate_errors);
COUNTER(xlate_too_deep);
COUNTER(xlate_too_many_resubmits);

enum { LOOP_SHOWN = 8 };

// With a meter for the slow path, packets that must be seen one by one have a megaflow that meters
// them and sends them up; without one, each of them misses.
bool upcall_use_slow_path(struct buf *actions, const struct xlate_out *out)
{
	const struct xlate_userdata userdata = {.kind = XLATE_USERDATA_SLOW_PATH};
	uint32_t meter;
	if (!out->each_packet || out->error || !out->ofproto ||
	    !ofproto_meter_lookup(out->ofproto, OFPM_SLOWPATH, &meter))
		return false;
	buf_clear(actions);
	((struct dpact_meter *)dpact_add(actions, DPACT_METER, sizeof(struct dpact_meter)))->id =
		meter;
	dpact_add_userspace(actions, &userdata, sizeof(userdata));
	return true;
}

void upcall_finish_actions(const struct backer *b, struct buf *actions, const struct xlate_out *out)
{
	if (actions->len || !dp_features_have(&b->features, DP_FEATURE_EXPLICIT_DROP))
		return;
	struct dpact_drop *drop = dpact_add(actions, DPACT_DROP, sizeof(*drop));
	drop->reason = out->drop_reason;
}

// Room for one more? The limits are checked without a lock: they may be passed by a few. One port
// may take PORT_SHARE times as much as is left, so that there is always some room for others: alone
// it gets seven eighths, two that want all get seven fifteenths each.
static bool may_install(struct backer *b, const struct xlate_out *out, uint16_t in_port)
{
	enum { PORT_SHARE = 7 };
	if (out->error == XLATE_NO_RECIRC_CONTEXT || out->error == XLATE_TOO_MANY_RECIRCS)
		return false;
	unsigned int limit = __atomic_load_n(&b->backers->settings.flow_limit, __ATOMIC_RELAXED),
		     n = backer_n_megaflows(b);
	if (n < limit && __atomic_load_n(&b->n_of_port[in_port], __ATOMIC_RELAXED) <
				 (uint64_t)PORT_SHARE * (limit - n))
		return true;
	counter_inc(upcall_flow_limit_hit);
	return false;
}

// How long is what the rules, as they were met, repeat over and over at the end? 0: they do not.
static unsigned int loop_length(const struct xlate_out *out)
{
	for (unsigned int n = 1; n <= LOOP_SHOWN && 3 * n <= out->n_rules; n++) {
		unsigned int same = 0;
		while (same < 2 * n && out->rules[out->n_rules - 1 - same] ==
					       out->rules[out->n_rules - 1 - same - n])
			same++;
		if (same == 2 * n)
			return n;
	}
	return 0;
}

// The rules that led to the limit, in the order in which they were met: the loop, or the last of
// them.
static void format_chain(const struct xlate_out *out, struct str *s)
{
	unsigned int loop = loop_length(out), n = loop			      ? loop
						  : out->n_rules < LOOP_SHOWN ? out->n_rules
									      : LOOP_SHOWN;
	if (loop)
		str_addf(s, "a loop of %u rule%s: ", loop, loop > 1 ? "s" : "");
	else
		str_addf(s, "%s%u rules: ", n < out->n_rules ? "the last of " : "", out->n_rules);
	for (unsigned int i = out->n_rules - n; i < out->n_rules; i++) {
		const struct rule *r = out->rules[i];
		str_addf(s, "%s%s table %u priority %d", i > out->n_rules - n ? " -> " : "",
			 ofproto_name(r->ofproto), r->table_id, r->cls.priority);
		if (r->cookie)
			str_addf(s, " cookie 0x%llx", (unsigned long long)be64toh(r->cookie));
	}
}

void upcall_count_error(const struct xlate_out *out, uint32_t dp_port)
{
	counter_inc(xlate_errors);
	if (out->error == XLATE_TOO_DEEP || out->error == XLATE_TOO_MANY_RESUBMITS) {
		if (out->error == XLATE_TOO_DEEP)
			counter_inc(xlate_too_deep);
		else
			counter_inc(xlate_too_many_resubmits);
		struct str chain = STR_INIT;
		format_chain(out, &chain);
		log_warn_rl("translation failed (%s), packet is dropped: %s",
			    xlate_strerror(out->error), str_cstr(&chain));
		str_done(&chain);
	} else if (out->error == XLATE_INVALID_PORT) {
		log_info_rl("received packet on unassociated datapath port %u", dp_port);
	} else {
		log_warn_rl("translation failed (%s), packet is dropped",
			    xlate_strerror(out->error));
	}
}

// upcall/disable-megaflows: all that the packet brings along counts.
static void match_all(const struct flow *flow, struct flow *mask)
{
	struct flow all;
	flow_mask_for_packet(flow, &all);
	all.metadata = 0;
	memset(all.regs, 0, sizeof(all.regs));
	all.conj_id = all.actset_output = 0;
	flow_make_options(mask);
	for (unsigned int i = 0, n = flow_n_words(&all); i < n; i++)
		flow_words(mask)[i] |= flow_words_const(&all)[i];
}

static int handle_miss(struct backer *b, const struct dp_upcall *upcall,
		       struct dp_upcall_result *result)
{
	// The flows are being put back: half of them would give wrong megaflows.
	if (__atomic_load_n(&b->backers->settings.restoring, __ATOMIC_RELAXED))
		return -EAGAIN;
	// Read first: what changes from here on makes the new megaflow an old one.
	uint64_t generation = xlate_generation(b);
	struct xlate_out out;
	counter_inc(upcall_miss);
	xlate_out_init(&out, &result->actions, &result->mask);
	// The megaflow, when there is one, counts from the next packet on: this one is credited
	// here.
	xlate_translate(&(struct xlate_in){.backer = b,
					   .flow = upcall->key,
					   .frame = upcall->frame,
					   .frame_len = upcall->frame_len,
					   .now = upcall->now,
					   .may_learn = true,
					   .credit = true},
			&out);
	if (out.error)
		upcall_count_error(&out, upcall->key->in_port);
	bool slow = upcall_use_slow_path(&result->actions, &out);
	upcall_finish_actions(b, &result->actions, &out);
	if (__atomic_load_n(&b->backers->megaflows_disabled, __ATOMIC_RELAXED))
		match_all(upcall->key, &result->mask);
	result->install = !upcall->no_megaflow && (slow || !out.each_packet) &&
			  may_install(b, &out, (uint16_t)upcall->key->in_port);
	if (result->install) {
		counter_inc(megaflow_made);
		result->cookie = megaflow_new(b->bases, &out, upcall->key, generation, upcall->now);
		if (!backer_count_megaflow(b, (uint16_t)upcall->key->in_port, 1))
			revalidator_kick(b);
	}
	xlate_out_done(&out);
	return 0;
}

// The megaflow has counted the packet.
static int handle_slow_path(struct backer *b, const struct dp_upcall *upcall)
{
	struct buf actions = BUF_INIT;
	struct flow mask;
	struct xlate_out out;
	struct error *e = NULL;
	counter_inc(upcall_slow_path);
	memset(&mask, 0, sizeof(mask));
	xlate_out_init(&out, &actions, &mask);
	xlate_translate(&(struct xlate_in){.backer = b,
					   .flow = upcall->key,
					   .frame = upcall->frame,
					   .frame_len = upcall->frame_len,
					   .may_learn = true},
			&out);
	if (out.error)
		upcall_count_error(&out, upcall->key->in_port);
	else if (actions.len)
		e = dp_execute(b->dp, upcall->key, upcall->frame, upcall->frame_len, actions.data,
			       actions.len);
	xlate_out_done(&out);
	buf_done(&actions);
	int code = e ? -ENOBUFS : out.error ? -EINVAL : 0;
	error_free(e);
	return code;
}

static int handle_action(struct backer *b, const struct dp_upcall *upcall)
{
	struct xlate_userdata head;
	if (upcall->userdata_len < sizeof(head))
		return -EINVAL;
	memcpy(&head, upcall->userdata, sizeof(head));
	if (head.kind == XLATE_USERDATA_SLOW_PATH)
		return handle_slow_path(b, upcall);
	if (head.kind != XLATE_USERDATA_CONTROLLER ||
	    head.userdata_len != upcall->userdata_len - sizeof(head))
		return -EINVAL;
	counter_inc(upcall_userspace);
	struct packet_in pin = {
		.reason = head.reason,
		.table_id = head.table_id,
		.controller_id = head.controller_id,
		.max_len = head.max_len,
		.cookie = head.cookie,
		.ofp_in_port = head.ofp_in_port,
		.metadata = *upcall->key,
		.frame = upcall->frame,
		.frame_len = upcall->frame_len,
		.userdata = upcall->userdata + sizeof(head),
		.userdata_len = head.userdata_len,
	};
	if (head.recirc_id && !(pin.paused = recirc_find(b->recircs, head.recirc_id)))
		return -ENOENT;
	pin.metadata.in_port = head.ofp_in_port;
	pin.metadata.metadata = head.metadata;
	memcpy(pin.metadata.regs, head.regs, sizeof(head.regs));
	if (head.tun_id_set)
		pin.metadata.tunnel.id = head.tun_id;
	if (head.tun_ends_set) {
		pin.metadata.tunnel.ip_src = head.tun_src;
		pin.metadata.tunnel.ip_dst = head.tun_dst;
	}
	return packet_in_enqueue(b->backers->system, head.ofproto_id, &pin) ? 0 : -ENOBUFS;
}

int upcall_handle(void *backer, const struct dp_upcall *upcall, struct dp_upcall_result *result)
{
	switch (upcall->type) {
	case DP_UPCALL_MISS:
		return handle_miss(backer, upcall, result);
	case DP_UPCALL_ACTION:
		return handle_action(backer, upcall);
	}
	return -EINVAL;
}

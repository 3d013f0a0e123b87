/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_dp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/vec.h"

struct fake_flow {
	struct uuid ufid;
	struct flow key, mask;
	struct buf actions;
	struct dp_flow_stats stats;
	void *cookie;
};

struct dp {
	const struct dp_callbacks *callbacks;
	void *arg;
	char *type, *name;
	VEC(struct fake_flow *) flows;
	uint32_t next_ufid;
	struct dp_upcall_result result;
};

void (*fake_dp_on_execute)(const struct flow *key, const void *actions, size_t n);

struct error *dp_open(struct loop *loop, const char *type, const char *name,
		      const struct dp_callbacks *callbacks, void *arg, struct dp **out)
{
	struct dp *dp = XNEW(struct dp);
	(void)loop;
	dp->callbacks = callbacks;
	dp->arg = arg;
	dp->type = xstrdup(type);
	dp->name = xstrdup(name);
	*out = dp;
	return NULL;
}

static void remove_flow(struct dp *dp, size_t i)
{
	struct fake_flow *f = dp->flows.v[i];
	vec_remove(&dp->flows, i);
	dp->callbacks->flow_gone(dp->arg, f->cookie, &f->stats);
	buf_done(&f->actions);
	free(f);
}

void dp_flow_flush(struct dp *dp)
{
	while (dp->flows.n)
		remove_flow(dp, dp->flows.n - 1);
}

void dp_settings_init(struct dp_settings *s)
{
	*s = (struct dp_settings){.rxq_isolate = true};
}

void dp_perf_log_init(struct dp_perf_log *log)
{
}

int dp_pmd_perf_log(struct dp *dp, const struct dp_perf_log *log)
{
	return 0;
}

void dp_configure(struct dp *dp, const struct dp_settings *settings)
{
}

void dp_close(struct dp *dp)
{
	dp_flow_flush(dp);
	vec_done(&dp->flows);
	buf_done(&dp->result.actions);
	free(dp->type);
	free(dp->name);
	free(dp);
}

const char *dp_type(const struct dp *dp)
{
	return dp->type;
}

const char *dp_name(const struct dp *dp)
{
	return dp->name;
}

struct error *dp_port_add(struct dp *dp, struct netdev *netdev, uint32_t *port)
{
	(void)dp, (void)netdev, (void)port;
	return NULL;
}

int dp_port_del(struct dp *dp, uint32_t port)
{
	(void)dp, (void)port;
	return 0;
}

static size_t find(const struct dp *dp, const struct uuid *ufid)
{
	size_t i = 0;
	while (i < dp->flows.n && memcmp(&dp->flows.v[i]->ufid, ufid, sizeof(*ufid)) != 0)
		i++;
	return i;
}

int dp_flow_modify(struct dp *dp, const struct uuid *ufid, const void *actions, size_t n)
{
	size_t i = find(dp, ufid);
	if (i == dp->flows.n)
		return -ENOENT;
	struct buf new = BUF_INIT;
	buf_add(&new, actions, n);
	buf_done(&dp->flows.v[i]->actions);
	dp->flows.v[i]->actions = new;
	return 0;
}

int dp_flow_del(struct dp *dp, const struct uuid *ufid)
{
	size_t i = find(dp, ufid);
	if (i == dp->flows.n)
		return -ENOENT;
	remove_flow(dp, i);
	return 0;
}

// From the end to the front, so that the callback may delete what it is shown. Position: flows
// shown already.
bool dp_flow_dump(struct dp *dp, uint64_t *position, unsigned int max,
		  void (*cb)(void *arg, const struct dp_flow *), void *arg)
{
	if (!*position)
		*position = UINT64_MAX - dp->flows.n;
	for (unsigned int n = 0; n < max; n++) {
		if (*position == UINT64_MAX)
			return false;
		struct fake_flow *f = dp->flows.v[UINT64_MAX - ++*position];
		struct dp_flow shown = {.ufid = &f->ufid,
					.key = &f->key,
					.mask = &f->mask,
					.actions = f->actions.data,
					.actions_len = f->actions.len,
					.stats = f->stats,
					.cookie = f->cookie};
		cb(arg, &shown);
	}
	return *position != UINT64_MAX;
}

struct error *dp_execute(struct dp *dp, const struct flow *key, const void *frame, size_t n,
			 const void *actions, size_t actions_len)
{
	(void)dp, (void)frame, (void)n;
	if (fake_dp_on_execute)
		fake_dp_on_execute(key, actions, actions_len);
	return NULL;
}

unsigned int fake_dp_n_flows(const struct dp *dp)
{
	return (unsigned int)dp->flows.n;
}

static void install(struct dp *dp, const struct flow *key, const struct dp_upcall_result *r)
{
	struct fake_flow *f = XNEW(struct fake_flow);
	f->ufid.part[0] = ++dp->next_ufid;
	f->mask = r->mask;
	flow_mask(&f->key, key, &r->mask);
	buf_add(&f->actions, r->actions.data, r->actions.len);
	f->cookie = r->cookie;
	vec_push(&dp->flows, f);
}

bool fake_dp_packet(struct dp *dp, const struct flow *key, size_t frame_len, struct str *actions)
{
	VEC_FOREACH (&dp->flows, i) {
		struct fake_flow *f = dp->flows.v[i];
		if (!flow_equal_masked(key, &f->key, &f->mask))
			continue;
		f->stats.packets++;
		f->stats.bytes += frame_len;
		f->stats.used = clock_ms();
		dpact_format(actions, f->actions.data, f->actions.len, NULL, NULL);
		return true;
	}
	struct dp_upcall upcall = {
		.type = DP_UPCALL_MISS, .key = key, .frame_len = frame_len, .now = clock_ms()};
	struct dp_upcall_result *r = &dp->result;
	flow_clear(&r->mask);
	buf_clear(&r->actions);
	r->install = false;
	if (dp->callbacks->upcall(dp->arg, &upcall, r)) {
		str_add(actions, "error");
		return false;
	}
	dpact_format(actions, r->actions.data, r->actions.len, NULL, NULL);
	if (r->install)
		install(dp, key, r);
	return false;
}

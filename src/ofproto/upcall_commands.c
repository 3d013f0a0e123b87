/* SPDX-License-Identifier: Apache-2.0 */
// upcall/*, revalidator/*: how megaflows come and go.
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "ofproto/backer_internal.h"
#include "ofproto/ofproto.h"

enum { TOP = 5 };
struct talkers { // the most first
	struct dp_port_misses of[TOP];
	char *name[TOP];
	unsigned int n;
};

static void add_talker(void *talkers_, const struct dp_port_misses *m)
{
	struct talkers *t = talkers_;
	unsigned int at = t->n;
	while (at && (t->of[at - 1].recent < m->recent ||
		      (t->of[at - 1].recent == m->recent && t->of[at - 1].misses < m->misses)))
		at--;
	if (!m->misses || at == TOP)
		return;
	if (t->n == TOP)
		free(t->name[--t->n]);
	memmove(&t->of[at + 1], &t->of[at], (t->n - at) * sizeof(t->of[0]));
	memmove(&t->name[at + 1], &t->name[at], (t->n - at) * sizeof(t->name[0]));
	t->of[at] = *m;
	t->name[at] = xstrdup(m->name);
	t->n++;
}

// The ports that give most work.
static void show_talkers(struct dp *dp, struct str *out)
{
	struct talkers t = {.n = 0};
	dp_port_misses(dp, add_talker, &t);
	if (t.n)
		str_add(out, "\n  ports whose packets miss most:\n");
	for (unsigned int i = 0; i < t.n; i++) {
		const struct dp_port_misses *m = &t.of[i];
		str_addf(out, "    %s: %ju misses, %ju of them dropped", t.name[i],
			 (uintmax_t)m->misses, (uintmax_t)m->refused);
		if (m->recent_ms)
			str_addf(out, "; %ju in the last %.1f s", (uintmax_t)m->recent,
				 (double)m->recent_ms / 1000);
		str_addc(out, '\n');
		free(t.name[i]);
	}
}

bool upcall_show(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	const struct backers *bs = ofproto_system_backers(system);
	VEC_FOREACH (&bs->v, i) {
		const struct backer *b = bs->v.v[i];
		unsigned int n = backer_n_megaflows(b);
		if (b->is_by_hand)
			continue;
		str_addf(out, "%s@%s:\n", b->type, dp_name(b->dp));
		str_addf(out, "  flows         : (current %u) (avg %u) (max %u) (limit %u)\n", n,
			 b->reval.avg_flows_x16 / 16,
			 b->reval.max_flows > n ? b->reval.max_flows : n, bs->settings.flow_limit);
		str_addf(out, "  dump duration : %lldms\n", (long long)b->reval.duration_ms);
		str_addf(out, "  ufid enabled : %s\n\n  0: (keys %u)\n",
			 bs->ufids_disabled ? "false" : "true", n);
		show_talkers(b->dp, out);
	}
	return true;
}

// Whether dumps of a kernel's flows are short. Those of the datapaths in this process are read in
// place, whatever is said here.
static bool set_ufids(struct ofproto_system *system, bool on, struct str *out)
{
	ofproto_system_backers(system)->ufids_disabled = !on;
	str_addf(out, "Datapath dumping tersely using UFID %s\n",
		 on ? "enabled for supported datapaths" : "disabled");
	return true;
}

bool upcall_disable_ufid(struct ofproto_system *system, int argc, const char *argv[],
			 struct str *out)
{
	return set_ufids(system, false, out);
}

bool upcall_enable_ufid(struct ofproto_system *system, int argc, const char *argv[],
			struct str *out)
{
	return set_ufids(system, true, out);
}

bool upcall_set_flow_limit(struct ofproto_system *system, int argc, const char *argv[],
			   struct str *out)
{
	struct backers *bs = ofproto_system_backers(system);
	struct backer_settings settings = bs->settings;
	if (parse_u32(argv[1], 10, &settings.flow_limit)) {
		str_addf(out, "%s: not a number of flows", argv[1]);
		return false;
	}
	backers_configure(bs, &settings);
	str_addf(out, "set flow_limit to %u\n", settings.flow_limit);
	return true;
}

bool revalidator_wait(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	const struct backers *bs = ofproto_system_backers(system);
	VEC_FOREACH (&bs->v, i)
		revalidator_run_all(bs->v.v[i]);
	return true;
}

bool revalidator_purge_command(struct ofproto_system *system, int argc, const char *argv[],
			       struct str *out)
{
	const struct backers *bs = ofproto_system_backers(system);
	VEC_FOREACH (&bs->v, i)
		revalidator_purge(bs->v.v[i]);
	return true;
}

// One megaflow per packet that differs in anything: to see whether megaflows are at fault.
static bool set_megaflows(struct ofproto_system *system, bool on, struct str *out)
{
	struct backers *bs = ofproto_system_backers(system);
	__atomic_store_n(&bs->megaflows_disabled, !on, __ATOMIC_RELAXED);
	VEC_FOREACH (&bs->v, i)
		revalidator_purge(bs->v.v[i]);
	str_addf(out, "megaflows %s\n", on ? "enabled" : "disabled");
	return true;
}

bool upcall_disable_megaflows(struct ofproto_system *system, int argc, const char *argv[],
			      struct str *out)
{
	return set_megaflows(system, false, out);
}

bool upcall_enable_megaflows(struct ofproto_system *system, int argc, const char *argv[],
			     struct str *out)
{
	return set_megaflows(system, true, out);
}

/* SPDX-License-Identifier: Apache-2.0 */
// upcall/*, revalidator/*: how megaflows come and go.
#include <string.h>

#include "base/str.h"
#include "ofproto/backer_internal.h"
#include "ofproto/ofproto.h"

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
		str_addf(out, "  ufid enabled : %s\n\n  0: (keys %u)\n", bs->ufids_disabled ? "false" : "true", n);
	}
	return true;
}

// Whether dumps of a kernel's flows are short. Those of the datapaths in this process are read in place, whatever is said here.
static bool set_ufids(struct ofproto_system *system, bool on, struct str *out)
{
	ofproto_system_backers(system)->ufids_disabled = !on;
	str_addf(out, "Datapath dumping tersely using UFID %s\n", on ? "enabled for supported datapaths" : "disabled");
	return true;
}

bool upcall_disable_ufid(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	return set_ufids(system, false, out);
}

bool upcall_enable_ufid(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
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

/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/dp_features.h"

#include <string.h>

#include "base/str.h"
#include "ofproto/backer_internal.h"
#include "ofproto/ofproto.h"

// Of the userspace datapaths, in the order in which the stock switch shows them.
static const struct feature {
	const char *key, *name;
	int number; // -1: yes or no
	bool there;
	int asked; // enum dp_feature; -1: translation does not ask, and it cannot be switched off
} features[] = {
	{"masked_set_action", "Masked set action", -1, true, -1},
	{"tnl_push_pop", "Tunnel push pop", -1, false, -1},
	{"ufid", "Ufid", -1, true, -1},
	{"trunc", "Truncate action", -1, true, -1},
	{"clone", "Clone action", -1, true, -1},
	{"sample_nesting", "Sample nesting", 10, true, -1},
	{"ct_eventmask", "Conntrack eventmask", -1, false, -1},
	{"ct_clear", "Conntrack clear", -1, false, -1},
	{"max_hash_alg", "Max dp_hash algorithm", 1, true, -1},
	{"check_pkt_len", "Check pkt length action", -1, true, -1},
	{"ct_timeout", "Conntrack timeout policy", -1, false, -1},
	{"explicit_drop_action", "Explicit Drop action", -1, true, DP_FEATURE_EXPLICIT_DROP},
	{"lb_output_action", "Optimized Balance TCP mode", -1, false, -1},
	{"ct_zero_snat", "Conntrack all-zero IP SNAT", -1, false, -1},
	{"add_mpls", "MPLS Label add", -1, false, -1},
	{"max_vlan_headers", "Max VLAN headers", 2, true, -1},
	{"max_mpls_depth", "Max MPLS depth", 3, true, -1},
	{"recirc", "Recirc", -1, true, DP_FEATURE_RECIRC},
	{"ct_state", "CT state", -1, false, -1},
	{"ct_zone", "CT zone", -1, false, -1},
	{"ct_mark", "CT mark", -1, false, -1},
	{"ct_label", "CT label", -1, false, -1},
	{"ct_state_nat", "CT state NAT", -1, false, -1},
	{"ct_orig_tuple", "CT orig tuple", -1, false, -1},
	{"ct_orig_tuple6", "CT orig tuple for IPv6", -1, false, -1},
	{"nd_ext", "IPv6 ND Extension", -1, false, -1},
};
enum { N_FEATURES = sizeof(features) / sizeof(features[0]) };

static bool is_on(const struct backer *b, const struct feature *f)
{
	return f->there &&
	       (f->asked < 0 || dp_features_have(&b->features, (enum dp_feature)f->asked));
}

static struct backer *backer_of(struct ofproto_system *system, const char *bridge, struct str *out)
{
	struct ofproto *p = ofproto_find(system, bridge);
	if (!p)
		str_add(out, "no such bridge");
	return p ? ofproto_backer(p) : NULL;
}

bool dpif_show_dp_features(struct ofproto_system *system, int argc, const char *argv[],
			   struct str *out)
{
	const struct backer *b = backer_of(system, argv[1], out);
	for (size_t i = 0; b && i < N_FEATURES; i++) {
		const struct feature *f = &features[i];
		if (f->number < 0)
			str_addf(out, "%s: %s\n", f->name, f->there ? "Yes" : "No");
		else
			str_addf(out, "%s: %d\n", f->name, f->number);
	}
	return b != NULL;
}

static void show(const struct backer *b, const struct feature *f, struct str *out)
{
	str_addf(out, "%s (%s) : ", f->key, f->name);
	if (f->number < 0)
		str_addf(out, "[run time]:%s, [boot time]:%s\n", is_on(b, f) ? "true" : "false",
			 f->there ? "true" : "false");
	else
		str_addf(out, "[run time]:%d, [boot time]:%d\n", f->number, f->number);
}

// 1 and 0 for true and false. False: `out` says what is wrong.
static bool parse_value(const struct feature *f, const char *text, int64_t *value, struct str *out)
{
	if (f->number < 0) {
		*value = !strcmp(text, "true");
		if (!*value && strcmp(text, "false"))
			str_add(out, "Boolean value expected");
		else if (*value > f->there)
			str_add(out, "Can not set value beyond the datapath capability");
	} else if (parse_i64(text, 10, value)) {
		str_add(out, "Integer number expected");
	} else if (*value < 0) {
		str_add(out, "Negative number not expected");
	} else if (*value > f->number) {
		str_add(out, "Can not set value beyond the datapath capability");
	}
	return !out->len;
}

// Texts about arguments that are not right are answers, and not errors, as they are in the stock
// switch.
static bool set(struct backer *b, const struct feature *f, const char *text, struct str *out)
{
	int64_t value;
	if (!parse_value(f, text, &value, out))
		return true;
	if (f->asked < 0 && value != (f->number < 0 ? f->there : f->number)) {
		str_addf(out, "%s cannot be changed: nothing in this switch depends on it", f->key);
		return false;
	}
	if (f->asked >= 0 && value != is_on(b, f)) {
		__atomic_store_n(&b->features.off[f->asked], !value, __ATOMIC_RELAXED);
		xlate_changed(b, XLATE_CHANGE_CONFIGURATION);
	}
	return true;
}

bool dpif_set_dp_features(struct ofproto_system *system, int argc, const char *argv[],
			  struct str *out)
{
	struct backer *b = backer_of(system, argv[1], out);
	bool known = argc == 2;
	if (!b)
		return false;
	for (size_t i = 0; i < N_FEATURES; i++) {
		if (argc > 2 && strcmp(features[i].key, argv[2]))
			continue;
		if (argc > 3)
			return set(b, &features[i], argv[3], out);
		show(b, &features[i], out);
		known = true;
	}
	if (!known)
		str_add(out, "Unexpected support field");
	return true;
}

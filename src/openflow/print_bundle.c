/* SPDX-License-Identifier: Apache-2.0 */
// Printing bundles and forwarded requests, which hold other messages.
#include "openflow/bundle.h"
#include "openflow/print_row.h"

static void print_bundle_flags(struct str *s, uint16_t flags)
{
	static const struct bit_name names[] = {{OFPBF_ATOMIC, "atomic"},
						{OFPBF_ORDERED, "ordered"}};
	str_add(s, " flags=");
	print_bits(s, flags, names, 2, ' ');
}

int print_bundle_control(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	static const char *const types[] = {"OPEN_REQUEST",    "OPEN_REPLY",	 "CLOSE_REQUEST",
					    "CLOSE_REPLY",     "COMMIT_REQUEST", "COMMIT_REPLY",
					    "DISCARD_REQUEST", "DISCARD_REPLY"};
	struct ofp_bundle_control bc;
	int error = ofp_decode_bundle_control(m, &bc);
	if (error)
		return error;
	str_addf(s, "\n bundle_id=%#x type=%s", bc.bundle_id,
		 bc.type <= OFPBCT_DISCARD_REPLY ? types[bc.type] : "");
	print_bundle_flags(s, bc.flags);
	return 0;
}

int print_bundle_add(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	struct ofp_bundle_add ba;
	int error = ofp_decode_bundle_add(m, &ba);
	if (error)
		return error;
	str_addf(s, "\n bundle_id=%#x", ba.bundle_id);
	print_bundle_flags(s, ba.flags);
	str_addc(s, '\n');
	ofp_print(s, ba.msg, ba.len, o);
	return 0;
}

static void print_time(struct str *s, const char *name, const struct ofp_time *t)
{
	str_addf(s, " %s=%llu.%09u", name, (unsigned long long)t->s, t->ns);
}

static void print_bundle_time(struct str *s, const struct ofp_bundle_features *f)
{
	if (!f->has_time)
		return;
	str_add(s, "\n time:");
	print_time(s, "accuracy", &f->time.accuracy);
	print_time(s, "max_future", &f->time.max_future);
	print_time(s, "max_past", &f->time.max_past);
	print_time(s, "timestamp", &f->time.timestamp);
}

int print_bundle_features_request(struct str *s, const struct ofp_msg *m,
				  const struct ofp_print_options *o)
{
	static const struct bit_name names[] = {{OFPBF_TIMESTAMP, "timestamp"},
						{OFPBF_TIME_SET_SCHED, "set_sched"}};
	struct ofp_bundle_features f;
	int error = ofp_decode_bundle_features(m, &f);
	if (error)
		return error;
	str_add(s, " flags=");
	print_bits(s, f.flags, names, 2, ' ');
	print_bundle_time(s, &f);
	return 0;
}

int print_bundle_features_reply(struct str *s, const struct ofp_msg *m,
				const struct ofp_print_options *o)
{
	static const struct bit_name names[] = {
		{OFPBF_ATOMIC, "atomic"}, {OFPBF_ORDERED, "ordered"}, {OFPBF_TIME, "time"}};
	struct ofp_bundle_features f;
	int error = ofp_decode_bundle_features(m, &f);
	if (error)
		return error;
	str_add(s, " capabilities=");
	print_bits(s, f.flags, names, 3, ' ');
	print_bundle_time(s, &f);
	return 0;
}

int print_requestforward(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	struct ofp_requestforward rf;
	int error = ofp_decode_requestforward(m, &rf);
	if (error)
		return error;
	bool meter = rf.reason == OFPRFR_METER_MOD;
	size_t before = s->len;
	str_add(s, meter ? " reason=meter_mod" : " reason=group_mod");
	error = (meter ? print_meter_mod : print_group_mod)(s, &rf.request, o);
	if (error)
		str_truncate(s, before);
	return error;
}

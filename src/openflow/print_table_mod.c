/* SPDX-License-Identifier: Apache-2.0 */
// Printing what a flow table does when it is full or misses.
#include <errno.h>

#include "openflow/print_row.h"
#include "openflow/table_mod.h"

static const struct bit_name eviction_flag_names[] = {{OFPTMPEF_OTHER, "OTHER"},
						      {OFPTMPEF_IMPORTANCE, "IMPORTANCE"},
						      {OFPTMPEF_LIFETIME, "LIFETIME"}};

static void print_eviction_flags(struct str *s, uint32_t flags)
{
	str_add(s, "eviction_flags=");
	if (flags == OFPTABLE_EVICTION_DEFAULT)
		str_add(s, "(default)");
	else
		print_bits(s, flags, eviction_flag_names, 3, '|');
}

static const char *on_off(enum ofp_table_switch value)
{
	switch (value) {
	case OFPTABLE_ON:
		return "on";
	case OFPTABLE_OFF:
		return "off";
	case OFPTABLE_SAME:
		break;
	}
	return "same";
}

int print_table_mod(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	static const char *const misses[] = {"", "controller", "continue", "drop"};
	struct ofp_table_mod tm;
	int error = ofp_decode_table_mod(m, &tm);
	if (error)
		return error;
	if (tm.table_id == 255)
		str_add(s, " table_id: ALL_TABLES");
	else
		str_add(s, " table_id="), ofp_table_format(&o->text, tm.table_id, s);
	if (tm.miss != OFPTABLE_MISS_DEFAULT)
		str_addf(s, ", flow_miss_config=%s", misses[tm.miss]);
	if (tm.eviction != OFPTABLE_SAME)
		str_addf(s, ", eviction=%s", on_off(tm.eviction));
	if (tm.eviction_flags != OFPTABLE_EVICTION_DEFAULT) {
		str_add(s, ", ");
		print_eviction_flags(s, tm.eviction_flags);
	}
	if (tm.vacancy != OFPTABLE_SAME)
		str_addf(s, ", vacancy=%s", on_off(tm.vacancy));
	if (tm.vacancy == OFPTABLE_ON)
		str_addf(s, " vacancy:%u,%u", tm.vacancy_down, tm.vacancy_up);
	return 0;
}

static void print_desc_of(struct str *s, const struct ofp_table_desc *d,
			  const struct ofp_print_options *o)
{
	str_add(s, "\n  table ");
	ofp_table_format(&o->text, d->table_id, s);
	str_addf(s, ":\n   eviction=%s ", d->eviction ? "on" : "off");
	print_eviction_flags(s, d->eviction_flags);
	if (d->vacancy_events)
		str_addf(s, "\n   vacancy=on vacancy_down=%u%% vacancy_up=%u%% vacancy=%u%%\n",
			 d->vacancy_down, d->vacancy_up, d->vacancy);
	else
		str_add(s, "\n   vacancy=off\n");
}

int print_table_desc_reply(struct str *s, const struct ofp_msg *m,
			   const struct ofp_print_options *o)
{
	struct cursor body = m->body;
	struct ofp_table_desc d;
	int error;
	while (!(error = ofp_table_desc_pull(&body, &d)))
		print_desc_of(s, &d, o);
	return error == -ENODATA ? 0 : error;
}

int print_table_status(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	struct ofp_table_status ts;
	int error = ofp_decode_table_status(m, &ts);
	if (error)
		return error;
	str_addf(s, " reason=VACANCY_%s\ntable_desc:-",
		 ts.reason == OFPTR_VACANCY_DOWN ? "DOWN" : "UP");
	print_desc_of(s, &ts.desc, o);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
// "Why did my rule not match?": the rule's fields beside those of the packet, as it was each time
// when the rule's table was looked up.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "flow/match.h"
#include "ofproto/backer_internal.h"
#include "ofproto/internal.h"
#include "ofproto/trace_answer.h"

struct wanted {
	uint8_t table_id;
	int priority; // -1: any
	struct match match;
};

// "TABLE/priority=5,tcp,..." or "TABLE": every field optional.
static struct error *parse(const struct trace_answer *a, const char *text, struct wanted *w)
{
	char *copy = xstrdup(text), *flow = strchr(copy, '/'), *at, *key, *value;
	struct error *e = NULL;
	w->priority = -1;
	match_init_any(&w->match);
	w->match.table = ofproto_options(a->ofproto);
	if (flow)
		*flow++ = '\0';
	const char *table = !strncmp(copy, "table=", 6) ? copy + 6 : copy;
	if (parse_u8(table, 10, &w->table_id) || w->table_id >= OFPROTO_N_TABLES)
		e = error_new(
			"--why-not %s: TABLE/FLOW is wanted, as in 0/priority=10,tcp,tp_dst=80",
			text);
	at = flow;
	while (!e && flow && key_value_scan(&at, &key, &value)) {
		bool known = true;
		uint16_t priority;
		if (!strcmp(key, "priority")) {
			if (!value || parse_u16(value, 10, &priority))
				e = error_new("--why-not %s: priority: a number from 0 to 65535 is "
					      "wanted",
					      text);
			else
				w->priority = priority;
			continue;
		}
		e = match_parse_field(&w->match, key, value, &known, trace_port_number, a->ofproto);
		if (!e && !known)
			e = error_new("--why-not %s: unknown field %s", text, key);
	}
	free(copy);
	match_imply_ethernet(&w->match);
	return e;
}

static bool is_wanted(const struct rule *rule, const struct wanted *w)
{
	struct match match;
	rule_match(rule, &match);
	return (w->priority < 0 || rule->cls.priority == w->priority) &&
	       match_equal(&match, &w->match);
}

// Of several with this match, the one of the highest priority.
static const struct rule *find_rule(const struct ofproto *p, const struct wanted *w)
{
	struct rule_vec rules = {0};
	const struct rule *found = NULL;
	tables_collect(&p->tables, w->table_id, NULL, &rules);
	VEC_FOREACH (&rules, i)
		if (is_wanted(rules.v[i], w) &&
		    (!found || rules.v[i]->cls.priority > found->cls.priority))
			found = rules.v[i];
	vec_done(&rules);
	return found;
}

static void add_rule(const struct rule *rule, struct str *out)
{
	struct match match;
	size_t before = out->len;
	rule_match(rule, &match);
	match_format(&match, out, -1, NULL, NULL);
	str_addf(out, "%spriority %d", out->len > before ? ", " : "", rule->cls.priority);
}

// One line per field that keeps the rule from matching. The number of lines.
static unsigned int add_differences(const struct trace_answer *a, const struct match *want,
				    const struct flow *have, struct str *out)
{
	unsigned int n = 0;
	struct flow left = want->mask; // what no line speaks of yet
	for (unsigned int id = 0; id < FIELD_N_IDS; id++) {
		struct field space;
		const struct field *f = match_field(want, field_get(id), &space);
		union field_value mask, value, packet;
		struct flow one;
		if (!f)
			continue;
		memset(&mask, 0, sizeof(mask));
		memset(&value, 0, sizeof(value));
		memset(&packet, 0, sizeof(packet));
		field_get_value(f, &left, &mask);
		if (field_mask_is_zero(f, &mask) &&
		    !(f->place == FIELD_PLACE_OPTION && field_may_be_set(f, &left)))
			continue;
		field_get_value(f, &want->flow, &value);
		field_get_value(f, have, &packet);
		flow_clear(&one);
		field_unwildcard(f, &mask, &one);
		for (unsigned int i = 0, n_words = flow_n_words(&one); i < n_words; i++)
			flow_words(&left)[i] &= ~flow_words(&one)[i];
		if (flow_equal_masked(&want->flow, have, &one))
			continue;
		ofp_port_name_cb *name = a->names ? trace_port_name : NULL;
		str_addf(out, "    %s: the rule wants ", f->name);
		field_format_value(f, &value, &mask, name, a->ofproto, out);
		str_add(out, ", the packet has ");
		field_format_value(f, &packet, NULL, name, a->ofproto, out);
		str_addc(out, '\n');
		n++;
	}
	return n;
}

static void explain_visit(const struct trace_answer *a, const struct xlate_visit *v,
			  const struct rule *rule, struct str *out)
{
	struct match match;
	rule_match(rule, &match);
	if (v->rule == rule) {
		str_add(out, "  it matched\n");
		return;
	}
	if (minimatch_accepts(&rule->cls.match, &v->flow)) {
		str_add(out, "  it would match, but ");
		if (v->rule) {
			add_rule(v->rule, out);
			str_add(out, " comes first\n");
		} else {
			str_add(out, "was not there yet\n");
		}
		return;
	}
	if (v->rule) {
		str_add(out, "  another rule matched: ");
		add_rule(v->rule, out);
		str_add(out, "; this one did not:\n");
	} else {
		str_add(out, "  no rule matched; this one did not:\n");
	}
	if (!add_differences(a, &match, &v->flow, out))
		str_add(out, "    some bits differ that no field shows\n");
}

static unsigned int explain_pass(const struct trace_answer *a, uint8_t table_id,
				 const struct rule *rule, struct str *out)
{
	unsigned int n = 0;
	VEC_FOREACH (&a->trace->visits, i) {
		const struct xlate_visit *v = &a->trace->visits.v[i];
		if (v->ofproto != a->ofproto || v->table_id != table_id)
			continue;
		n++;
		explain_visit(a, v, rule, out);
	}
	return n;
}

struct error *trace_why_not(const struct trace_answer *a, const char *text, struct str *out)
{
	struct wanted w;
	struct error *e = parse(a, text, &w);
	if (e)
		return e;
	const struct rule *rule = find_rule(a->ofproto, &w);
	if (!rule)
		return error_new("--why-not %s: there is no such rule in table %u of %s", text,
				 w.table_id, ofproto_name(a->ofproto));
	str_addf(out, "Why not table %u, ", w.table_id);
	add_rule(rule, out);
	str_add(out, ":\n");
	unsigned int n = 0;
	for (const struct trace_answer *pass = a; pass; pass = pass->next)
		n += explain_pass(pass, w.table_id, rule, out);
	if (!n)
		str_addf(out, "  table %u was never looked up\n", w.table_id);
	return NULL;
}

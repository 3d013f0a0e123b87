/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/trace_answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "flow/match.h"
#include "ofproto/backer_internal.h"
#include "ofproto/ofproto.h"
#include "ofproto/rule.h"

static ofp_port_name_cb *port_names(const struct trace_answer *a)
{
	return a->names ? trace_port_name : NULL;
}

// --- The parts.

static void add_flow(const struct trace_answer *a, struct str *out)
{
	flow_format(a->flow, ofproto_options(a->ofproto), out, port_names(a), a->ofproto);
}

static void add_final_flow(const struct trace_answer *a, struct str *out)
{
	struct flow final;
	flow_copy(&final, &a->trace->final);
	final.actset_output = a->flow->actset_output;
	if (flow_equal(&final, a->flow))
		str_add(out, "unchanged");
	else
		flow_format(&final, ofproto_options(a->ofproto), out, port_names(a), a->ofproto);
}

// Tags that the packet does not have are not shown as looked at: the type says so.
static void tidy_mask(const struct flow *flow, struct flow *mask)
{
	for (unsigned int i = 0; i < FLOW_MAX_VLANS; i++)
		if (!(flow->vlan[i].tci & BE16(FLOW_VLAN_CFI)))
			memset(&mask->vlan[i], 0, sizeof(mask->vlan[i]));
		else
			mask->vlan[i].tpid = 0;
}

static void add_megaflow(const struct trace_answer *a, struct str *out)
{
	struct match match;
	match.table = ofproto_options(a->ofproto);
	flow_copy(&match.mask, a->x->mask);
	tidy_mask(a->flow, &match.mask);
	flow_mask(&match.flow, a->flow, &match.mask);
	match_format(&match, out, -1, port_names(a), a->ofproto);
}

static void add_actions(const struct trace_answer *a, bool names, struct str *out)
{
	struct dpact_text text = {.port_name = names ? dp_text_port_name : NULL,
				  .userdata_format = xlate_userdata_format,
				  .arg = a->backer->dp};
	dpact_format_text(out, a->x->actions->data, a->x->actions->len, &text);
}

static void format_pass(const struct trace_answer *a, struct str *out)
{
	str_add(out, "Flow: ");
	add_flow(a, out);
	str_addc(out, '\n');
	xlate_trace_format(a->trace, out);
	str_add(out, "\nFinal flow: ");
	add_final_flow(a, out);
	str_add(out, "\nMegaflow: ");
	add_megaflow(a, out);
	str_add(out, "\nDatapath actions: ");
	add_actions(a, a->names, out);
	if (a->x->error)
		str_addf(out, "\nTranslation failed (%s), packet is dropped.",
			 xlate_strerror(a->x->error));
	if (a->x->each_packet)
		str_add(out, "\nThis flow is handled by the userspace slow path because it:\n"
			     "  - Uses action(s) not supported by datapath.");
	str_addc(out, '\n');
}

static void add_separator(struct str *out)
{
	enum { COLUMNS = 79 };
	str_add_repeat(out, '=', COLUMNS);
	str_addc(out, '\n');
}

void trace_answer_format(const struct trace_answer *a, struct str *out)
{
	for (; a; a = a->next) {
		if (a->title) {
			str_addc(out, '\n');
			add_separator(out);
			str_addf(out, "%s\n", a->title);
			add_separator(out);
			str_addc(out, '\n');
		}
		format_pass(a, out);
	}
}

// --- The verdict.

static void add_item(struct str *list, const char *item)
{
	if (list->len)
		str_add(list, ", ");
	str_add(list, item);
}

static void add_port(struct str *list, const struct trace_answer *a, uint32_t dp_port)
{
	const char *name = dp_text_port_name(a->backer->dp, dp_port);
	char number[16];
	snprintf(number, sizeof(number), "%" PRIu32, dp_port);
	add_item(list, name ? name : number);
}

// Why nothing leaves: the last thing that was looked up, which decided.
static void add_drop_reason(const struct trace_answer *a, struct str *out)
{
	if (a->x->error) {
		str_addf(out, ": %s", xlate_strerror(a->x->error));
		return;
	}
	if (!a->trace->visits.n)
		return;
	const struct xlate_visit *v = &vec_last(&a->trace->visits);
	const char *bridge = ofproto_name(v->ofproto);
	if (!v->rule) {
		str_addf(out, ": no match in table %u of %s", v->table_id, bridge);
		return;
	}
	struct match match;
	rule_match(v->rule, &match);
	str_addf(out, ": table %u of %s, ", v->table_id, bridge);
	size_t before = out->len;
	match_format(&match, out, -1, NULL, NULL);
	str_addf(out, "%spriority %d", out->len > before ? ", " : "", v->rule->cls.priority);
	if (v->rule->cookie)
		str_addf(out, ", cookie 0x%" PRIx64, be64toh(v->rule->cookie));
}

struct destinations {
	struct str ports;
	bool controller, other;
};

static void add_destinations(const struct trace_answer *a, struct destinations *d)
{
	unsigned int n_recircs = 0;
	DPACT_FOREACH (action, a->x->actions->data, a->x->actions->len) {
		if (action->type == DPACT_OUTPUT)
			add_port(&d->ports, a,
				 ((const struct dpact_output *)(const void *)action)->port);
		d->controller |= action->type == DPACT_USERSPACE;
		d->other |= action->type == DPACT_CLONE || action->type == DPACT_SAMPLE ||
			    action->type == DPACT_CHECK_PKT_LEN;
		n_recircs += action->type == DPACT_RECIRC;
	}
	d->other |= n_recircs > a->n_followed;
}

void trace_answer_verdict(const struct trace_answer *a, struct str *out)
{
	struct destinations d = {.controller = false};
	const struct trace_answer *last = a;
	for (const struct trace_answer *pass = a; pass; pass = pass->next) {
		add_destinations(pass, &d);
		last = pass;
	}
	if (d.controller)
		add_item(&d.ports, "the controller");
	if (d.other)
		add_item(&d.ports, "what the datapath decides on");
	if (d.ports.len) {
		str_addf(out, "output to %s", str_cstr(&d.ports));
	} else {
		str_add(out, "drop");
		add_drop_reason(last, out);
	}
	str_done(&d.ports);
}

// --- JSON.

static void add_json_string(struct str *out, const char *text)
{
	str_addc(out, '"');
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '"' || c == '\\')
			str_addf(out, "\\%c", c);
		else if (c < 0x20)
			str_addf(out, "\\u%04x", c);
		else
			str_addc(out, *text);
	}
	str_addc(out, '"');
}

// "key":"value" with what `add` appends as the value.
static void add_json_member(struct str *out, const char *key, const struct trace_answer *a,
			    void (*add)(const struct trace_answer *, struct str *))
{
	struct str value = STR_INIT;
	add(a, &value);
	str_addf(out, "\"%s\":", key);
	add_json_string(out, str_cstr(&value));
	str_addc(out, ',');
	str_done(&value);
}

static void add_named_actions(const struct trace_answer *a, struct str *out)
{
	add_actions(a, true, out);
}

static void add_json_nodes(struct str *out, const struct xlate_trace_node *node)
{
	static const char *const kinds[] = {
		[TRACE_BRIDGE] = "bridge", [TRACE_TABLE] = "table",  [TRACE_ACTION] = "action",
		[TRACE_DETAIL] = "detail", [TRACE_WARN] = "warning", [TRACE_ERROR] = "error",
		[TRACE_THAW] = "thaw",
	};
	str_addc(out, '[');
	for (; node; node = node->next) {
		str_addf(out, "{\"kind\":\"%s\",\"text\":", kinds[node->kind]);
		add_json_string(out, node->text);
		if (node->first) {
			str_add(out, ",\"children\":");
			add_json_nodes(out, node->first);
		}
		str_add(out, node->next ? "}," : "}");
	}
	str_addc(out, ']');
}

static void add_json_rules(const struct trace_answer *a, struct str *out)
{
	str_add(out, "\"rules\":[");
	for (unsigned int i = 0; i < a->x->n_rules; i++) {
		const struct rule *r = a->x->rules[i];
		struct match match;
		struct str text = STR_INIT;
		rule_match(r, &match);
		match_format(&match, &text, -1, port_names(a), r->ofproto);
		str_addf(out, "%s{\"bridge\":", i ? "," : "");
		add_json_string(out, ofproto_name(r->ofproto));
		str_addf(out,
			 ",\"table\":%u,\"priority\":%d,\"cookie\":\"0x%" PRIx64 "\",\"match\":",
			 r->table_id, r->cls.priority, be64toh(r->cookie));
		add_json_string(out, str_cstr(&text));
		str_addc(out, '}');
		str_done(&text);
	}
	str_addc(out, ']');
}

static void add_json_pass(const struct trace_answer *a, struct str *out)
{
	add_json_member(out, "flow", a, add_flow);
	str_add(out, "\"trace\":");
	add_json_nodes(out, a->trace->root.first);
	str_addc(out, ',');
	add_json_member(out, "final_flow", a, add_final_flow);
	add_json_member(out, "megaflow", a, add_megaflow);
	add_json_member(out, "datapath_actions", a, add_named_actions);
	if (a->x->error) {
		str_add(out, "\"error\":");
		add_json_string(out, xlate_strerror(a->x->error));
		str_addc(out, ',');
	}
	add_json_rules(a, out);
}

void trace_answer_json(const struct trace_answer *a, struct str *out)
{
	str_addc(out, '{');
	add_json_member(out, "verdict", a, trace_answer_verdict);
	add_json_pass(a, out);
	if (a->next)
		str_add(out, ",\"recirculations\":[");
	for (const struct trace_answer *pass = a->next; pass; pass = pass->next) {
		str_add(out, "{\"title\":");
		add_json_string(out, pass->title);
		str_addc(out, ',');
		add_json_pass(pass, out);
		str_add(out, pass->next ? "}," : "}]");
	}
	str_add(out, "}\n");
}

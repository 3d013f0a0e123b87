/* SPDX-License-Identifier: Apache-2.0 */
// What follows "watch:" of `ovs-ofctl monitor`.
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "openflow/action_row.h"
#include "openflow/flow_mod.h"
#include "openflow/flow_monitor.h"

static const struct {
	const char *word;
	uint16_t flag;
} exclusions[] = {
	{"!initial", OFPFMF_INITIAL}, {"!add", OFPFMF_ADD},	    {"!delete", OFPFMF_DELETE},
	{"!modify", OFPFMF_MODIFY},   {"!actions", OFPFMF_ACTIONS}, {"!own", OFPFMF_OWN},
};

static bool excludes(const char *key, struct ofp_flow_monitor_request *r)
{
	for (size_t i = 0; i < sizeof(exclusions) / sizeof(exclusions[0]); i++)
		if (!strcmp(key, exclusions[i].word)) {
			r->flags &= (uint16_t)~exclusions[i].flag;
			return true;
		}
	return false;
}

static struct error *parse_pair(const char *text, const char *key, const char *value,
				const struct ofpact_text *t, struct ofp_flow_monitor_request *r,
				uint32_t *usable)
{
	bool known;
	if (excludes(key, r))
		return NULL;
	if (!strcmp(key, "table"))
		return parse_u8(value, 0, &r->table_id) ? error_new("unknown table \"%s\"", value)
							: NULL;
	if (!strcmp(key, "out_port"))
		return ofp_port_parse(value, t->port_number, t->arg, &r->out_port)
			       ? NULL
			       : error_new("%s is not a valid OpenFlow port", value);
	if (!strcmp(key, "out_group")) {
		*usable &= OFPROTO_14 | OFPROTO_15;
		return text_u32(value, &r->out_group);
	}
	struct error *e = match_parse_field(&r->match, key, value, &known, t->port_number, t->arg);
	const struct field *f = field_find(key);
	if (!e && known && f && !field_protocols(f, FIELD_FIXED_EXACT))
		e = error_new("%s: match field is not supported for flow monitor", key);
	if (e || known)
		return e;
	return *value ? error_new("%s: unknown keyword %s", text, key)
		      : error_new("%s: field %s missing value", text, key);
}

struct error *ofp_flow_monitor_parse(const char *text, const struct ofpact_text *t,
				     struct ofp_flow_monitor_request *r, uint32_t *usable)
{
	static const struct ofpact_text none;
	*usable = OFPROTO_ALL;
	*r = (struct ofp_flow_monitor_request){
		.flags = OFPFMF_INITIAL | OFPFMF_ADD | OFPFMF_DELETE | OFPFMF_MODIFY |
			 OFPFMF_ACTIONS | OFPFMF_OWN,
		.out_port = OFPP_NONE,
		.out_group = OFPG_ANY,
		.table_id = OFPTT_ALL,
	};
	match_init_any(&r->match);
	char *copy = xstrdup(text), *s = copy, *key, *value;
	struct error *e = NULL;
	while (!e && text_next_pair(&s, &key, &value))
		e = parse_pair(text, key, value, t ? t : &none, r, usable);
	free(copy);
	return e;
}

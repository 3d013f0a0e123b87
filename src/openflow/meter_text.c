/* SPDX-License-Identifier: Apache-2.0 */
// Meters as text.
#include <stdlib.h>
#include <string.h>

#include "openflow/meter.h"

#include "openflow/action_row.h"

static const struct {
	const char *name;
	uint16_t bit;
} flag_names[] = {{"kbps", OFPMF_KBPS},
		  {"pktps", OFPMF_PKTPS},
		  {"burst", OFPMF_BURST},
		  {"stats", OFPMF_STATS}};
enum { N_FLAGS = sizeof(flag_names) / sizeof(flag_names[0]) };

void ofp_meter_id_format(uint32_t id, char separator, struct str *s)
{
	str_addf(s, "meter%c", separator);
	if (id == OFPM_ALL)
		str_add(s, "all");
	else if (id == OFPM_CONTROLLER)
		str_add(s, "controller");
	else if (id == OFPM_SLOWPATH)
		str_add(s, "slowpath");
	else if (id > OFPM_MAX)
		str_add(s, "unknown");
	else
		str_addf(s, "%u", id);
}

void ofp_meter_flags_format(uint16_t flags, struct str *s)
{
	for (size_t i = 0; i < N_FLAGS; i++)
		if (flags & flag_names[i].bit) {
			str_addf(s, "%s ", flag_names[i].name);
			flags &= (uint16_t)~flag_names[i].bit;
		}
	if (flags)
		str_addf(s, "flags:0x%x ", flags);
}

void ofp_meter_format(const struct ofp_meter *m, struct str *s)
{
	ofp_meter_id_format(m->meter_id, '=', s);
	str_addc(s, ' ');
	ofp_meter_flags_format(m->flags, s);
	str_add(s, "bands=\n");
	VEC_FOREACH (&m->bands, i) {
		const struct ofp_meter_band *b = &m->bands.v[i];
		str_addf(s, "type=%s rate=%u", b->type == OFPMBT_DROP ? "drop" : "dscp_remark",
			 b->rate);
		if (m->flags & OFPMF_BURST)
			str_addf(s, " burst_size=%u", b->burst_size);
		if (b->type == OFPMBT_DSCP_REMARK)
			str_addf(s, " prec_level=%u", b->prec_level);
		str_addc(s, '\n');
	}
}

// --- Parsing.

// A word's name goes on to "=" or what is between words, its value up to what is between words:
// "kbps=1" is two names.
static const char name_ends[] = "=, \t\r\n", value_ends[] = ", \t\r\n";

static struct error *next_value(const char *name, char **text, char **value)
{
	*value = strtok_r(NULL, value_ends, text);
	return *value ? NULL : error_new("field %s missing value", name);
}

static struct error *parse_band_type(const char *value, struct ofp_meter_band *band)
{
	if (!strcmp(value, "drop"))
		band->type = OFPMBT_DROP;
	else if (!strcmp(value, "dscp_remark"))
		band->type = OFPMBT_DSCP_REMARK;
	else
		return error_new("field type unknown value %s", value);
	return NULL;
}

static struct error *check_band(const struct ofp_meter_band *b, bool burst)
{
	if (b->type == OFPMBT_DSCP_REMARK && !b->prec_level)
		return error_new("'dscp_remark' band must have 'prec_level'");
	if (b->type != OFPMBT_DSCP_REMARK && b->prec_level)
		return error_new("Only 'dscp_remark' band may have 'prec_level'");
	if (!b->rate)
		return error_new("band must have 'rate'");
	if (burst && !b->burst_size)
		return error_new("band must have 'burst_size' when 'burst' flag is set");
	if (!burst && b->burst_size)
		return error_new("band may have 'burst_size' only when 'burst' flag is set");
	return NULL;
}

static struct error *parse_band_word(struct ofp_meter *m, const char *name, const char *value)
{
	if (!strcmp(name, "type")) {
		struct ofp_meter_band *band = vec_extend(&m->bands);
		*band = (struct ofp_meter_band){0};
		return parse_band_type(value, band);
	}
	if (!m->bands.n)
		return error_new("band must start with the 'type' keyword");
	struct ofp_meter_band *band = &m->bands.v[m->bands.n - 1];
	if (!strcmp(name, "rate"))
		return text_u32(value, &band->rate);
	if (!strcmp(name, "burst_size"))
		return text_u32(value, &band->burst_size);
	if (!strcmp(name, "prec_level"))
		return text_u8(value, "prec_level", &band->prec_level);
	return error_new("unknown keyword %s", name);
}

static struct error *parse_bands(char *text, struct ofp_meter *m)
{
	struct error *e = NULL;
	char *save, *value;
	for (char *name = strtok_r(text, name_ends, &save); !e && name;
	     name = strtok_r(NULL, name_ends, &save)) {
		e = next_value(name, &save, &value);
		if (!e)
			e = parse_band_word(m, name, value);
	}
	if (!e && !m->bands.n)
		e = error_new("meter must have bands");
	for (size_t i = 0; !e && i < m->bands.n; i++)
		e = check_band(&m->bands.v[i], m->flags & OFPMF_BURST);
	return e;
}

static struct error *parse_id(const char *value, uint32_t *id)
{
	if (!strcmp(value, "all"))
		*id = OFPM_ALL;
	else if (!strcmp(value, "controller"))
		*id = OFPM_CONTROLLER;
	else if (!strcmp(value, "slowpath"))
		*id = OFPM_SLOWPATH;
	else {
		struct error *e = text_u32(value, id);
		if (e)
			return e;
		if (!*id || *id > OFPM_MAX)
			return error_new("invalid value for meter");
	}
	return NULL;
}

// What stands before "bands=".
static struct error *parse_head(char *text, struct ofp_meter *m, bool fields, bool *found)
{
	struct error *e = NULL;
	char *save, *value;
	*found = false;
	for (char *name = strtok_r(text, name_ends, &save); !e && name;
	     name = strtok_r(NULL, name_ends, &save)) {
		size_t i = 0;
		while (i < N_FLAGS && strcmp(name, flag_names[i].name))
			i++;
		if (fields && i < N_FLAGS) {
			m->flags |= flag_names[i].bit;
			continue;
		}
		e = next_value(name, &save, &value);
		if (!e && strcmp(name, "meter"))
			e = error_new("unknown keyword %s", name);
		else if (!e)
			e = parse_id(value, &m->meter_id), *found = true;
	}
	return e;
}

static struct error *parse(char *text, int command, struct ofp_meter *m)
{
	bool fields = command == OFPMC_ADD || command == OFPMC_MODIFY, found;
	char *bands = NULL;
	if (fields) {
		bands = strstr(text, "band"); // "band=" is as good as "bands="
		if (!bands)
			return error_new("must specify bands");
		*bands++ = '\0';
		bands = strchr(bands, '=');
		if (!bands)
			return error_new("must specify bands");
		bands++;
	}
	struct error *e = parse_head(text, m, fields, &found);
	if (!e && !found)
		e = error_new("must specify 'meter'");
	if (!e && fields && !m->flags)
		e = error_new("meter must specify either 'kbps' or 'pktps'");
	if (!e && fields)
		e = parse_bands(bands, m);
	return e;
}

struct error *ofp_meter_mod_parse(const char *text, int command, struct ofp_meter_mod *mm,
				  uint32_t *usable)
{
	char *copy = xstrdup(text);
	*usable = OFPROTO_13 | OFPROTO_14 | OFPROTO_15;
	*mm = (struct ofp_meter_mod){.command = command < 0 ? OFPMC_DELETE
							    : (enum ofp_meter_command)command};
	struct error *e = parse(copy, command, &mm->meter);
	if (e)
		ofp_meter_done(&mm->meter);
	free(copy);
	return e;
}

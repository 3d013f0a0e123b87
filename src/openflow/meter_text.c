/* SPDX-License-Identifier: Apache-2.0 */
// Meters as text.
#include <stdlib.h>
#include <string.h>

#include "openflow/meter.h"

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

// The next word of the text, which is cut there; NULL at the end.
static char *next_word(char **text)
{
	char *word;
	do {
		word = strsep(text, ", \t\r\n");
	} while (word && !*word);
	return word;
}

static struct error *number(const char *word, uint32_t *out)
{
	return parse_u32(word, 0, out) ? error_new("invalid numeric format %s", word) : NULL;
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

// A band as it is parsed, and what was said of it.
struct band_text {
	struct ofp_meter_band *band; // NULL: none yet
	bool has_rate;
};

static struct error *check_band(const struct band_text *t)
{
	if (t->band && !t->has_rate)
		return error_new("band must have 'rate'");
	if (t->band && t->band->type == OFPMBT_DSCP_REMARK && !t->band->prec_level)
		return error_new("'dscp_remark' band must have 'prec_level'");
	if (t->band && t->band->type != OFPMBT_DSCP_REMARK && t->band->prec_level)
		return error_new("Only 'dscp_remark' band may have 'prec_level'");
	return NULL;
}

static struct error *parse_band_word(struct ofp_meter *m, struct band_text *t, char *name,
                                     char *value)
{
	if (!strcmp(name, "type")) {
		struct error *e = check_band(t);
		if (e)
			return e;
		t->band = vec_extend(&m->bands);
		*t->band = (struct ofp_meter_band){0};
		t->has_rate = false;
		return parse_band_type(value ? value : "", t->band);
	}
	if (!t->band)
		return error_new("band must start with the 'type' keyword");
	if (!strcmp(name, "rate")) {
		t->has_rate = true;
		return number(value ? value : "", &t->band->rate);
	}
	if (!strcmp(name, "burst_size"))
		return number(value ? value : "", &t->band->burst_size);
	if (!strcmp(name, "prec_level"))
		return parse_u8(value ? value : "", 0, &t->band->prec_level)
		               ? error_new("invalid prec_level \"%s\"", value ? value : "")
		               : NULL;
	return error_new("unknown keyword %s", name);
}

static struct error *parse_bands(char *text, struct ofp_meter *m)
{
	struct band_text t = {0};
	struct error *e = NULL;
	for (char *word; !e && (word = next_word(&text));) {
		char *name = strsep(&word, "=");
		e = parse_band_word(m, &t, name, word);
	}
	if (!e && !m->bands.n)
		e = error_new("meter must have bands");
	return e ? e : check_band(&t);
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
		struct error *e = number(value, id);
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
	*found = false;
	for (char *word; !e && (word = next_word(&text));) {
		size_t i = 0;
		while (i < N_FLAGS && strcmp(word, flag_names[i].name))
			i++;
		if (fields && i < N_FLAGS) {
			m->flags |= flag_names[i].bit;
			continue;
		}
		char *name = strsep(&word, "=");
		if (!word)
			e = error_new("field %s missing value", name);
		else if (!strcmp(name, "meter"))
			e = parse_id(word, &m->meter_id), *found = true;
		else
			e = error_new("unknown keyword %s", name);
	}
	return e;
}

static struct error *parse(char *text, int command, struct ofp_meter *m)
{
	bool fields = command == OFPMC_ADD || command == OFPMC_MODIFY, found;
	char *bands = NULL;
	if (fields) {
		bands = strstr(text, "bands");
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
	if (!e && fields && !(m->flags & (OFPMF_KBPS | OFPMF_PKTPS)))
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

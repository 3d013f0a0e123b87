/* SPDX-License-Identifier: Apache-2.0 */
// stat_trigger: the controller is told when statistics of the flow pass thresholds. An instruction
// of OpenFlow 1.5: unlike others it says nothing of packets, and no other version has it.
#include "openflow/action_row.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "openflow/print_row.h"

enum { NS_DIGITS = 9, NS_PER_S = 1000000000, ALL_FLAGS = OFPSTF_PERIODIC | OFPSTF_ONLY_FIRST };

int ofpact_stat_trigger_decode(struct cursor body, struct buf *out)
{
	struct ofpact_stat_trigger *t = ofpact_add(out, OFPACT_STAT_TRIGGER, sizeof(*t));
	t->flags = cursor_be32(&body);
	int error = oxs_read_all_known(&body, &t->thresholds);
	if (error)
		return error;
	if (body.bad || cursor_left(&body))
		return OFPBIC_BAD_LEN;
	const struct oxs *s = &t->thresholds;
	bool bad_time = (oxs_has(s, OXS_DURATION) && s->duration_ns >= NS_PER_S) ||
			(oxs_has(s, OXS_IDLE_TIME) && s->idle_ns >= NS_PER_S);
	return bad_time ? OFPBMC_BAD_VALUE : 0;
}

void ofpact_stat_trigger_encode(struct buf *b, const struct ofpact *a)
{
	const struct ofpact_stat_trigger *t = (const void *)a;
	buf_add_be32(b, t->flags);
	oxs_put(b, &t->thresholds);
}

static void encode_nothing(struct buf *b, uint8_t version, const struct ofpact *a)
{
	// It is no action: action_wire.c writes it among the instructions.
}

static void format_time(struct str *s, const char *name, uint32_t sec, uint32_t ns)
{
	str_mark_name(s, name);
	print_duration(s, sec, ns);
	str_addc(s, ',');
}

static void format_stat_trigger(const struct ofpact *a, const struct ofpact_text *text,
				struct str *s)
{
	const struct ofpact_stat_trigger *t = (const void *)a;
	const struct oxs *th = &t->thresholds;
	str_mark(s, MARK_PAREN, "stat_trigger(");
	if (t->flags & OFPSTF_PERIODIC) {
		str_mark(s, MARK_VALUE, "periodic");
		str_addc(s, ',');
	}
	if (t->flags & OFPSTF_ONLY_FIRST) {
		str_mark(s, MARK_VALUE, "only_first");
		str_addc(s, ',');
	}
	if (oxs_has(th, OXS_DURATION))
		format_time(s, "duration", th->duration_s, th->duration_ns);
	if (oxs_has(th, OXS_PACKET_COUNT))
		text_add_number(s, "n_packets", th->packets);
	if (oxs_has(th, OXS_BYTE_COUNT))
		text_add_number(s, "n_bytes", th->bytes);
	if (oxs_has(th, OXS_IDLE_TIME))
		format_time(s, "idle_age", th->idle_s, th->idle_ns);
	if (oxs_has(th, OXS_FLOW_COUNT))
		text_add_number(s, "flow_count", th->flows);
	str_chomp(s, ',');
	str_mark(s, MARK_PAREN, ")");
}

// "5", "5s", "0.25s".
static struct error *text_seconds(const char *text, const char *key, uint32_t *sec, uint32_t *ns)
{
	size_t n = strspn(text, "0123456789"), decimals = 0;
	unsigned long long whole = n && n <= 10 ? strtoull(text, NULL, 10) : UINT64_MAX;
	const char *p = text + n;
	*ns = 0;
	if (*p == '.') {
		decimals = strspn(++p, "0123456789");
		for (size_t i = 0; i < NS_DIGITS; i++)
			*ns = *ns * 10 + (i < decimals ? (uint32_t)(p[i] - '0') : 0);
		p += decimals;
		if (!decimals || decimals > NS_DIGITS)
			whole = UINT64_MAX;
	}
	if (*p == 's')
		p++;
	if (whole > UINT32_MAX || *p)
		return error_new("invalid %s \"%s\" in 'stat_trigger' argument: seconds are "
				 "wanted, such as 5s or 0.25s",
				 key, text);
	*sec = (uint32_t)whole;
	return NULL;
}

static struct error *parse_threshold(struct oxs *s, const char *key, const char *value)
{
	static const struct {
		const char *key;
		enum oxs_field field;
	} keys[] = {{"duration", OXS_DURATION},
		    {"n_packets", OXS_PACKET_COUNT},
		    {"n_bytes", OXS_BYTE_COUNT},
		    {"idle_age", OXS_IDLE_TIME},
		    {"flow_count", OXS_FLOW_COUNT}};
	size_t i = 0;
	while (i < sizeof(keys) / sizeof(keys[0]) && strcmp(keys[i].key, key))
		i++;
	if (i == sizeof(keys) / sizeof(keys[0]))
		return error_new("invalid key '%s' in 'stat_trigger' argument", key);
	if (oxs_has(s, keys[i].field))
		return error_new("%s is given twice in 'stat_trigger' argument", key);
	s->has |= 1u << keys[i].field;
	switch (keys[i].field) {
	case OXS_DURATION:
		return text_seconds(value, key, &s->duration_s, &s->duration_ns);
	case OXS_IDLE_TIME:
		return text_seconds(value, key, &s->idle_s, &s->idle_ns);
	case OXS_FLOW_COUNT:
		return text_u32(value, &s->flows);
	case OXS_PACKET_COUNT:
		return text_u64(value, &s->packets);
	case OXS_BYTE_COUNT:
		return text_u64(value, &s->bytes);
	}
	return NULL;
}

static struct error *parse_stat_trigger(struct ofpact_parse *p, char *arg)
{
	struct ofpact_stat_trigger *t = ofpact_add(p->out, OFPACT_STAT_TRIGGER, sizeof(*t));
	char *key, *value;
	struct error *e = NULL;
	oxs_init(&t->thresholds);
	*p->protocols &= OFPROTO_15;
	while (!e && text_next_pair(&arg, &key, &value)) {
		if (!strcmp(key, "periodic") && !*value)
			t->flags |= OFPSTF_PERIODIC;
		else if (!strcmp(key, "only_first") && !*value)
			t->flags |= OFPSTF_ONLY_FIRST;
		else
			e = parse_threshold(&t->thresholds, key, value);
	}
	if (!e && !t->thresholds.has)
		e = error_new("stat_trigger needs a threshold: duration, n_packets, n_bytes or "
			      "idle_age");
	return e;
}

static bool has_zero(const struct oxs *s)
{
	return (oxs_has(s, OXS_DURATION) && !s->duration_s && !s->duration_ns) ||
	       (oxs_has(s, OXS_IDLE_TIME) && !s->idle_s && !s->idle_ns) ||
	       (oxs_has(s, OXS_FLOW_COUNT) && !s->flows) ||
	       (oxs_has(s, OXS_PACKET_COUNT) && !s->packets) ||
	       (oxs_has(s, OXS_BYTE_COUNT) && !s->bytes);
}

// OpenFlow 1.5.1 has no error of its own for these.
static int check_stat_trigger(struct ofpact *a, struct ofpact_check *c)
{
	const struct ofpact_stat_trigger *t = (const void *)a;
	const char *why = t->flags & ~(uint32_t)ALL_FLAGS ? "has flags that are not known"
			  : !t->thresholds.has		  ? "has no threshold"
			  : has_zero(&t->thresholds)	  ? "has a threshold of zero"
							  : NULL;
	if (why && c->why)
		*c->why = xasprintf("stat_trigger %s", why);
	return why ? OFPBIC_UNSUP_INST : 0;
}

const struct ofpact_row ofpact_stat_trigger_row = {
	.name = "stat_trigger",
	.instruction = INST_TRIGGER,
	.words = (const struct ofpact_word[]){{"stat_trigger", parse_stat_trigger}, {0}},
	.encode = encode_nothing,
	.format = format_stat_trigger,
	.check = check_stat_trigger,
};

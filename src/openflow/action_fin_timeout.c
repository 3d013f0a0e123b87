/* SPDX-License-Identifier: Apache-2.0 */
// fin_timeout: shorter timeouts for the flow once a TCP connection ends, mostly of flows that learn
// makes.
#include "openflow/action_row.h"

#include <string.h>

#include "packet/headers.h"

enum { V10 = OFP10, V15 = OFP15 };
enum { NXAST_FIN_TIMEOUT = 19 };

static int decode_fin_timeout(struct ofpact_decode *d)
{
	struct ofpact_fin_timeout *o = ofpact_add(d->out, OFPACT_FIN_TIMEOUT, sizeof(*o));
	o->idle_timeout = cursor_be16(&d->body);
	o->hard_timeout = cursor_be16(&d->body);
	return 0;
}

static void encode_fin_timeout(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_fin_timeout *o = (const void *)a;
	size_t at = ofpact_put_nx(b, NXAST_FIN_TIMEOUT);
	buf_add_be16(b, o->idle_timeout);
	buf_add_be16(b, o->hard_timeout);
	ofpact_put_end(b, at);
}

static void format_fin_timeout(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	const struct ofpact_fin_timeout *o = (const void *)a;
	str_mark(s, MARK_PAREN, "fin_timeout(");
	if (o->idle_timeout)
		text_add_number(s, "idle_timeout", o->idle_timeout);
	if (o->hard_timeout)
		text_add_number(s, "hard_timeout", o->hard_timeout);
	str_chomp(s, ',');
	str_mark(s, MARK_PAREN, ")");
}

static struct error *parse_fin_timeout(struct ofpact_parse *p, char *arg)
{
	struct ofpact_fin_timeout *o = ofpact_add(p->out, OFPACT_FIN_TIMEOUT, sizeof(*o));
	char *key, *value;
	struct error *e = NULL;
	while (!e && text_next_pair(&arg, &key, &value))
		e = !strcmp(key, "idle_timeout") ? text_u16(value, key, &o->idle_timeout)
		    : !strcmp(key, "hard_timeout")
			    ? text_u16(value, key, &o->hard_timeout)
			    : error_new("invalid key '%s' in 'fin_timeout' argument", key);
	return e;
}

static int check_fin_timeout(struct ofpact *a, struct ofpact_check *c)
{
	if (c->match->flow.nw_proto != 6)
		ofpact_inconsistent(c);
	return 0;
}

const struct ofpact_row ofpact_fin_timeout_row = {
	.name = "fin_timeout",
	.wires = (const struct ofpact_wire[]){{OFP_VENDOR_NX, NXAST_FIN_TIMEOUT, V10, V15, 16,
					       false, decode_fin_timeout},
					      {0}},
	.words = (const struct ofpact_word[]){{"fin_timeout", parse_fin_timeout}, {0}},
	.encode = encode_fin_timeout,
	.format = format_fin_timeout,
	.check = check_fin_timeout,
};

/* SPDX-License-Identifier: Apache-2.0 */
// Actions that send the packet somewhere, and queues.
#include "openflow/action_row.h"

#include <string.h>

#include "base/alloc.h"
#include "openflow/packet_io.h"

enum { V10 = OFP10, V11 = OFP11, V15 = OFP15 };
enum { // wire types
	OFPAT_OUTPUT = 0,
	OFPAT10_ENQUEUE = 11,
	OFPAT11_SET_QUEUE = 21,
	OFPAT11_GROUP = 22,
	NXAST_GROUP = 40,
	NXAST_SET_QUEUE = 4,
	NXAST_POP_QUEUE = 5,
	NXAST_OUTPUT_REG = 15,
	NXAST_OUTPUT_REG2 = 32,
	NXAST_OUTPUT_TRUNC = 39,
};

// --- output

static struct ofpact_output *add_output(struct buf *out, uint32_t port, uint16_t max_len)
{
	struct ofpact_output *o = ofpact_add(out, OFPACT_OUTPUT, sizeof(*o));
	o->port = port;
	o->max_len = max_len;
	return o;
}

static int check_port(uint32_t port, uint32_t max_ports)
{
	if (port == OFPP_NONE || port == OFPP_UNSET)
		return OFPBAC_BAD_OUT_PORT;
	if (port >= OFPP_IN_PORT)
		return 0;
	return port < max_ports && port < OFPP_MAX ? 0 : OFPBAC_BAD_OUT_PORT;
}

static int decode_output10(struct ofpact_decode *d)
{
	uint16_t port = cursor_be16(&d->body);
	add_output(d->out, port, cursor_be16(&d->body));
	return check_port(port, OFPP_MAX);
}

static int decode_output11(struct ofpact_decode *d)
{
	uint32_t port;
	int error = ofp11_port_decode(cursor_be32(&d->body), &port);
	if (error)
		return error;
	add_output(d->out, port, cursor_be16(&d->body));
	return check_port(port, OFPP_MAX);
}

static void put_output(struct buf *b, uint8_t version, uint32_t port, uint16_t max_len)
{
	size_t at = ofpact_put(b, OFPAT_OUTPUT);
	if (version == OFP10)
		buf_add_be16(b, (uint16_t)port);
	else
		buf_add_be32(b, ofp11_port_encode(port));
	buf_add_be16(b, max_len);
	if (version != OFP10)
		buf_add_zeros(b, 6);
	ofpact_put_end(b, at);
}

static void encode_output(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_output *o = (const void *)a;
	put_output(b, version, o->port, o->max_len);
}

static void format_output(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	const struct ofpact_output *o = (const void *)a;
	if (o->port < OFPP_MAX)
		str_mark(s, MARK_SPECIAL, "output:");
	text_format_port(t, o->port, s);
	if (o->port == OFPP_CONTROLLER)
		str_addf(s, ":%u", o->max_len);
}

static struct error *parse_trunc(struct ofpact_parse *p, char *arg);

static struct error *parse_output(struct ofpact_parse *p, char *arg)
{
	uint32_t port;
	if (text_port(p->text, arg, &port)) {
		add_output(p->out, port, port == OFPP_CONTROLLER ? UINT16_MAX : 0);
		return NULL;
	}
	if (strstr(arg, "port") && strstr(arg, "max_len"))
		return parse_trunc(p, arg);
	struct subfield src;
	struct error *e = text_subfield_whole(arg, &src);
	if (e) {
		error_free(e);
		return error_new("%s: output to unknown port", arg);
	}
	struct ofpact_output_reg *o = ofpact_add(p->out, OFPACT_OUTPUT_REG, sizeof(*o));
	o->src = src;
	o->max_len = UINT16_MAX;
	return NULL;
}

static int check_output(struct ofpact *a, struct ofpact_check *c)
{
	return check_port(((struct ofpact_output *)(void *)a)->port, c->max_ports);
}

const struct ofpact_row ofpact_output_row = {
	.name = "output",
	.place = SET_OUTPUT,
	.wires =
		(const struct ofpact_wire[]){
			{0, OFPAT_OUTPUT, V10, V10, 8, false, decode_output10},
			{0, OFPAT_OUTPUT, V11, V15, 16, false, decode_output11},
			{0},
		},
	.words = (const struct ofpact_word[]){{"output", parse_output}, {0}},
	.encode = encode_output,
	.format = format_output,
	.check = check_output,
};

// --- output of the first bytes only: output(port=1,max_len=100)

enum { MIN_TRUNC = 14 };

static int decode_trunc(struct ofpact_decode *d)
{
	struct ofpact_output_trunc *o = ofpact_add(d->out, OFPACT_OUTPUT_TRUNC, sizeof(*o));
	o->port = cursor_be16(&d->body);
	o->max_len = cursor_be32(&d->body);
	return o->max_len < MIN_TRUNC ? OFPBAC_BAD_ARGUMENT : 0;
}

static void encode_trunc(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_output_trunc *o = (const void *)a;
	size_t at = ofpact_put_nx(b, NXAST_OUTPUT_TRUNC);
	buf_add_be16(b, (uint16_t)o->port);
	buf_add_be32(b, o->max_len);
	ofpact_put_end(b, at);
}

static void format_trunc(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	const struct ofpact_output_trunc *o = (const void *)a;
	str_mark(s, MARK_SPECIAL, "output");
	str_add(s, "(port=");
	text_format_port(t, o->port, s);
	str_addf(s, ",max_len=%u)", o->max_len);
}

// Only what is one port can be given less of the packet.
static bool may_truncate(uint32_t port)
{
	return port < OFPP_MAX || port == OFPP_LOCAL || port == OFPP_IN_PORT;
}

static struct error *parse_trunc(struct ofpact_parse *p, char *arg)
{
	struct ofpact_output_trunc *o = ofpact_add(p->out, OFPACT_OUTPUT_TRUNC, sizeof(*o));
	char *key, *value;
	struct error *e = NULL;
	while (!e && text_next_pair(&arg, &key, &value)) {
		if (!strcmp(key, "max_len")) {
			e = text_u32(value, &o->max_len);
			if (!e && o->max_len < MIN_TRUNC)
				e = error_new("max_len %u is less than the minimum value %d",
					      o->max_len, MIN_TRUNC);
		} else if (strcmp(key, "port")) {
			e = error_new("invalid key '%s' in output_trunc argument", key);
		} else if (!text_port(p->text, value, &o->port)) {
			e = error_new("output to unknown truncate port: %s", value);
		} else if (!may_truncate(o->port)) {
			struct str port = STR_INIT;
			text_format_port(p->text, o->port, &port);
			e = error_new("output to unsupported truncate port: %s", str_cstr(&port));
			str_done(&port);
		}
	}
	return e;
}

static int check_trunc(struct ofpact *a, struct ofpact_check *c)
{
	return check_port(((struct ofpact_output_trunc *)(void *)a)->port, c->max_ports);
}

const struct ofpact_row ofpact_output_trunc_row = {
	.name = "output_trunc",
	.wires = (const struct ofpact_wire[]){{OFP_VENDOR_NX, NXAST_OUTPUT_TRUNC, V10, V15, 16,
					       false, decode_trunc},
					      {0}},
	.encode = encode_trunc,
	.format = format_trunc,
	.check = check_trunc,
};

// --- enqueue

static bool may_enqueue(uint32_t port, uint32_t max_ports)
{
	return port < max_ports || port == OFPP_IN_PORT || port == OFPP_LOCAL;
}

static int decode_enqueue(struct ofpact_decode *d)
{
	struct ofpact_enqueue *o = ofpact_add(d->out, OFPACT_ENQUEUE, sizeof(*o));
	o->port = cursor_be16(&d->body);
	cursor_skip(&d->body, 6);
	o->queue = cursor_be32(&d->body);
	return may_enqueue(o->port, OFPP_MAX) ? 0 : OFPBAC_BAD_OUT_PORT;
}

static void put_set_queue(struct buf *b, uint8_t version, uint32_t queue)
{
	size_t at;
	if (version == OFP10) {
		at = ofpact_put_nx(b, NXAST_SET_QUEUE);
		buf_add_zeros(b, 2);
	} else {
		at = ofpact_put(b, OFPAT11_SET_QUEUE);
	}
	buf_add_be32(b, queue);
	ofpact_put_end(b, at);
}

static void put_pop_queue(struct buf *b)
{
	ofpact_put_end(b, ofpact_put_nx(b, NXAST_POP_QUEUE));
}

static void encode_enqueue(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_enqueue *o = (const void *)a;
	if (version != OFP10) {
		put_set_queue(b, version, o->queue);
		put_output(b, version, o->port, UINT16_MAX);
		put_pop_queue(b);
		return;
	}
	size_t at = ofpact_put(b, OFPAT10_ENQUEUE);
	buf_add_be16(b, (uint16_t)o->port);
	buf_add_zeros(b, 6);
	buf_add_be32(b, o->queue);
	ofpact_put_end(b, at);
}

static void format_enqueue(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	const struct ofpact_enqueue *o = (const void *)a;
	str_mark(s, MARK_PARAM, "enqueue:");
	text_format_port(t, o->port, s);
	str_addf(s, ":%u", o->queue);
}

static struct error *parse_enqueue(struct ofpact_parse *p, char *arg)
{
	char *save = NULL, *port = strtok_r(arg, ":q,", &save), *queue = strtok_r(NULL, "", &save);
	if (!port || !queue)
		return error_new(
			"\"enqueue\" syntax is \"enqueue:PORT:QUEUE\" or \"enqueue(PORT,QUEUE)\"");
	struct ofpact_enqueue *o = ofpact_add(p->out, OFPACT_ENQUEUE, sizeof(*o));
	if (!text_port(p->text, port, &o->port))
		return error_new("%s: enqueue to unknown port", port);
	return text_u32(queue, &o->queue);
}

static int check_enqueue(struct ofpact *a, struct ofpact_check *c)
{
	return may_enqueue(((struct ofpact_enqueue *)(void *)a)->port, c->max_ports)
		       ? 0
		       : OFPBAC_BAD_OUT_PORT;
}

const struct ofpact_row ofpact_enqueue_row = {
	.name = "enqueue",
	.wires =
		(const struct ofpact_wire[]){
			{0, OFPAT10_ENQUEUE, V10, V10, 16, false, decode_enqueue}, {0}},
	.words = (const struct ofpact_word[]){{"enqueue", parse_enqueue}, {0}},
	.encode = encode_enqueue,
	.format = format_enqueue,
	.check = check_enqueue,
};

// --- output to a port named by a register

static int finish_output_reg(struct ofpact_decode *d, struct ofpact_output_reg *o, int error)
{
	while (cursor_left(&d->body))
		if (cursor_u8(&d->body))
			return OFPBAC_BAD_ARGUMENT;
	return error ? ofpact_set_error(error) : subfield_check_range(&o->src);
}

static int decode_output_reg(struct ofpact_decode *d)
{
	struct ofpact_output_reg *o = ofpact_add(d->out, OFPACT_OUTPUT_REG, sizeof(*o));
	subfield_decode_bits(cursor_be16(&d->body), &o->src);
	int error = nx_header_decode(&d->body, &o->src.field, NULL);
	o->max_len = cursor_be16(&d->body);
	return finish_output_reg(d, o, error);
}

static int decode_output_reg2(struct ofpact_decode *d)
{
	struct ofpact_output_reg *o = ofpact_add(d->out, OFPACT_OUTPUT_REG, sizeof(*o));
	subfield_decode_bits(cursor_be16(&d->body), &o->src);
	o->max_len = cursor_be16(&d->body);
	int error = nx_header_decode(&d->body, &o->src.field, NULL);
	if (!error && !cursor_zeros(d->body))
		error = NXBRC_MUST_BE_ZERO;
	return error ? error : subfield_check_range(&o->src);
}

static void encode_output_reg(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_output_reg *o = (const void *)a;
	uint16_t bits = subfield_encode_bits(&o->src);
	size_t at;
	if (nx_header_is_long(o->src.field)) {
		at = ofpact_put_nx(b, NXAST_OUTPUT_REG2);
		buf_add_be16(b, bits);
		buf_add_be16(b, o->max_len);
		nx_header_encode(b, 0, o->src.field, false);
		buf_pad(b, at, 24);
	} else {
		at = ofpact_put_nx(b, NXAST_OUTPUT_REG);
		buf_add_be16(b, bits);
		nx_header_encode(b, 0, o->src.field, false);
		buf_add_be16(b, o->max_len);
		buf_add_zeros(b, 6);
	}
	ofpact_put_end(b, at);
}

static void format_output_reg(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	str_mark(s, MARK_SPECIAL, "output:");
	subfield_format(&((const struct ofpact_output_reg *)(const void *)a)->src, s);
}

static int check_output_reg(struct ofpact *a, struct ofpact_check *c)
{
	return subfield_check_source(&((struct ofpact_output_reg *)(void *)a)->src, c);
}

const struct ofpact_row ofpact_output_reg_row = {
	.name = "output_reg",
	.wires =
		(const struct ofpact_wire[]){
			{OFP_VENDOR_NX, NXAST_OUTPUT_REG, V10, V15, 24, false, decode_output_reg},
			{OFP_VENDOR_NX, NXAST_OUTPUT_REG2, V10, V15, 24, false, decode_output_reg2},
			{0},
		},
	.encode = encode_output_reg,
	.format = format_output_reg,
	.check = check_output_reg,
};

// --- group

static int decode_group(struct ofpact_decode *d)
{
	struct ofpact_group *g = ofpact_add(d->out, OFPACT_GROUP, sizeof(*g));
	if (cursor_left(&d->body) == 6)
		cursor_skip(&d->body, 2);
	g->group_id = cursor_be32(&d->body);
	return 0;
}

static void encode_group(struct buf *b, uint8_t version, const struct ofpact *a)
{
	size_t at;
	if (version == OFP10) {
		at = ofpact_put_nx(b, NXAST_GROUP);
		buf_add_zeros(b, 2);
	} else {
		at = ofpact_put(b, OFPAT11_GROUP);
	}
	buf_add_be32(b, ((const struct ofpact_group *)(const void *)a)->group_id);
	ofpact_put_end(b, at);
}

static void format_group(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	str_mark(s, MARK_SPECIAL, "group:");
	str_add_u64(s, ((const struct ofpact_group *)(const void *)a)->group_id);
}

static struct error *parse_group(struct ofpact_parse *p, char *arg)
{
	struct ofpact_group *g = ofpact_add(p->out, OFPACT_GROUP, sizeof(*g));
	return text_u32(arg, &g->group_id);
}

const struct ofpact_row ofpact_group_row = {
	.name = "group",
	.place = SET_GROUP,
	.wires =
		(const struct ofpact_wire[]){
			{0, OFPAT11_GROUP, V11, V15, 8, false, decode_group},
			{OFP_VENDOR_NX, NXAST_GROUP, V10, V10, 16, false, decode_group},
			{0},
		},
	.words = (const struct ofpact_word[]){{"group", parse_group}, {0}},
	.encode = encode_group,
	.format = format_group,
};

// --- set_queue, pop_queue

static int decode_set_queue(struct ofpact_decode *d)
{
	struct ofpact_queue *o = ofpact_add(d->out, OFPACT_SET_QUEUE, sizeof(*o));
	if (cursor_left(&d->body) == 6)
		cursor_skip(&d->body, 2);
	o->queue = cursor_be32(&d->body);
	return 0;
}

static void encode_set_queue(struct buf *b, uint8_t version, const struct ofpact *a)
{
	put_set_queue(b, version, ((const struct ofpact_queue *)(const void *)a)->queue);
}

static void format_set_queue(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	str_mark(s, MARK_PARAM, "set_queue:");
	str_add_u64(s, ((const struct ofpact_queue *)(const void *)a)->queue);
}

static struct error *parse_set_queue(struct ofpact_parse *p, char *arg)
{
	struct ofpact_queue *o = ofpact_add(p->out, OFPACT_SET_QUEUE, sizeof(*o));
	return text_u32(arg, &o->queue);
}

const struct ofpact_row ofpact_set_queue_row = {
	.name = "set_queue",
	.place = SET_QOS,
	.wires =
		(const struct ofpact_wire[]){
			{0, OFPAT11_SET_QUEUE, V11, V15, 8, false, decode_set_queue},
			{OFP_VENDOR_NX, NXAST_SET_QUEUE, V10, V10, 16, false, decode_set_queue},
			{0},
		},
	.words = (const struct ofpact_word[]){{"set_queue", parse_set_queue}, {0}},
	.encode = encode_set_queue,
	.format = format_set_queue,
};

static int decode_pop_queue(struct ofpact_decode *d)
{
	ofpact_add(d->out, OFPACT_POP_QUEUE, sizeof(struct ofpact));
	return 0;
}

static void encode_pop_queue(struct buf *b, uint8_t version, const struct ofpact *a)
{
	put_pop_queue(b);
}

static void format_pop_queue(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	str_mark(s, MARK_VALUE, "pop_queue");
}

static struct error *parse_pop_queue(struct ofpact_parse *p, char *arg)
{
	ofpact_add(p->out, OFPACT_POP_QUEUE, sizeof(struct ofpact));
	return NULL;
}

const struct ofpact_row ofpact_pop_queue_row = {
	.name = "pop_queue",
	.wires = (const struct ofpact_wire[]){{OFP_VENDOR_NX, NXAST_POP_QUEUE, V10, V15, 16, false,
					       decode_pop_queue},
					      {0}},
	.words = (const struct ofpact_word[]){{"pop_queue", parse_pop_queue}, {0}},
	.encode = encode_pop_queue,
	.format = format_pop_queue,
};

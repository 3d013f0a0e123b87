/* SPDX-License-Identifier: Apache-2.0 */
// Actions that send the packet somewhere, and queues.
#include "openflow/action_row.h"

#include <string.h>
#include <strings.h>

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
	NXAST_CONTROLLER = 20,
	NXAST_OUTPUT_REG2 = 32,
	NXAST_CONTROLLER2 = 37,
};

static void format_port(uint32_t port, const struct ofpact_text *t, struct str *s)
{
	ofp_port_format(port, t ? t->port_name : NULL, t ? t->arg : NULL, s);
}

static bool parse_port(struct ofpact_parse *p, const char *text, uint32_t *port)
{
	return ofp_port_parse(text, p->text ? p->text->port_number : NULL, p->text ? p->text->arg : NULL, port);
}

// --- output

static struct ofpact_output *add_output(struct buf *out, uint32_t port, uint16_t max_len)
{
	struct ofpact_output *o = ofpact_add(out, OFPACT_OUTPUT, sizeof(*o));
	o->port = port;
	o->max_len = max_len;
	return o;
}

static int decode_output10(struct ofpact_decode *d)
{
	uint16_t port = cursor_be16(&d->body);
	add_output(d->out, port, cursor_be16(&d->body));
	return 0;
}

static int decode_output11(struct ofpact_decode *d)
{
	uint32_t port;
	int error = ofp11_port_decode(cursor_be32(&d->body), &port);
	if (!error)
		add_output(d->out, port, cursor_be16(&d->body));
	return error;
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
		str_add(s, "output:");
	format_port(o->port, t, s);
	if (o->port == OFPP_CONTROLLER)
		str_addf(s, ":%u", o->max_len);
}

static struct error *parse_output(struct ofpact_parse *p, char *arg)
{
	uint32_t port;
	if (parse_port(p, arg, &port)) {
		add_output(p->out, port, port == OFPP_CONTROLLER ? UINT16_MAX : 0);
		return NULL;
	}
	if (strstr(arg, "port") && strstr(arg, "max_len"))
		return error_new("output with max_len is not supported yet");
	struct subfield src;
	const char *end = arg;
	struct error *e = subfield_parse(&end, &src);
	if (e || *end) {
		error_free(e);
		return error_new("%s: output to unknown port", arg);
	}
	struct ofpact_output_reg *o = ofpact_add(p->out, OFPACT_OUTPUT_REG, sizeof(*o));
	o->src = src;
	o->max_len = UINT16_MAX;
	return NULL;
}

static int check_port(uint32_t port, uint32_t max_ports)
{
	if (port == OFPP_NONE || port == OFPP_UNSET)
		return OFPBAC_BAD_OUT_PORT;
	if (port >= OFPP_IN_PORT)
		return 0;
	return port < max_ports && port < OFPP_MAX ? 0 : OFPBAC_BAD_OUT_PORT;
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

// --- controller

static struct ofpact_controller *add_controller(struct buf *out, const void *userdata, size_t n)
{
	struct ofpact_controller *o = ofpact_add(out, OFPACT_CONTROLLER, sizeof(*o) + n);
	o->max_len = UINT16_MAX;
	o->reason = OFPR_ACTION;
	o->meter_id = UINT32_MAX;
	o->userdata_len = (uint16_t)n;
	if (n)
		memcpy(o->userdata, userdata, n);
	return o;
}

static int decode_controller(struct ofpact_decode *d)
{
	struct ofpact_controller *o = add_controller(d->out, NULL, 0);
	o->max_len = cursor_be16(&d->body);
	o->controller_id = cursor_be16(&d->body);
	o->reason = cursor_u8(&d->body);
	return 0;
}

enum { // properties of NXAST_CONTROLLER2
	NXAC2_MAX_LEN = 0,
	NXAC2_CONTROLLER_ID = 1,
	NXAC2_REASON = 2,
	NXAC2_USERDATA = 3,
	NXAC2_PAUSE = 4,
	NXAC2_METER_ID = 5,
};

static int controller_property(struct ofpact_controller *o, uint16_t type, struct cursor *value, struct cursor *userdata)
{
	switch (type) {
	case NXAC2_MAX_LEN:
		o->max_len = cursor_be16(value);
		return 0;
	case NXAC2_CONTROLLER_ID:
		o->controller_id = cursor_be16(value);
		return 0;
	case NXAC2_REASON:
		o->reason = cursor_u8(value);
		return 0;
	case NXAC2_USERDATA:
		*userdata = *value;
		return 0;
	case NXAC2_PAUSE:
		o->pause = true;
		return 0;
	case NXAC2_METER_ID:
		o->meter_id = cursor_be32(value);
		return 0;
	}
	return OFPBPC_BAD_TYPE;
}

static int decode_controller2(struct ofpact_decode *d)
{
	cursor_skip(&d->body, 6);
	struct ofpact_controller o = {.max_len = UINT16_MAX, .reason = OFPR_ACTION, .meter_id = UINT32_MAX};
	struct cursor userdata = {0};
	while (cursor_left(&d->body)) {
		struct cursor peek = d->body;
		uint16_t type = cursor_be16(&peek), len = cursor_be16(&peek);
		if (peek.bad || len < 4 || cursor_left(&d->body) < (size_t)((len + 7) & ~7))
			return OFPBPC_BAD_LEN;
		struct cursor value = cursor_sub(&d->body, (len + 7u) & ~7u);
		cursor_skip(&value, 4);
		value.end = value.p + (len - 4);
		int error = controller_property(&o, type, &value, &userdata);
		if (error || value.bad)
			return error ? error : OFPBPC_BAD_LEN;
	}
	struct ofpact_controller *added = add_controller(d->out, userdata.p, cursor_left(&userdata));
	added->max_len = o.max_len;
	added->controller_id = o.controller_id;
	added->reason = o.reason;
	added->pause = o.pause;
	added->meter_id = o.meter_id;
	return 0;
}

static void put_property(struct buf *b, uint16_t type, const void *value, size_t n)
{
	size_t at = b->len;
	buf_add_be16(b, type);
	buf_add_be16(b, (uint16_t)(4 + n));
	buf_add(b, value, n);
	buf_pad(b, at, 8);
}

static void put_property_u16(struct buf *b, uint16_t type, uint16_t value)
{
	be16_t v = htobe16(value);
	put_property(b, type, &v, 2);
}

static void put_controller2(struct buf *b, const struct ofpact_controller *o)
{
	size_t at = ofpact_put_nx(b, NXAST_CONTROLLER2);
	buf_add_zeros(b, 6);
	if (o->max_len != UINT16_MAX)
		put_property_u16(b, NXAC2_MAX_LEN, o->max_len);
	if (o->controller_id)
		put_property_u16(b, NXAC2_CONTROLLER_ID, o->controller_id);
	if (o->reason != OFPR_ACTION)
		put_property(b, NXAC2_REASON, &o->reason, 1);
	if (o->userdata_len)
		put_property(b, NXAC2_USERDATA, o->userdata, o->userdata_len);
	if (o->pause)
		put_property(b, NXAC2_PAUSE, NULL, 0);
	if (o->meter_id != UINT32_MAX) {
		be32_t id = htobe32(o->meter_id);
		put_property(b, NXAC2_METER_ID, &id, 4);
	}
	ofpact_put_end(b, at);
}

static void encode_controller(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_controller *o = (const void *)a;
	if (o->userdata_len || o->pause || o->meter_id != UINT32_MAX) {
		put_controller2(b, o);
		return;
	}
	size_t at = ofpact_put_nx(b, NXAST_CONTROLLER);
	buf_add_be16(b, o->max_len);
	buf_add_be16(b, o->controller_id);
	buf_add_u8(b, o->reason);
	ofpact_put_end(b, at);
}

static void format_controller(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	const struct ofpact_controller *o = (const void *)a;
	if (o->reason == OFPR_ACTION && !o->controller_id && !o->userdata_len && !o->pause && o->meter_id == UINT32_MAX) {
		str_addf(s, "CONTROLLER:%u", o->max_len);
		return;
	}
	str_add(s, "controller(");
	if (o->reason != OFPR_ACTION)
		str_addf(s, "reason=%s,", ofp_packet_in_reason_name(o->reason));
	if (o->max_len != UINT16_MAX)
		str_addf(s, "max_len=%u,", o->max_len);
	if (o->controller_id)
		str_addf(s, "id=%u,", o->controller_id);
	if (o->userdata_len) {
		str_add(s, "userdata=");
		for (size_t i = 0; i < o->userdata_len; i++)
			str_addf(s, "%s%02x", i ? "." : "", o->userdata[i]);
		str_addc(s, ',');
	}
	if (o->pause)
		str_add(s, "pause,");
	if (o->meter_id != UINT32_MAX)
		str_addf(s, "meter_id=%u,", o->meter_id);
	str_chomp(s, ',');
	str_addc(s, ')');
}

static struct error *controller_key(struct ofpact_controller *o, struct buf *userdata, const char *key, const char *value)
{
	if (!strcmp(key, "reason"))
		return ofp_packet_in_reason_parse(value, &o->reason) ? NULL
								     : error_new("unknown reason \"%s\"", value);
	if (!strcmp(key, "max_len"))
		return text_u16(value, "max_len", &o->max_len);
	if (!strcmp(key, "id"))
		return text_u16(value, "id", &o->controller_id);
	if (!strcmp(key, "userdata")) {
		buf_clear(userdata);
		const char *end = text_hex_bytes(value, userdata);
		return !end || *end ? error_new("bad hex digit in `controller' action `userdata'") : NULL;
	}
	if (!strcmp(key, "pause")) {
		o->pause = true;
		return NULL;
	}
	if (!strcmp(key, "meter_id"))
		return text_u32(value, &o->meter_id);
	return error_new("unknown key \"%s\" parsing controller action", key);
}

static struct error *parse_controller(struct ofpact_parse *p, char *arg)
{
	if (!*arg) {
		add_output(p->out, OFPP_CONTROLLER, UINT16_MAX);
		return NULL;
	}
	uint16_t max_len;
	if (*arg >= '0' && *arg <= '9' && !strchr(arg, '=')) {
		struct error *e = text_u16(arg, "max_len", &max_len);
		if (!e)
			add_output(p->out, OFPP_CONTROLLER, max_len);
		return e;
	}
	struct ofpact_controller o = {.max_len = UINT16_MAX, .reason = OFPR_ACTION, .meter_id = UINT32_MAX};
	struct buf userdata = BUF_INIT;
	struct error *e = NULL;
	char *key, *value;
	while (!e && text_next_pair(&arg, &key, &value))
		e = controller_key(&o, &userdata, key, value);
	if (!e && o.reason == OFPR_ACTION && !o.controller_id && !userdata.len && !o.pause && o.meter_id == UINT32_MAX) {
		add_output(p->out, OFPP_CONTROLLER, o.max_len);
	} else if (!e) {
		struct ofpact_controller *a = add_controller(p->out, userdata.data, userdata.len);
		a->max_len = o.max_len;
		a->controller_id = o.controller_id;
		a->reason = o.reason;
		a->pause = o.pause;
		a->meter_id = o.meter_id;
	}
	buf_done(&userdata);
	return e;
}

static int check_controller(struct ofpact *a, struct ofpact_check *c)
{
	return ((struct ofpact_controller *)(void *)a)->reason < OFPR_N_REASONS ? 0 : NXBRC_BAD_REASON;
}

const struct ofpact_row ofpact_controller_row = {
	.name = "controller",
	.place = SET_FORBIDDEN,
	.wires =
		(const struct ofpact_wire[]){
			{OFP_VENDOR_NX, NXAST_CONTROLLER, V10, V15, 16, false, decode_controller},
			{OFP_VENDOR_NX, NXAST_CONTROLLER2, V10, V15, 16, true, decode_controller2},
			{0},
		},
	.words = (const struct ofpact_word[]){{"controller", parse_controller}, {0}},
	.encode = encode_controller,
	.format = format_controller,
	.check = check_controller,
};

// --- enqueue

static int decode_enqueue(struct ofpact_decode *d)
{
	struct ofpact_enqueue *o = ofpact_add(d->out, OFPACT_ENQUEUE, sizeof(*o));
	o->port = cursor_be16(&d->body);
	cursor_skip(&d->body, 6);
	o->queue = cursor_be32(&d->body);
	return 0;
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
		put_output(b, version, o->port, 0);
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
	str_add(s, "enqueue:");
	format_port(o->port, t, s);
	str_addf(s, ":%u", o->queue);
}

static struct error *parse_enqueue(struct ofpact_parse *p, char *arg)
{
	char *save = NULL, *port = strtok_r(arg, ":q,", &save), *queue = strtok_r(NULL, "", &save);
	if (!port || !queue)
		return error_new("\"enqueue\" syntax is \"enqueue:PORT:QUEUE\" or \"enqueue(PORT,QUEUE)\"");
	struct ofpact_enqueue *o = ofpact_add(p->out, OFPACT_ENQUEUE, sizeof(*o));
	if (!parse_port(p, port, &o->port))
		return error_new("%s: enqueue to unknown port", port);
	return text_u32(queue, &o->queue);
}

static int check_enqueue(struct ofpact *a, struct ofpact_check *c)
{
	uint32_t port = ((struct ofpact_enqueue *)(void *)a)->port;
	return port >= c->max_ports && port != OFPP_IN_PORT && port != OFPP_LOCAL ? OFPBAC_BAD_OUT_PORT : 0;
}

const struct ofpact_row ofpact_enqueue_row = {
	.name = "enqueue",
	.wires = (const struct ofpact_wire[]){{0, OFPAT10_ENQUEUE, V10, V10, 16, false, decode_enqueue}, {0}},
	.words = (const struct ofpact_word[]){{"enqueue", parse_enqueue}, {0}},
	.encode = encode_enqueue,
	.format = format_enqueue,
	.check = check_enqueue,
};

// --- output to a port named by a register

static int decode_output_reg(struct ofpact_decode *d)
{
	struct ofpact_output_reg *o = ofpact_add(d->out, OFPACT_OUTPUT_REG, sizeof(*o));
	uint16_t bits = cursor_be16(&d->body);
	o->src.offset = bits >> 6;
	o->src.n_bits = (bits & 63) + 1;
	int error = nx_header_decode(&d->body, &o->src.field, NULL);
	o->max_len = cursor_be16(&d->body);
	return error;
}

static int decode_output_reg2(struct ofpact_decode *d)
{
	struct ofpact_output_reg *o = ofpact_add(d->out, OFPACT_OUTPUT_REG, sizeof(*o));
	uint16_t bits = cursor_be16(&d->body);
	o->src.offset = bits >> 6;
	o->src.n_bits = (bits & 63) + 1;
	o->max_len = cursor_be16(&d->body);
	return nx_header_decode(&d->body, &o->src.field, NULL);
}

static void encode_output_reg(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_output_reg *o = (const void *)a;
	uint16_t bits = (uint16_t)(o->src.offset << 6 | (o->src.n_bits - 1));
	size_t at;
	if (o->src.field->oxm_experimenter && !o->src.field->nxm_version) {
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
	str_add(s, "output:");
	subfield_format(&((const struct ofpact_output_reg *)(const void *)a)->src, s);
}

static int check_output_reg(struct ofpact *a, struct ofpact_check *c)
{
	return subfield_check_source(&((struct ofpact_output_reg *)(void *)a)->src, c->match);
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
	str_addf(s, "group:%u", ((const struct ofpact_group *)(const void *)a)->group_id);
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
	str_addf(s, "set_queue:%u", ((const struct ofpact_queue *)(const void *)a)->queue);
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
			{OFP_VENDOR_NX, NXAST_SET_QUEUE, V10, V15, 16, false, decode_set_queue},
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
	str_add(s, "pop_queue");
}

static struct error *parse_pop_queue(struct ofpact_parse *p, char *arg)
{
	ofpact_add(p->out, OFPACT_POP_QUEUE, sizeof(struct ofpact));
	return NULL;
}

const struct ofpact_row ofpact_pop_queue_row = {
	.name = "pop_queue",
	.wires =
		(const struct ofpact_wire[]){{OFP_VENDOR_NX, NXAST_POP_QUEUE, V10, V15, 16, false, decode_pop_queue}, {0}},
	.words = (const struct ofpact_word[]){{"pop_queue", parse_pop_queue}, {0}},
	.encode = encode_pop_queue,
	.format = format_pop_queue,
};

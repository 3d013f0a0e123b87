/* SPDX-License-Identifier: Apache-2.0 */
// Changes that take effect together: OpenFlow bundles, atomic and ordered.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/ovs-ofctl/ofctl.h"

enum { BATCH = 64 * 1024, BUNDLE_ID = 0, BUNDLE_FLAGS = OFPBF_ATOMIC | OFPBF_ORDERED };

struct bundle {
	struct session *session;
	const struct buf *messages;	   // what goes in
	struct ofp_bundle_control control; // sent last
	uint32_t control_xid;
	bool failed;
};

// The request that an error is about: the one inside the bundle, or the control message.
static void print_request(struct bundle *b, uint32_t xid)
{
	struct session *s = b->session;
	const struct buf *all = b->messages;
	if (xid == b->control_xid) {
		struct buf control = BUF_INIT;
		ofp_encode_bundle_control(&control, &b->control, s->version, xid);
		session_print(s, stderr, control.data, control.len, s->ofctl->verbosity + 1);
		buf_done(&control);
		return;
	}
	for (size_t at = 0; at < all->len; at += ofp_length(all->data + at))
		if (ofp_xid(all->data + at) == xid) {
			session_print(s, stderr, all->data + at, ofp_length(all->data + at),
				      s->ofctl->verbosity + 1);
			return;
		}
	fputc('\n', stderr);
}

static void take_error(struct bundle *b, const uint8_t *msg, size_t n)
{
	struct ofp_msg m;
	int error = ofp_msg_decode(msg, n, &m);
	b->failed = true;
	error = error ? 0 : ofp_decode_error(&m, NULL);
	fprintf(stderr, "Error %s for: ", error ? ofperr_name(error) : "that has no name");
	print_request(b, ofp_xid(msg));
}

// Looks at what has come so far without waiting.
static int drain(struct bundle *b)
{
	const uint8_t *msg;
	size_t n;
	int error;
	while (!(error = ofclient_try_recv(b->session->of, &msg, &n)))
		if (msg[1] == 1)
			take_error(b, msg, n);
	return error == -EAGAIN ? 0 : error;
}

// Sends a control message and waits for its answer.
static void control(struct bundle *b, enum ofp_bundle_type type)
{
	struct session *s = b->session;
	struct buf out = BUF_INIT;
	b->control_xid = session_xid(s);
	b->control = (struct ofp_bundle_control){
		.bundle_id = BUNDLE_ID, .type = type, .flags = BUNDLE_FLAGS};
	ofp_encode_bundle_control(&out, &b->control, s->version, b->control_xid);
	int error = ofclient_send(s->of, out.data, out.len);
	buf_done(&out);
	for (bool answered = false; !error && !answered;) {
		const uint8_t *msg;
		size_t n;
		error = ofclient_recv(s->of, &msg, &n);
		if (error)
			break;
		if (msg[1] == 1)
			take_error(b, msg, n);
		answered = ofp_xid(msg) == b->control_xid;
	}
	if (error)
		session_talk_failed(s, error);
}

static void add_all(struct bundle *b)
{
	struct session *s = b->session;
	const struct buf *all = b->messages;
	struct buf out = BUF_INIT;
	int error = 0;
	for (size_t at = 0; at < all->len && !error && !b->failed;) {
		size_t n = ofp_length(all->data + at);
		if (!ofp_encode_bundle_add(&out, BUNDLE_ID, BUNDLE_FLAGS, all->data + at, n))
			command_die("a message is too long for a bundle");
		at += n;
		if (out.len < BATCH && at < all->len)
			continue;
		error = ofclient_send(s->of, out.data, out.len);
		buf_clear(&out);
		if (!error)
			error = drain(b);
	}
	buf_done(&out);
	if (error)
		session_talk_failed(s, error);
}

void session_bundle(struct session *s, const struct buf *messages)
{
	struct bundle b = {.session = s, .messages = messages};
	if (!ofp_version_has_bundles(s->version))
		command_die("%s: bundles need OpenFlow 1.3 or later, the switch speaks only %s",
			    ofclient_name(s->of), ofp_version_name(s->version));
	control(&b, OFPBCT_OPEN_REQUEST);
	if (!b.failed)
		add_all(&b);
	if (!b.failed)
		control(&b, OFPBCT_CLOSE_REQUEST);
	bool ready = !b.failed;
	if (ready)
		control(&b, OFPBCT_COMMIT_REQUEST);
	else if (b.control.type != OFPBCT_OPEN_REQUEST)
		control(&b, OFPBCT_DISCARD_REQUEST);
	if (b.failed)
		session_talk_failed(s, EPROTO);
}

// --- The command: a file of changes of all kinds.

struct changes {
	struct ofctl *ofctl;
	struct port_names names;
	struct session session;
	struct ofp_flow_mod fm;
	struct ofp_packet_out po;
	struct buf out;
	struct flow_file file;
	bool encode; // second reading: the version is known
	uint32_t usable;
};

static void take_flow(struct changes *c, char *text)
{
	uint32_t usable;
	flow_parse_or_die(c->ofctl, &c->names, text, -1, &c->file, &c->fm, &usable);
	c->usable &= usable;
	if (c->encode)
		ofp_encode_flow_mod(&c->out, &c->fm, c->session.protocol, session_xid(&c->session));
}

static void take_group(struct changes *c, char *text)
{
	struct ofpact_text t = port_names_to_parse(&c->names);
	struct ofp_group_mod gm;
	uint32_t usable;
	struct error *e = ofp_group_mod_parse(text, -1, &t, &gm, &usable);
	if (e)
		flow_file_die(&c->file, e);
	c->usable &= usable;
	if (c->encode)
		ofp_encode_group_mod(&c->out, &gm, c->session.version, session_xid(&c->session));
	ofp_group_done(&gm.group);
}

static void take_packet_out(struct changes *c, char *text)
{
	struct ofpact_text t = port_names_to_parse(&c->names);
	uint8_t *frame = NULL;
	uint32_t usable;
	struct error *e = packet_out_parse(text, &t, &c->po, &frame, &usable);
	if (e)
		flow_file_die(&c->file, e);
	c->usable &= usable;
	if (c->encode)
		ofp_encode_packet_out(&c->out, &c->po, c->session.protocol,
				      session_xid(&c->session));
	free(frame);
}

static void take_line(struct changes *c, char *line)
{
	static const struct {
		const char *word;
		void (*take)(struct changes *, char *text);
	} kinds[] = {{"flow", take_flow}, {"group", take_group}, {"packet-out", take_packet_out}};
	size_t n = strcspn(line, ", \t\r");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strncmp(line, kinds[i].word, n)) { // or its beginning
			kinds[i].take(c, line + n + strspn(line + n, ", \t\r"));
			return;
		}
	flow_file_die(&c->file, error_new("Unsupported bundle message type: %.*s", (int)n, line));
}

static void take_file(struct changes *c)
{
	flow_file_rewind(&c->file);
	for (char *text; (text = flow_file_next(&c->file));)
		take_line(c, text);
}

static void bundle_file(int argc, char *argv[], void *arg)
{
	struct changes c = {.ofctl = arg, .usable = BUNDLE_PROTOCOLS};
	port_names_init(&c.names, arg, argv[1]);
	flow_file_read(&c.file, argv[2]);
	take_file(&c);
	session_open_for_flow_mod(&c.session, arg, argv[1], c.usable);
	c.encode = true;
	take_file(&c);
	session_bundle(&c.session, &c.out);
	session_close(&c.session);
	flow_file_done(&c.file);
	ofp_flow_mod_done(&c.fm);
	ofp_packet_out_done(&c.po);
	buf_done(&c.out);
	port_names_done(&c.names);
}

const struct command bundle_commands[] = {
	{"bundle", "switch file", 2, 2, bundle_file},
	{0},
};

/* SPDX-License-Identifier: Apache-2.0 */
// ovs-ofctl: what its files share. Private to the program.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <time.h>

#include "base/str.h"
#include "base/vec.h"
#include "cmd/common/command.h"
#include "cmd/common/daemon.h"
#include "cmd/common/tls_options.h"
#include "ofconn/ofclient.h"
#include "openflow/flow_text.h"
#include "openflow/message.h"
#include "openflow/print.h"

struct sort_key {
	const struct field *field; // NULL: the priority
	bool descending;
};

struct ofctl {		    // the command line
	uint32_t versions;  // -O
	uint32_t protocols; // -F, then narrowed to what the versions have
	bool may_create;    // mod-group makes what is not there
	bool strict, readd, read_only, bundle, timestamp, no_stats, pcap;
	int verbosity;
	int use_names;	      // -1 no, 0 read but not shown, 1 both
	int packet_in_format; // enum ofp_packet_in_format; -1: the best there is
	const char *unixctl;
	struct daemon_options daemon;
	struct tls_options tls_options;
	struct stream_tls *tls;
	VEC(struct sort_key) sort;
	uint32_t next_xid;
	struct timespec timeout;       // zero: none
	const struct str_style *style; // of what is shown; NULL: no colours
};

// Ends with a message when something could not be written to stdout.
void end_output(void);
// help.c: prints how to use the program, and ends.
void ofctl_help(void) __attribute__((noreturn));

// An empty text to be shown.
static inline struct str text_to_show(const struct ofctl *o)
{
	return (struct str){.style = o->style};
}

// --- Colours.

enum color_when { COLOR_NEVER, COLOR_AUTO, COLOR_ALWAYS };
// The argument of --color, in any case; false: none of its words.
bool color_parse_when(const char *, enum color_when *);
// Whether the output is to be coloured: COLOR_AUTO means where it goes to a terminal that can.
bool color_wanted(enum color_when);
// The colours of the environment variable OVS_COLORS, and the usual ones for what it does not name.
// The style's strings live until the program ends.
void color_style_init(struct str_style *);

// --- Names of ports, fetched from the switch when one is first needed.

struct port_names {
	struct ofctl *ofctl;
	const char *bridge; // NULL: there are no names
	bool loaded, tables_loaded;
	VEC(struct ofp_port_desc) ports;
	VEC(struct table_name {
		uint8_t id;
		char name[33];
	})
	tables;
};
void port_names_init(struct port_names *, struct ofctl *, const char *bridge);
void port_names_done(struct port_names *);
// For parsing, and for printing, as --names and --no-names say.
struct ofpact_text port_names_to_parse(struct port_names *);
struct ofp_print_options port_names_to_print(struct port_names *);
// The port, the table that a user means by a number or a name. Exits with a message when there is
// none.
uint32_t port_names_parse(struct port_names *, const char *text);
uint8_t table_names_parse(struct port_names *, const char *text);

// text.c, packets.c: to stdout.
void print_message(const struct ofctl *, const void *msg, size_t n, int verbosity);
// Ends the program with the error's text behind "prefix: " (NULL: none), when there is one.
void end_on_error(const char *prefix, struct error *);
void print_bytes(const struct buf *); // "00000000  00 01 ..."

// --- Connections. All of these exit with a message on failure.

struct session {
	struct ofctl *ofctl;
	struct ofclient *of;
	uint8_t version;
	enum ofp_protocol protocol; // the flow format in force
	struct port_names names;
};
// `target` as ovs-ofctl(8) says: a name of a connection, a socket's file, a bridge; `suffix` "mgmt"
// or "snoop".
void session_open(struct session *, struct ofctl *, const char *target, const char *suffix);
void session_close(struct session *);
// Opens and switches to a flow format out of `usable` for changing flows, or for reading them.
void session_open_for_flow_mod(struct session *, struct ofctl *, const char *target,
			       uint32_t usable);
void session_open_for_dump(struct session *, struct ofctl *, const char *target, uint32_t usable);
uint32_t session_xid(struct session *);
// Sends a request and waits for its answer, borrowed until the next call.
const uint8_t *session_transact(struct session *, const struct buf *request, size_t *n);
// Sends messages, a barrier after them, and waits for that. The first error that the switch
// answered: owned by the caller (buf_done); empty when all went well.
struct buf session_send(struct session *, const struct buf *messages);
// The same; an error is printed and ends the program.
void session_send_or_die(struct session *, const struct buf *messages);
// Streams messages without waiting for each. An error of the switch is printed and ends the
// program.
void session_stream(struct session *, const struct buf *messages);
void session_stream_end(struct session *);
// Sends whole messages, one after the other in the buffer, as one atomic and ordered bundle. An
// error of the switch is printed and ends the program; nothing has changed then.
void session_bundle(struct session *, const struct buf *messages);
// What bundles can be made of.
enum { BUNDLE_PROTOCOLS = OFPROTO_13 | OFPROTO_14 | OFPROTO_15 };
// Sends a statistics request and gives each answer until the last, which may be an error, to the
// callback, or prints it.
typedef void session_reply_cb(void *arg, const uint8_t *msg, size_t n);
void session_stats(struct session *, const struct buf *request, session_reply_cb *, void *arg);
// Ends with a message about an answer that cannot be read.
void session_bad_reply(struct session *, const uint8_t *msg, size_t n) __attribute__((noreturn));
void session_show_stats(struct session *, const struct buf *request);
// Calls back for each port of the switch.
typedef void session_port_cb(void *arg, const struct ofp_port_desc *);
void session_ports(struct session *, session_port_cb *, void *arg);
void session_talk_failed(const struct session *, int error) __attribute__((noreturn));
// Prints a message to stdout or stderr.
void session_print(struct session *, FILE *, const uint8_t *msg, size_t n, int verbosity);
// Opens, sends a request without a body, prints the answer, closes.
void session_dump_simple(struct ofctl *, const char *target, enum ofptype request);

// --- Flows, and files of them.

// Tells a person at a terminal, on stderr, that this bridge has flows of its own which a dump does
// not show. Says nothing where stderr is not a terminal, or `target` is no bridge of this host.
void hidden_flows_tell(const char *target);

// A file of flows, or of other things that are written a line each ("-": stdin).
struct flow_file {
	const char *name;
	FILE *in;
	off_t start;	   // where the first line begins
	void *kept;	   // what `in` reads from when that is memory
	char *text;	   // the line that was given last
	size_t cap;	   // of it
	unsigned int line; // its number
	unsigned int seen; // lines up to this one were read before, and what is odd about them told
};
void flow_file_read(struct flow_file *, const char *name);
void flow_file_done(struct flow_file *);
void flow_file_rewind(struct flow_file *);
// The next line without comments and surrounding blanks, skipping those that are empty then; NULL
// at the end. May be changed by the caller, until the next call.
char *flow_file_next(struct flow_file *);
// Ends the program with what is wrong with the line that was given last; NULL: with no line.
void flow_file_die(const struct flow_file *, struct error *) __attribute__((noreturn));
// Parses, logs what normalising drops, and exits with a message when it is wrong. Takes the text
// apart in place. `from`: where it stands (may be NULL).
void flow_parse_or_die(struct ofctl *, struct port_names *, char *text, int command,
		       const struct flow_file *from, struct ofp_flow_mod *, uint32_t *protocols);

// All flows of a file, as messages one after the other, in the flow format that is best for them.
struct flow_messages {
	struct buf bytes;	    // transaction ids are 0
	enum ofp_protocol protocol; // 0: none that is allowed can carry all, and there are no bytes
	uint32_t usable;	    // what can carry them, allowed or not
	bool too_long;		    // a flow is missing, which fits into no message
};
// `candidates`: formats to choose from. *m must be zero or filled in before; it is done with
// buf_done(&m->bytes). Exits with a message at the first line that is wrong.
void flow_file_encode(struct flow_file *, struct ofctl *, struct port_names *, int command,
		      uint32_t candidates, struct flow_messages *m);
// Exits with a message when one is missing.
void flow_messages_check(const struct flow_messages *);

// A match for later, packed. Where it has put options of tunnels itself, which packing loses, it is
// kept as it is.
struct kept_match {
	struct minimatch rest; // without options
	struct match *whole;   // NULL: there are none
};
void kept_match_init(struct kept_match *, const struct match *);
void kept_match_done(struct kept_match *);
void kept_match_expand(const struct kept_match *, struct match *);
int kept_match_compare(const struct kept_match *,
		       const struct kept_match *); // an order; 0: the same

extern const struct command show_commands[], flow_commands[], group_commands[], diff_commands[],
	watch_commands[], text_commands[], meter_commands[], packet_commands[], parse_commands[],
	table_commands[], bundle_commands[];

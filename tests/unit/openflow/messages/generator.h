/* SPDX-License-Identifier: Apache-2.0 */
// Random structs of every message that src/openflow can encode, in every version that has it. Each
// is encoded, decoded again and compared with what the version can say of it; the bytes are kept
// for those who want to see whether others read the same in them
// (tests/interop/test_message_structs.py).
//
// A family is a row: what it is called, where it exists, and a function that makes one case. What a
// version cannot say is said here, independently of the codec.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/random.h"
#include "openflow/message.h"

struct gen {
	enum ofp_protocol protocol;
	uint8_t version;
	bool nx;	  // the protocol is one of the extension's in 1.0
	struct buf out;	  // the messages of the case, whole
	const char *name; // of the family
	uint64_t seed;	  // makes the case again
};

struct family {
	const char *name;
	uint32_t protocols; // enum ofp_protocol
	void (*run)(struct gen *);
};
enum {
	BY_VERSION = OFPROTO_10 | OFPROTO_11 | OFPROTO_OXM_ANY,
	SINCE_11 = OFPROTO_11 | OFPROTO_OXM_ANY,
	SINCE_12 = OFPROTO_OXM_ANY,
	SINCE_13 = OFPROTO_13 | OFPROTO_14 | OFPROTO_15,
	SINCE_14 = OFPROTO_14 | OFPROTO_15,
	WITH_NXM = BY_VERSION | OFPROTO_NXM, // where the extension has a form of its own
};
// Each ends in a row without a name.
extern const struct family flow_families[], group_families[], monitor_families[], packet_families[],
	port_families[], session_families[], table_families[];

// --- Random values; what is at an edge comes often.

bool chance(unsigned int one_in);
uint8_t any_u8(void);
uint16_t any_u16(void);
uint32_t any_u32(void);
uint64_t any_u64(void);
uint32_t any_ns(void);			    // below a second
uint32_t any_port(void);		    // an existing one or a reserved one
uint32_t any_bits(uint32_t of);		    // some of these
void any_text(char *, size_t size);	    // with its NUL
struct match any_match(const struct gen *); // that the protocol can say
// A list that is the same after a way through the protocol. `in_flow`: with instructions.
void any_actions(const struct gen *, bool in_flow, struct buf *);
size_t any_frame(uint8_t *, size_t size); // its length

// --- Checks; one that fails ends the program with what differs.

_Noreturn void differs(const struct gen *, const char *what, uint64_t want, uint64_t got);
static inline void same_number(const struct gen *g, const char *what, uint64_t want, uint64_t got)
{
	if (want != got)
		differs(g, what, want, got);
}
#define SAME(g, want, got) same_number(g, #got, (uint64_t)(want), (uint64_t)(got))
void same_bytes(const struct gen *, const char *what, const void *want, const void *got, size_t n);
void same_text(const struct gen *, const char *what, const char *want, const char *got);
void same_match(const struct gen *, const struct match *want, const struct match *got);
void same_actions(const struct gen *, const void *want, size_t want_len, const void *got,
		  size_t got_len);

// The message that begins at `at` of g->out and is the last one, taken apart.
struct ofp_msg last_message(const struct gen *, size_t at);

// --- Multipart replies: entries, over as many messages as it takes.

// Answers the request that is the last message of g->out with entries that `any` makes in zeroed
// memory; they own what they point to, see reply_codec.h. At times there are so many that several
// messages are needed, at times none. `same` compares what was sent with what was read.
void check_reply(struct gen *, size_t request_at, void (*any)(struct gen *, void *entry),
		 void (*same)(struct gen *, const void *want, const void *got));
// The messages of a reply: all but the last say that more follow, none is too long. Adds them to
// g->out.
void check_segments(struct gen *, const struct ofp_replies *, enum ofptype);

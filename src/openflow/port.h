/* SPDX-License-Identifier: Apache-2.0 */
// Messages about ports: their description, status, modification and counters.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "flow/match.h"
#include "openflow/header.h"

enum { // config, 1.0's bits
	OFPPC_PORT_DOWN = 1 << 0,
	OFPPC_NO_STP = 1 << 1,
	OFPPC_NO_RECV = 1 << 2,
	OFPPC_NO_RECV_STP = 1 << 3,
	OFPPC_NO_FLOOD = 1 << 4,
	OFPPC_NO_FWD = 1 << 5,
	OFPPC_NO_PACKET_IN = 1 << 6,
};
enum { // state: 1.1's bits, and 1.0's STP state
	OFPPS_LINK_DOWN = 1 << 0,
	OFPPS_BLOCKED = 1 << 1,
	OFPPS_LIVE = 1 << 2,
	OFPPS_STP_LISTEN = 0 << 8,
	OFPPS_STP_LEARN = 1 << 8,
	OFPPS_STP_FORWARD = 2 << 8,
	OFPPS_STP_BLOCK = 3 << 8,
	OFPPS_STP_MASK = 3 << 8,
};
enum { // features, 1.1's bits
	OFPPF_10MB_HD = 1 << 0,
	OFPPF_10MB_FD = 1 << 1,
	OFPPF_100MB_HD = 1 << 2,
	OFPPF_100MB_FD = 1 << 3,
	OFPPF_1GB_HD = 1 << 4,
	OFPPF_1GB_FD = 1 << 5,
	OFPPF_10GB_FD = 1 << 6,
	OFPPF_40GB_FD = 1 << 7,
	OFPPF_100GB_FD = 1 << 8,
	OFPPF_1TB_FD = 1 << 9,
	OFPPF_OTHER = 1 << 10,
	OFPPF_COPPER = 1 << 11,
	OFPPF_FIBER = 1 << 12,
	OFPPF_AUTONEG = 1 << 13,
	OFPPF_PAUSE = 1 << 14,
	OFPPF_PAUSE_ASYM = 1 << 15,
};

enum { OFP_PORT_NAME_LEN = 16 }; // with the NUL

struct ofp_port_desc {
	uint32_t port_no; // 16-bit numbering
	uint8_t hw_addr[6];
	char name[64];
	uint32_t config, state;			    // OFPPC_*, OFPPS_*
	uint32_t curr, advertised, supported, peer; // OFPPF_*
	uint32_t curr_speed, max_speed;		    // kb/s; sent in 1.1 and later
};

// One port of a features reply, port status or port description reply. -ENODATA at the end, else 0
// or an enum ofperr.
int ofp_port_desc_pull(struct cursor *, uint8_t version, struct ofp_port_desc *);
void ofp_port_desc_put(struct buf *, uint8_t version, const struct ofp_port_desc *);
// The fastest speed that the features say, in bits per second; `fallback` when they say none.
uint64_t ofp_port_features_bps(uint32_t features, uint64_t fallback);

// Port description (stats). `port`: OFPP_NONE for all; only 1.5 carries another.
int ofp_decode_port_desc_request(const struct ofp_msg *, uint32_t *port);
void ofp_encode_port_desc_request(struct buf *, uint8_t version, uint32_t port, uint32_t xid);
void ofp_append_port_desc(struct ofp_replies *, const struct ofp_msg *request,
			  const struct ofp_port_desc *);

enum ofp_port_reason { OFPPR_ADD, OFPPR_DELETE, OFPPR_MODIFY };
struct ofp_port_status {
	enum ofp_port_reason reason;
	struct ofp_port_desc desc;
};
int ofp_decode_port_status(const struct ofp_msg *, struct ofp_port_status *);
void ofp_encode_port_status(struct buf *, const struct ofp_port_status *, uint8_t version);

struct ofp_port_mod {
	uint32_t port_no;
	uint8_t hw_addr[6];
	uint32_t config, mask, advertise;
};
// `strict`: a property that nobody knows is an error; else it is stepped over.
int ofp_decode_port_mod(const struct ofp_msg *, bool strict, struct ofp_port_mod *);
void ofp_encode_port_mod(struct buf *, const struct ofp_port_mod *, uint8_t version, uint32_t xid);

// Counters; UINT64_MAX: not known.
struct ofp_port_stats {
	uint32_t port_no;
	uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes, rx_dropped, tx_dropped, rx_errors,
		tx_errors, rx_frame_err, rx_over_err, rx_crc_err, collisions;
	uint32_t duration_s, duration_ns; // UINT32_MAX: not known. 1.3+
	// Read only, from 1.4 on. By size of the packets and the like as in RFC 2819, 64 bits each
	// (empty: none); and counters that have names, each the length of the name in a byte, the
	// name and 64 bits. Borrowed.
	struct cursor rfc2819, named;
	uint16_t n_named;
};
enum { OFP_RFC2819_COUNTERS = 21 };
// `port`: OFPP_NONE for all.
int ofp_decode_port_stats_request(const struct ofp_msg *, uint32_t *port);
void ofp_encode_port_stats_request(struct buf *, uint8_t version, uint32_t port, uint32_t xid);
void ofp_append_port_stats(struct ofp_replies *, const struct ofp_msg *request,
			   const struct ofp_port_stats *);
// -ENODATA at the end, else 0 or an enum ofperr.
int ofp_port_stats_pull(struct cursor *, uint8_t version, struct ofp_port_stats *);

// Queue counters: requests only; replies come with queues. `port` OFPP_NONE and `queue` UINT32_MAX:
// all.
int ofp_decode_queue_stats_request(const struct ofp_msg *, uint32_t *port, uint32_t *queue);
void ofp_encode_queue_stats_request(struct buf *, uint8_t version, uint32_t port, uint32_t queue,
				    uint32_t xid);
struct ofp_queue_stats {
	uint32_t port_no, queue;
	uint64_t tx_bytes, tx_packets, tx_errors;
	uint32_t duration_s, duration_ns; // UINT32_MAX: not known
};
void ofp_append_queue_stats(struct ofp_replies *, const struct ofp_msg *request,
			    const struct ofp_queue_stats *);
int ofp_queue_stats_pull(struct cursor *, uint8_t version, struct ofp_queue_stats *);

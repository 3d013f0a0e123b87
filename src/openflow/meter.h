/* SPDX-License-Identifier: Apache-2.0 */
// Meters (OpenFlow 1.3 and later): changing and reading them, and their text.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "base/vec.h"
#include "openflow/header.h"

#define OFPM_MAX	0xffff0000u
#define OFPM_SLOWPATH	0xfffffffdu // packets that go through the slow path
#define OFPM_CONTROLLER 0xfffffffeu // packets that go to controllers
#define OFPM_ALL	0xffffffffu

enum ofp_meter_command { OFPMC_ADD, OFPMC_MODIFY, OFPMC_DELETE };
enum ofp_meter_flags {
	OFPMF_KBPS = 1 << 0,
	OFPMF_PKTPS = 1 << 1,
	OFPMF_BURST = 1 << 2,
	OFPMF_STATS = 1 << 3,
};
enum ofp_meter_band_type { OFPMBT_DROP = 1, OFPMBT_DSCP_REMARK = 2 };

struct ofp_meter_band {
	uint16_t type; // enum ofp_meter_band_type
	uint8_t prec_level;
	uint32_t rate, burst_size; // kilobits or packets (per second), as the meter's flags say
};
struct ofp_meter {
	uint32_t meter_id;
	uint16_t flags; // enum ofp_meter_flags
	VEC(struct ofp_meter_band) bands;
};
struct ofp_meter_mod {
	enum ofp_meter_command command;
	struct ofp_meter meter;
};
void ofp_meter_done(struct ofp_meter *);

// *mm is overwritten; the caller frees mm->meter, also after an error.
int ofp_decode_meter_mod(const struct ofp_msg *, struct ofp_meter_mod *);
void ofp_encode_meter_mod(struct buf *, const struct ofp_meter_mod *, uint8_t version,
			  uint32_t xid);

// `type`: OFPTYPE_METER_STATS_REQUEST, OFPTYPE_METER_CONFIG_STATS_REQUEST (with an ID) or
// OFPTYPE_METER_FEATURES_STATS_REQUEST.
void ofp_encode_meter_request(struct buf *, enum ofptype type, uint32_t meter_id, uint8_t version,
			      uint32_t xid);
int ofp_decode_meter_request(const struct ofp_msg *, uint32_t *meter_id);

void ofp_append_meter_config(struct ofp_replies *, const struct ofp_meter *);
// The next meter of a reply's body, freed by the caller also after an error. -ENODATA at the end,
// else 0 or an enum ofperr.
int ofp_meter_config_pull(struct cursor *body, struct ofp_meter *);

struct ofp_band_stats {
	uint64_t packets, bytes;
};
struct ofp_meter_stats {
	uint32_t meter_id, flow_count;
	uint64_t packets, bytes;
	uint32_t duration_s, duration_ns;
	const struct ofp_band_stats *bands; // to be sent: borrowed
	size_t n_bands;
};
void ofp_append_meter_stats(struct ofp_replies *, const struct ofp_meter_stats *);
// The next one; its bands are 16 bytes each in *bands.
int ofp_meter_stats_pull(struct cursor *body, struct ofp_meter_stats *, struct cursor *bands);

struct ofp_meter_features {
	uint32_t max_meters, band_types,
		capabilities; // 1 << enum ofp_meter_band_type; enum ofp_meter_flags
	uint8_t max_bands, max_color;
};
void ofp_encode_meter_features_reply(struct buf *, const struct ofp_msg *request,
				     const struct ofp_meter_features *);
int ofp_decode_meter_features(const struct ofp_msg *, struct ofp_meter_features *);

// --- Text.

// "meter=1 kbps burst bands=type=drop rate=1000 burst_size=100". `command`: an enum
// ofp_meter_command, or -1 for "any command, the ID alone is of interest". *usable: the protocols
// that can carry it. Freed by the caller as after decoding.
struct error *ofp_meter_mod_parse(const char *text, int command, struct ofp_meter_mod *,
				  uint32_t *usable) MUST_CHECK;
// The number, "all", "controller" or "slowpath".
void ofp_meter_id_format(uint32_t meter_id, char separator, struct str *);
// "meter=1 kbps bands=\ntype=drop rate=1000\n".
void ofp_meter_format(const struct ofp_meter *, struct str *);
void ofp_meter_flags_format(uint16_t flags, struct str *);

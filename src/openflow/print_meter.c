/* SPDX-License-Identifier: Apache-2.0 */
// Printing messages about meters.
#include <errno.h>

#include "openflow/meter.h"
#include "openflow/print_row.h"

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

int print_meter_mod(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	static const char *const commands[] = {" ADD ", " MOD ", " DEL "};
	struct ofp_meter_mod mm;
	int error = ofp_decode_meter_mod(m, &mm);
	if (!error) {
		str_add(s, commands[mm.command]);
		ofp_meter_format(&mm.meter, s);
	}
	ofp_meter_done(&mm.meter);
	return error;
}

int print_meter_request(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	uint32_t id;
	int error = ofp_decode_meter_request(m, &id);
	if (error)
		return error;
	str_addc(s, ' ');
	ofp_meter_id_format(id, '=', s);
	return 0;
}

int print_meter_config_reply(struct str *s, const struct ofp_msg *m,
			     const struct ofp_print_options *o)
{
	struct cursor body = m->body;
	for (;;) {
		struct ofp_meter meter;
		int error = ofp_meter_config_pull(&body, &meter);
		if (!error) {
			str_addc(s, '\n');
			ofp_meter_format(&meter, s);
		}
		ofp_meter_done(&meter);
		if (error)
			return error == -ENODATA ? 0 : error;
	}
}

int print_meter_stats_reply(struct str *s, const struct ofp_msg *m,
			    const struct ofp_print_options *o)
{
	struct cursor body = m->body, bands;
	struct ofp_meter_stats st;
	int error;
	while (!(error = ofp_meter_stats_pull(&body, &st, &bands))) {
		str_addc(s, '\n');
		ofp_meter_id_format(st.meter_id, ':', s);
		str_addf(s, " flow_count:%u packet_in_count:%llu byte_in_count:%llu duration:",
			 st.flow_count, (unsigned long long)st.packets,
			 (unsigned long long)st.bytes);
		print_duration(s, st.duration_s, st.duration_ns);
		str_add(s, " bands:\n");
		for (size_t i = 0; i < st.n_bands; i++) {
			uint64_t packets = cursor_be64(&bands), bytes = cursor_be64(&bands);
			str_addf(s, "%zu: packet_count:%llu byte_count:%llu\n", i,
				 (unsigned long long)packets, (unsigned long long)bytes);
		}
	}
	return error == -ENODATA ? 0 : error;
}

int print_meter_features_reply(struct str *s, const struct ofp_msg *m,
			       const struct ofp_print_options *o)
{
	static const struct bit_name types[] = {{1 << OFPMBT_DROP, "drop"},
						{1 << OFPMBT_DSCP_REMARK, "dscp_remark"}};
	static const struct bit_name capabilities[] = {{OFPMF_KBPS, "kbps"},
						       {OFPMF_PKTPS, "pktps"},
						       {OFPMF_BURST, "burst"},
						       {OFPMF_STATS, "stats"}};
	struct ofp_meter_features f;
	int error = ofp_decode_meter_features(m, &f);
	if (error)
		return error;
	str_addf(s, "\nmax_meter:%u max_bands:%u max_color:%u\nband_types: ", f.max_meters,
		 f.max_bands, f.max_color);
	print_bits(s, f.band_types, types, N_OF(types), ' ');
	str_add(s, "\ncapabilities: ");
	print_bits(s, f.capabilities, capabilities, N_OF(capabilities), ' ');
	str_addc(s, '\n');
	return 0;
}

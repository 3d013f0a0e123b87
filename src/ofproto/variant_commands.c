/* SPDX-License-Identifier: Apache-2.0 */
// dpif-netdev/dpif-impl-*, subtable-lookup-*, miniflow-parser-*: which variant of the datapath's
// code runs.
#include <string.h>

#include "base/str.h"
#include "dp/dp.h"
#include "ofproto/backer_internal.h"

static bool finish(struct error *e, struct str *out)
{
	if (e)
		str_add(out, error_text(e));
	bool ok = !e;
	error_free(e);
	return ok;
}

static bool get(struct ofproto_system *system, enum dp_variant_of what, struct str *out)
{
	struct backer *b = dp_command_backer(system, NULL, out);
	return b && finish(dp_variant_format(b->dp, what, out), out);
}

static bool set(struct ofproto_system *system, enum dp_variant_of what,
		const struct dp_variant_choice *choice, struct str *out)
{
	struct backer *b = dp_command_backer(system, NULL, out);
	return b && finish(dp_variant_choose(b->dp, what, choice, out), out);
}

bool dpif_impl_get(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	return get(system, DP_VARIANT_IMPL, out);
}

bool dpif_impl_set(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	return set(system, DP_VARIANT_IMPL,
		   &(struct dp_variant_choice){.name = argv[1], .core = -1}, out);
}

bool subtable_lookup_info_get(struct ofproto_system *system, int argc, const char *argv[],
			      struct str *out)
{
	return get(system, DP_VARIANT_SEARCH, out);
}

bool subtable_lookup_prio_set(struct ofproto_system *system, int argc, const char *argv[],
			      struct str *out)
{
	struct dp_variant_choice choice = {.name = argv[1], .core = -1};
	if (parse_u32(argv[2], 10, &choice.priority))
		choice.priority = UINT32_MAX; // which is refused, after the name
	return set(system, DP_VARIANT_SEARCH, &choice, out);
}

bool miniflow_parser_get(struct ofproto_system *system, int argc, const char *argv[],
			 struct str *out)
{
	return get(system, DP_VARIANT_PARSER, out);
}

bool miniflow_parser_set(struct ofproto_system *system, int argc, const char *argv[],
			 struct str *out)
{
	struct dp_variant_choice choice = {.core = -1};
	int at = 1;
	if (argc > 3 && !strcmp(argv[1], "-pmd")) {
		uint32_t core;
		if (parse_u32(argv[2], 10, &core) || core >= DP_MAX_CORES) {
			str_addf(out,
				 "Error: miniflow extract parser not changed, PMD thread passed is "
				 "not valid: '%s'. Pass a valid "
				 "pmd thread ID.",
				 argv[2]);
			return false;
		}
		choice.core = (int)core;
		at = 3;
	}
	if (argc > at + 1) { // a number of packets goes with the implementation that studies them
		str_addf(out,
			 "Error: invalid extra argument '%s': there is no implementation that "
			 "studies packets.",
			 argv[at + 1]);
		return false;
	}
	choice.name = argv[at];
	return set(system, DP_VARIANT_PARSER, &choice, out);
}

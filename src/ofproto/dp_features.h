/* SPDX-License-Identifier: Apache-2.0 */
// What a datapath can do, and what of it translation may use: dpif/show-dp-features, and
// dpif/set-dp-features for tests of how the switch does without.
#pragma once
#include <stdbool.h>

enum dp_feature { // those that translation asks about
	DP_FEATURE_RECIRC,
	DP_FEATURE_EXPLICIT_DROP,
	DP_N_FEATURES,
};

struct dp_features {
	bool off[DP_N_FEATURES]; // written by main, read by any thread (relaxed)
};

static inline bool dp_features_have(const struct dp_features *f, enum dp_feature feature)
{
	return !__atomic_load_n(&f->off[feature], __ATOMIC_RELAXED);
}

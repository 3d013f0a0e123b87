/* SPDX-License-Identifier: Apache-2.0 */
// What we are, and which Open vSwitch we are compatible with (`ovs_version` in the database,
// `--version`'s fourth word).
#pragma once
#include <stdio.h>

#define SLUICE_VERSION	      "0.1.0"
#define OVS_COMPAT_VERSION    "3.7.0"
#define OVS_DB_SCHEMA_VERSION "8.8.0"

// The two lines that every program's --version begins with.
static inline void version_print(const char *program)
{
	printf("%s (Open vSwitch) " OVS_COMPAT_VERSION "\nSluice " SLUICE_VERSION "\n", program);
}

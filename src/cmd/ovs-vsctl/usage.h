/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <getopt.h>

#include "cmd/ovs-vsctl/vsctl.h"

// --help.
void usage_print(void);
// --options, for shell completion: up to the first option without a name.
void usage_print_options(const struct option *long_options, const char *short_options);

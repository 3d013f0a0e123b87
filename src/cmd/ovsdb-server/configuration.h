/* SPDX-License-Identifier: Apache-2.0 */
// Brings the running server in line with its configuration file.
#pragma once
#include "commands.h"

// Reads the file anew and does what changed. When it cannot be read nothing changes; a database or
// remote that cannot be opened does not keep the others from it, and the error tells the first one.
struct error *configuration_load(struct program *) MUST_CHECK;
void configuration_done(struct program *);

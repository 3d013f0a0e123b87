/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>

struct db_schema;

// Prints what is wrong with a database file, if anything. With `repair` the good records take the
// place of the file, which is kept beside it under another name. `schema` (may be NULL) is used
// when that of the file is lost. Gives the exit status: 0 when there was no damage, or it is
// repaired, 2 when there is some. Exits with a message when it cannot be told.
int check_file(const char *path, const struct db_schema *schema, bool repair);

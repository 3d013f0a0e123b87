/* SPDX-License-Identifier: Apache-2.0 */
// ovsdb-tool show-log: what happened to a database, record by record.
#pragma once

// `more` counts the -m options: 1 shows rows, 2 their columns. Exits with a message when the file
// cannot be read.
void show_log(const char *path, int more);

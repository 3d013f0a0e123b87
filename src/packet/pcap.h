/* SPDX-License-Identifier: Apache-2.0 */
// Capture files in the classic pcap format, link type Ethernet: microsecond or nanosecond stamps,
// either byte order, on reading; microseconds in host order on writing. One thread at a time per
// file.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/cursor.h"
#include "base/error.h"

struct pcap_file;

// "-" is standard input or output.
struct error *pcap_file_open(const char *path, struct pcap_file **) MUST_CHECK;
// Truncates what is there.
struct error *pcap_file_create(const char *path, struct pcap_file **) MUST_CHECK;
// Adds to a file that exists (its header is checked), or creates it.
struct error *pcap_file_append(const char *path, struct pcap_file **) MUST_CHECK;
void pcap_file_close(struct pcap_file *); // takes NULL

// The next frame replaces the contents of `frame`; *usec (may be NULL) is since the epoch. *end is
// true at the end of the file, when there is no frame. A record cut short by the end, or with an
// absurd length, is an error.
struct error *pcap_file_read(struct pcap_file *, struct buf *frame, int64_t *usec,
			     bool *end) MUST_CHECK;
// Writes through to the file at once, so that a reader sees each frame. `wire_len` >= n is what the
// frame's length was.
struct error *pcap_file_write(struct pcap_file *, const void *frame, size_t n, size_t wire_len,
			      int64_t usec) MUST_CHECK;

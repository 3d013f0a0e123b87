/* SPDX-License-Identifier: Apache-2.0 */
// The file that a database lives in: records of JSON, each behind a line `OVSDB JSON LENGTH SHA1`.
// Records are only appended; a record that was not written completely is recognised by its checksum
// and cut off when the file is opened for writing. Damage with good records behind it is not
// touched: somebody has to decide. Replacing the contents makes a new file beside it, syncs it, and
// renames it over the old one.
//
// When the system says that something could not be brought to the disk, nobody knows what is there
// (the pages count as clean after that). The journal then is *suspect*: it takes nothing more until
// all of it was written anew.
#pragma once
#include <jansson.h>
#include <stdint.h>

#include "base/str.h"
#include "ovsdb/error.h"

struct journal;

enum journal_mode {
	JOURNAL_READ_ONLY, // takes no lock: works while others write
	JOURNAL_READ_WRITE,
	JOURNAL_CREATE, // must not exist
};

struct db_error *journal_open(const char *path, enum journal_mode, struct journal **) MUST_CHECK;
void journal_close(struct journal *); // NULL is allowed
const char *journal_path(const struct journal *);

// The next record, owned by the caller; NULL at the end. After an error there is no reading on:
// what follows is lost.
struct db_error *journal_read(struct journal *, json_t **) MUST_CHECK;
// The same as text, owned by the caller; *text is NULL at the end. Whether it is JSON is not
// checked.
struct db_error *journal_read_text(struct journal *, char **text, size_t *n) MUST_CHECK;
// The last record read is not to be trusted: it counts as damaged from its start.
void journal_reject(struct journal *);
// Ends reading: cuts what follows the last good record. Damage that is more than a torn end is kept
// in PATH.damaged first; *saved is its name then (owned by the caller), else NULL. An error, and
// nothing is changed, when there are good records behind it.
struct db_error *journal_start_writing(struct journal *, char **saved) MUST_CHECK;
// Appends one record; on error the file is as it was before. `text` is JSON in one line, without
// newline.
struct db_error *journal_append(struct journal *, const char *text, size_t n) MUST_CHECK;
// Waits until all records are on the disk. On error the last record is taken back, and the journal
// is suspect.
struct db_error *journal_sync(struct journal *) MUST_CHECK;
bool journal_is_suspect(const struct journal *);
// Whether there is room for writing again: writes something behind the end and cuts it off.
struct db_error *journal_probe(struct journal *) MUST_CHECK;
// Bytes of good records.
int64_t journal_size(const struct journal *);
// Puts the records (texts, each one line) in the place of the whole contents. On error the file is
// as it was.
struct db_error *journal_replace(struct journal *, const struct str *records,
				 size_t n_records) MUST_CHECK;

// The same in two steps, so that the first can be another process's work: journal_write_new()
// writes the new file; records that are appended to the old one meanwhile (from `since`, what
// journal_size() was) are copied behind them when it takes its place. 0 or a positive errno.
int journal_write_new(const struct journal *, const struct str *records,
		      size_t n_records) MUST_CHECK;
struct db_error *journal_adopt_new(struct journal *, int64_t since) MUST_CHECK;
void journal_discard_new(const struct journal *);

// The text of one record with its header.
void journal_format(struct str *out, const char *text, size_t n);
// The SHA-1 of some bytes as text, as headers have it.
void journal_checksum(const char *, size_t n, char out[41]);

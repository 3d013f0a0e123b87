/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/journal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "dbserver/lockfile.h"
#include "dbserver/salvage.h"

enum { SHA1_LEN = 20, HEADER_MAX = 128, JOURNAL_MAX_RECORD = INT32_MAX };

struct journal {
	char *path;
	struct lockfile *lock;
	FILE *file;	  // for reading
	EVP_MD_CTX *sha1; // NULL until the first record is written: making one takes longer than
			  // using it
	int fd;		  // the same file
	int64_t good;	  // bytes of good records
	int64_t before;	  // the same before the last record
	int64_t size;	  // of the file when it was opened
	bool damaged;	  // what follows is not a record
	bool writing;
	bool needs_sync;
	bool needs_cut; // there may be something behind the good records
	bool suspect;
};

void journal_checksum(const char *p, size_t n, char out[41])
{
	unsigned char digest[SHA1_LEN];
	EVP_Digest(p, n, digest, NULL, EVP_sha1(), NULL);
	for (int i = 0; i < SHA1_LEN; i++)
		sprintf(out + 2 * i, "%02x", digest[i]);
}

static struct db_error *sync_directory(const char *path)
{
	char *copy = xstrdup(path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct db_error *error = NULL;
	if (fd < 0 || (fsync(fd) && errno != EINVAL && errno != EROFS))
		error = db_error_io(errno, "%s: fsync of directory failed", path);
	if (fd >= 0)
		close(fd);
	free(copy);
	return error;
}

struct db_error *journal_open(const char *path, enum journal_mode mode, struct journal **out)
{
	*out = NULL;
	struct lockfile *lock = NULL;
	if (mode != JOURNAL_READ_ONLY) {
		int error = lockfile_lock(path, &lock);
		if (error)
			return db_error_io(error, "%s: failed to lock lockfile", path);
	}
	int flags = mode == JOURNAL_READ_ONLY ? O_RDONLY
		    : mode == JOURNAL_CREATE  ? O_RDWR | O_CREAT | O_EXCL
					      : O_RDWR;
	int fd = open(path, flags | O_CLOEXEC, 0660);
	struct stat st;
	if (fd < 0 || fstat(fd, &st)) {
		int error = errno;
		if (fd >= 0)
			close(fd);
		lockfile_unlock(lock);
		return db_error_io(error, "%s: %s failed", path,
				   mode == JOURNAL_CREATE ? "create" : "open");
	}
	struct journal *j = XNEW(struct journal);
	*j = (struct journal){.path = xstrdup(path), .lock = lock, .fd = fd, .size = st.st_size};
	j->file = fdopen(fd, mode == JOURNAL_READ_ONLY ? "r" : "r+");
	j->writing = mode == JOURNAL_CREATE;
	*out = j;
	return NULL;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	fclose(j->file);
	lockfile_unlock(j->lock);
	EVP_MD_CTX_free(j->sha1);
	free(j->path);
	free(j);
}

const char *journal_path(const struct journal *j)
{
	return j->path;
}

int64_t journal_size(const struct journal *j)
{
	return j->good;
}

// --- Reading.

static struct db_error *parse_header(const struct journal *j, const char *line, size_t *n,
				     char *sha1)
{
	unsigned long length;
	char magic[16];
	int end = 0;
	if (!j->good && strncmp(line, "OVSDB ", 6))
		return db_error_new("ovsdb error", "%s: unexpected file format", j->path);
	if (sscanf(line, "OVSDB %15s %lu %40[0-9a-f]%n", magic, &length, sha1, &end) != 3 ||
	    strlen(sha1) != 2 * SHA1_LEN || line[end] != '\n')
		return db_error_syntax(NULL, NULL,
				       "%s: parse error at offset %lld in header line \"%.*s\"",
				       j->path, (long long)j->good, (int)strcspn(line, "\n"), line);
	if (!strcmp(magic, "CLUSTER"))
		return db_error_new("ovsdb error",
				    "%s: cannot apply this operation to clustered database file",
				    j->path);
	if (strcmp(magic, "JSON"))
		return db_error_new("ovsdb error", "%s: bad magic (unexpected kind of file)",
				    j->path);
	*n = length;
	return NULL;
}

static struct db_error *read_data(struct journal *j, size_t n, const char *sha1, char *data,
				  int64_t at)
{
	char actual[2 * SHA1_LEN + 1];
	if (fread(data, 1, n, j->file) != n)
		return db_error_io(ferror(j->file) ? errno : EOF,
				   "%s: error reading %zu bytes starting at offset %lld", j->path,
				   n, (long long)at);
	journal_checksum(data, n, actual);
	if (strcmp(actual, sha1))
		return db_error_syntax(NULL, NULL,
				       "%s: %zu bytes starting at offset %lld have SHA-1 hash %s "
				       "but should have hash %s",
				       j->path, n, (long long)at, actual, sha1);
	return NULL;
}

static struct db_error *read_record(struct journal *j, char **out, size_t *n_out)
{
	char line[HEADER_MAX], sha1[2 * SHA1_LEN + 1];
	size_t n = 0;
	if (!fgets(line, sizeof(line), j->file))
		return ferror(j->file) ? db_error_io(errno, "%s: read failed", j->path) : NULL;
	struct db_error *error = parse_header(j, line, &n, sha1);
	if (error)
		return error;
	int64_t at = j->good + (int64_t)strlen(line);
	struct stat st;
	// A length that the file cannot hold is not worth the memory.
	if (fstat(j->fd, &st) || (S_ISREG(st.st_mode) && (uint64_t)n > (uint64_t)st.st_size) ||
	    n > JOURNAL_MAX_RECORD)
		return db_error_io(EOF, "%s: error reading %zu bytes starting at offset %lld",
				   j->path, n, (long long)at);
	char *data = xmalloc(n + 1);
	error = read_data(j, n, sha1, data, at);
	if (error) {
		free(data);
		return error;
	}
	data[n] = '\0';
	*out = data;
	*n_out = n;
	j->before = j->good;
	j->good = at + (int64_t)n;
	return NULL;
}

struct db_error *journal_read_text(struct journal *j, char **out, size_t *n)
{
	*out = NULL;
	assert(!j->writing);
	if (j->damaged)
		return NULL;
	struct db_error *error = read_record(j, out, n);
	if (error)
		j->damaged = true;
	return error;
}

struct db_error *journal_read(struct journal *j, json_t **out)
{
	char *text;
	size_t n;
	json_error_t why;
	*out = NULL;
	struct db_error *error = journal_read_text(j, &text, &n);
	if (error || !text)
		return error;
	*out = json_loadb(text, n, 0, &why);
	free(text);
	if (*out)
		return NULL;
	journal_reject(j);
	return db_error_syntax(
		NULL, NULL,
		"%s: %zu bytes at offset %lld are not valid JSON (line %d, column %d: %s)", j->path,
		n, (long long)j->good, why.line, why.column, why.text);
}

void journal_reject(struct journal *j)
{
	j->good = j->before;
	j->damaged = true;
}

// --- The end of what is good.

static bool is_zero(const char *p, size_t n)
{
	return !n || (!p[0] && !memcmp(p, p + 1, n - 1));
}

// A crash leaves the beginning of one record, or nothing but zeros where the size came to the disk
// before the data. Anything else behind the last good record is damage that somebody may want to
// see.
static bool is_torn_end(const char *rest, size_t n)
{
	static const char start[] = "OVSDB JSON ";
	if (is_zero(rest, n))
		return true;
	if (n < sizeof(start) - 1)
		return !memcmp(rest, start, n);
	unsigned long length;
	int end = 0;
	char sha1[41];
	const char *newline = memchr(rest, '\n', n);
	if (memcmp(rest, start, sizeof(start) - 1))
		return false;
	if (!newline)
		return n < HEADER_MAX;
	if (sscanf(rest, "OVSDB JSON %lu %40[0-9a-f]%n", &length, sha1, &end) != 2 ||
	    rest[end] != '\n')
		return false;
	return n - (size_t)(newline + 1 - rest) <= length;
}

static struct db_error *save_rest(const struct journal *j, const char *rest, size_t n, char **saved)
{
	char *name = xasprintf("%s.damaged", j->path);
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0660);
	struct db_error *error = NULL;
	if (fd < 0 || write(fd, rest, n) != (ssize_t)n || fsync(fd))
		error = db_error_io(errno, "%s: saving damaged records failed", name);
	if (fd >= 0)
		close(fd);
	if (error)
		free(name);
	else
		*saved = name;
	return error;
}

struct db_error *journal_start_writing(struct journal *j, char **saved)
{
	struct stat st;
	struct db_error *error = NULL;
	*saved = NULL;
	j->writing = true;
	journal_discard_new(j); // of a process that was killed
	if (fstat(j->fd, &st))
		return db_error_io(errno, "%s: stat failed", j->path);
	if (st.st_size == j->good)
		return NULL;
	size_t n = (size_t)(st.st_size - j->good);
	char *rest = xmalloc(n + 1);
	ssize_t got = pread(j->fd, rest, n, j->good);
	if (got != (ssize_t)n)
		error = db_error_io(got < 0 ? errno : EOF, "%s: read failed", j->path);
	rest[n] = '\0';
	if (!error && salvage_find_record(rest, n) < n)
		error = db_error_new(
			"ovsdb error",
			"%s: damaged at offset %lld, and there are records behind the damage: "
			"\"ovsdb-tool "
			"check\" tells what can be saved, \"ovsdb-tool check --repair\" saves it",
			j->path, (long long)j->good);
	if (!error && !is_torn_end(rest, n))
		error = save_rest(j, rest, n, saved);
	if (!error && ftruncate(j->fd, j->good))
		error = db_error_io(errno, "%s: truncate failed", j->path);
	free(rest);
	return error;
}

// --- Writing.

static void add_hex(struct str *out, const unsigned char *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < n; i++) {
		str_addc(out, digits[bytes[i] >> 4]);
		str_addc(out, digits[bytes[i] & 15]);
	}
}

static void format_record(EVP_MD_CTX *sha1, struct str *out, const char *text, size_t n)
{
	unsigned char digest[SHA1_LEN];
	EVP_DigestInit_ex(sha1, NULL, NULL);
	EVP_DigestUpdate(sha1, text, n);
	EVP_DigestUpdate(sha1, "\n", 1);
	EVP_DigestFinal_ex(sha1, digest, NULL);
	str_reserve(out, n + HEADER_MAX);
	str_addf(out, "OVSDB JSON %zu ", n + 1);
	add_hex(out, digest, SHA1_LEN);
	str_addc(out, '\n');
	str_addn(out, text, n);
	str_addc(out, '\n');
}

static EVP_MD_CTX *sha1_new(void)
{
	EVP_MD_CTX *sha1 = EVP_MD_CTX_new();
	EVP_DigestInit_ex(sha1, EVP_sha1(), NULL);
	return sha1;
}

void journal_format(struct str *out, const char *text, size_t n)
{
	EVP_MD_CTX *sha1 = sha1_new();
	format_record(sha1, out, text, n);
	EVP_MD_CTX_free(sha1);
}

static int write_all(int fd, const char *p, size_t n, int64_t at)
{
	while (n) {
		ssize_t written = pwrite(fd, p, n, at);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return written < 0 ? errno : ENOSPC;
		p += written;
		n -= (size_t)written;
		at += written;
	}
	return 0;
}

// Nothing may stay behind the good records: who opens the file takes it for damage.
static struct db_error *cut(struct journal *j)
{
	if (j->needs_cut && ftruncate(j->fd, j->good))
		return db_error_io(errno, "%s: truncate failed", j->path);
	j->needs_cut = false;
	return NULL;
}

struct db_error *journal_append(struct journal *j, const char *text, size_t n)
{
	struct str record = STR_INIT;
	assert(j->writing);
	if (j->suspect)
		return db_error_io(EIO, "%s: a write was lost, the file has to be written anew",
				   j->path);
	struct db_error *error = cut(j);
	if (error)
		return error;
	if (!j->sha1)
		j->sha1 = sha1_new();
	format_record(j->sha1, &record, text, n);
	int failed = write_all(j->fd, record.s, record.len, j->good);
	if (failed) {
		error = db_error_io(failed, "%s: write failed", j->path);
		j->needs_cut = true;
		db_error_free(cut(j)); // it is tried again before the next one
	} else {
		j->before = j->good;
		j->good += (int64_t)record.len;
		j->needs_sync = true;
	}
	str_done(&record);
	return error;
}

struct db_error *journal_sync(struct journal *j)
{
	if (!j->needs_sync)
		return NULL;
	if (fsync(j->fd)) {
		struct db_error *error = db_error_io(errno, "%s: fsync failed", j->path);
		j->suspect = true;
		j->good = j->before;
		j->needs_cut = true;
		db_error_free(cut(j));
		return error;
	}
	j->needs_sync = false;
	return NULL;
}

bool journal_is_suspect(const struct journal *j)
{
	return j->suspect;
}

struct db_error *journal_probe(struct journal *j)
{
	static const char zeros[4096];
	int failed = write_all(j->fd, zeros, sizeof(zeros), j->good);
	if (!failed && fsync(j->fd))
		failed = errno;
	j->needs_cut = true;
	struct db_error *error = cut(j);
	if (!failed)
		return error;
	db_error_free(error);
	return db_error_io(failed, "%s: write failed", j->path);
}

// --- Replacing.

// The file itself: a symbolic link stays one.
static char *real_path(const struct journal *j)
{
	char *real = realpath(j->path, NULL);
	return real ? real : xstrdup(j->path);
}

static char *new_path(const struct journal *j)
{
	char *real = real_path(j), *name = xasprintf("%s.tmp", real);
	free(real);
	return name;
}

static int write_records(int fd, const struct str *records, size_t n)
{
	int error = 0;
	int64_t at = 0;
	for (size_t i = 0; i < n && !error; i++) {
		struct str record = STR_INIT;
		journal_format(&record, str_cstr(&records[i]), records[i].len);
		error = write_all(fd, record.s, record.len, at);
		at += (int64_t)record.len;
		str_done(&record);
	}
	return error;
}

static int take_over_owner(const struct journal *j, int fd)
{
	struct stat st;
	if (fstat(j->fd, &st))
		return errno;
	if (fchown(fd, st.st_uid, st.st_gid) && errno != EPERM)
		return errno;
	return fchmod(fd, st.st_mode & 0777) ? errno : 0;
}

int journal_write_new(const struct journal *j, const struct str *records, size_t n)
{
	char *name = new_path(j);
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int error = fd < 0 ? errno : write_records(fd, records, n);
	if (!error)
		error = take_over_owner(j, fd);
	if (!error && fsync(fd))
		error = errno;
	if (fd >= 0)
		close(fd);
	if (error)
		unlink(name);
	free(name);
	return error;
}

void journal_discard_new(const struct journal *j)
{
	char *name = new_path(j);
	unlink(name);
	free(name);
}

// Appends [from, to) of one file to another.
static int copy_range(int from_fd, int64_t from, int64_t to, int to_fd, int64_t at)
{
	enum { CHUNK = 1 << 16 };
	char *buffer = xmalloc(CHUNK);
	int error = 0;
	while (from < to && !error) {
		ssize_t n = pread(from_fd, buffer, to - from < CHUNK ? (size_t)(to - from) : CHUNK,
				  from);
		if (n <= 0) {
			error = n < 0 ? errno : EIO;
			break;
		}
		error = write_all(to_fd, buffer, (size_t)n, at);
		from += n;
		at += n;
	}
	free(buffer);
	return error;
}

static struct db_error *rename_new(struct journal *j, int fd, int64_t size)
{
	char *target = real_path(j), *name = new_path(j);
	struct db_error *error = NULL;
	if (rename(name, target)) {
		error = db_error_io(errno, "failed to rename \"%s\" to \"%s\"", name, target);
	} else {
		fclose(j->file);
		j->fd = fd;
		j->file = fdopen(fd, "r+");
		j->good = j->before = j->size = size;
		j->writing = true;
		j->needs_sync = j->needs_cut = j->suspect = false;
		error = sync_directory(target);
		// The old file may come back with a crash: it knows nothing of what comes now.
		j->suspect = error;
	}
	free(name);
	free(target);
	return error;
}

struct db_error *journal_adopt_new(struct journal *j, int64_t since)
{
	char *name = new_path(j);
	int fd = open(name, O_RDWR | O_CLOEXEC);
	struct stat st = {0};
	int failed = fd < 0 || fstat(fd, &st) ? errno : 0;
	int64_t size = st.st_size + (j->good - since);
	if (!failed && j->good > since) {
		failed = copy_range(j->fd, since, j->good, fd, st.st_size);
		if (!failed && fsync(fd))
			failed = errno;
	}
	struct db_error *error =
		failed ? db_error_io(failed, "%s: writing new database file failed", name) : NULL;
	int old = j->fd;
	if (!error)
		error = rename_new(j, fd, size);
	if (error && j->fd == old) {
		if (fd >= 0)
			close(fd);
		unlink(name);
	}
	free(name);
	return error;
}

struct db_error *journal_replace(struct journal *j, const struct str *records, size_t n)
{
	int failed = journal_write_new(j, records, n);
	if (failed) {
		char *name = new_path(j);
		struct db_error *error =
			db_error_io(failed, "%s: writing new database file failed", name);
		free(name);
		return error;
	}
	return journal_adopt_new(j, j->good);
}

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

enum { SHA1_LEN = 20, HEADER_MAX = 128, JOURNAL_MAX_RECORD = INT32_MAX };

struct journal {
	char *path;
	struct lockfile *lock;
	FILE *file;	// for reading
	int fd;		// the same file
	int64_t good;	// bytes of good records
	int64_t before; // the same before the last record
	int64_t size;	// of the file when it was opened
	bool damaged;	// what follows is not a record
	bool writing;
	bool needs_sync;
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
	int flags = mode == JOURNAL_READ_ONLY ? O_RDONLY : mode == JOURNAL_CREATE ? O_RDWR | O_CREAT | O_EXCL : O_RDWR;
	int fd = open(path, flags | O_CLOEXEC, 0660);
	struct stat st;
	if (fd < 0 || fstat(fd, &st)) {
		int error = errno;
		if (fd >= 0)
			close(fd);
		lockfile_unlock(lock);
		return db_error_io(error, "%s: %s failed", path, mode == JOURNAL_CREATE ? "create" : "open");
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

static struct db_error *parse_header(const struct journal *j, const char *line, size_t *n, char *sha1)
{
	unsigned long length;
	char magic[16];
	int end = 0;
	if (!j->good && strncmp(line, "OVSDB ", 6))
		return db_error_new("ovsdb error", "%s: unexpected file format", j->path);
	if (sscanf(line, "OVSDB %15s %lu %40[0-9a-f]%n", magic, &length, sha1, &end) != 3 ||
	    strlen(sha1) != 2 * SHA1_LEN || line[end] != '\n')
		return db_error_syntax(NULL, NULL, "%s: parse error at offset %lld in header line \"%.*s\"", j->path,
				       (long long)j->good, (int)strcspn(line, "\n"), line);
	if (!strcmp(magic, "CLUSTER"))
		return db_error_new("ovsdb error", "%s: cannot apply this operation to clustered database file", j->path);
	if (strcmp(magic, "JSON"))
		return db_error_new("ovsdb error", "%s: bad magic (unexpected kind of file)", j->path);
	*n = length;
	return NULL;
}

static struct db_error *read_data(struct journal *j, size_t n, const char *sha1, char *data, int64_t at)
{
	char actual[2 * SHA1_LEN + 1];
	if (fread(data, 1, n, j->file) != n)
		return db_error_io(ferror(j->file) ? errno : EOF, "%s: error reading %zu bytes starting at offset %lld",
				   j->path, n, (long long)at);
	journal_checksum(data, n, actual);
	if (strcmp(actual, sha1))
		return db_error_syntax(NULL, NULL,
				       "%s: %zu bytes starting at offset %lld have SHA-1 hash %s but should have hash %s",
				       j->path, n, (long long)at, actual, sha1);
	return NULL;
}

static struct db_error *read_record(struct journal *j, json_t **out)
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
	if (fstat(j->fd, &st) || (S_ISREG(st.st_mode) && (uint64_t)n > (uint64_t)st.st_size) || n > JOURNAL_MAX_RECORD)
		return db_error_io(EOF, "%s: error reading %zu bytes starting at offset %lld", j->path, n,
				   (long long)at);
	char *data = xmalloc(n + 1);
	error = read_data(j, n, sha1, data, at);
	if (!error) {
		json_error_t why;
		*out = json_loadb(data, n, 0, &why);
		if (!*out)
			error = db_error_syntax(NULL, NULL,
						"%s: %zu bytes starting at offset %lld are not valid JSON (line %d, "
						"column %d: %s)",
						j->path, n, (long long)at, why.line, why.column, why.text);
	}
	free(data);
	if (!error) {
		j->before = j->good;
		j->good = at + (int64_t)n;
	}
	return error;
}

struct db_error *journal_read(struct journal *j, json_t **out)
{
	*out = NULL;
	assert(!j->writing);
	if (j->damaged)
		return NULL;
	struct db_error *error = read_record(j, out);
	if (error)
		j->damaged = true;
	return error;
}

void journal_reject(struct journal *j)
{
	j->good = j->before;
	j->damaged = true;
}

// --- The end of what is good.

// A crash leaves the beginning of one record. Anything else behind the last good record is damage that somebody may want to see.
static bool is_torn_end(const struct journal *j, const char *rest, size_t n)
{
	static const char start[] = "OVSDB JSON ";
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
	if (sscanf(rest, "OVSDB JSON %lu %40[0-9a-f]%n", &length, sha1, &end) != 2 || rest[end] != '\n')
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
	if (!error && !is_torn_end(j, rest, n))
		error = save_rest(j, rest, n, saved);
	if (!error && ftruncate(j->fd, j->good))
		error = db_error_io(errno, "%s: truncate failed", j->path);
	free(rest);
	return error;
}

// --- Writing.

void journal_format(struct str *out, const char *text, size_t n)
{
	char sha1[2 * SHA1_LEN + 1];
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char digest[SHA1_LEN];
	EVP_DigestInit_ex(context, EVP_sha1(), NULL);
	EVP_DigestUpdate(context, text, n);
	EVP_DigestUpdate(context, "\n", 1);
	EVP_DigestFinal_ex(context, digest, NULL);
	EVP_MD_CTX_free(context);
	for (int i = 0; i < SHA1_LEN; i++)
		sprintf(sha1 + 2 * i, "%02x", digest[i]);
	str_addf(out, "OVSDB JSON %zu %s\n", n + 1, sha1);
	str_addn(out, text, n);
	str_addc(out, '\n');
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

struct db_error *journal_append(struct journal *j, const char *text, size_t n)
{
	struct str record = STR_INIT;
	assert(j->writing);
	journal_format(&record, text, n);
	int failed = write_all(j->fd, record.s, record.len, j->good);
	struct db_error *error = NULL;
	if (failed) {
		error = db_error_io(failed, "%s: write failed", j->path);
		// What was written of it would be cut at the next start, too; this only saves the space.
		if (ftruncate(j->fd, j->good) < 0)
			error = db_error_wrap(error, "%s: truncate failed", j->path);
	} else {
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
	if (fsync(j->fd))
		return db_error_io(errno, "%s: fsync failed", j->path);
	j->needs_sync = false;
	return NULL;
}

// Writes all records to a new file; its descriptor, or a negative errno.
static int write_new(const char *path, mode_t mode, const struct str *records, size_t n, int64_t *size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int error = 0;
	*size = 0;
	if (fd < 0)
		return -errno;
	for (size_t i = 0; i < n && !error; i++) {
		struct str record = STR_INIT;
		journal_format(&record, str_cstr(&records[i]), records[i].len);
		error = write_all(fd, record.s, record.len, *size);
		*size += (int64_t)record.len;
		str_done(&record);
	}
	if (!error && (fchmod(fd, mode) || fsync(fd)))
		error = errno;
	if (!error)
		return fd;
	close(fd);
	unlink(path);
	return -error;
}

struct db_error *journal_replace(struct journal *j, const struct str *records, size_t n)
{
	char *real = realpath(j->path, NULL); // a symbolic link stays one
	char *target = real ? real : xstrdup(j->path);
	char *name = xasprintf("%s.tmp", target);
	struct stat st = {.st_mode = 0640};
	int64_t size;
	struct db_error *error = NULL;
	(void)fstat(j->fd, &st);
	int fd = write_new(name, st.st_mode & 0777, records, n, &size);
	if (fd < 0) {
		error = db_error_io(fd, "%s: writing new database file failed", name);
	} else if (fchown(fd, st.st_uid, st.st_gid) && errno != EPERM) {
		error = db_error_io(errno, "%s: changing owner failed", name);
	} else if (rename(name, target)) {
		error = db_error_io(errno, "failed to rename \"%s\" to \"%s\"", name, target);
	}
	if (error) {
		if (fd >= 0) {
			close(fd);
			unlink(name);
		}
	} else {
		fclose(j->file);
		j->fd = fd;
		j->file = fdopen(fd, "r+");
		j->good = j->size = size;
		j->writing = true;
		j->needs_sync = false;
		error = sync_directory(target);
	}
	free(name);
	free(target);
	return error;
}

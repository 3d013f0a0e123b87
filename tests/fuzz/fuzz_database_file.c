/* SPDX-License-Identifier: Apache-2.0 */
// A database file. With an odd first byte the rest is the file as it stands; else its lines are the
// records, and the fuzzer is spared finding their checksums. Opened once for reading and once for
// writing, which must leave a file without damage. What can be salvaged of it must be a file
// without damage, too.
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dbserver/database.h"
#include "dbserver/salvage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_file(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
}

static void format_lines(struct str *out, const char *data, size_t size)
{
	while (size) {
		const char *newline = memchr(data, '\n', size);
		size_t n = newline ? (size_t)(newline - data) : size;
		journal_format(out, data, n);
		data += n + !!newline;
		size -= n + !!newline;
	}
}

// True if it could be opened; *clean tells that nothing had to be cut off.
static bool open_once(const char *path, bool writable, bool *clean)
{
	struct database *d = NULL;
	char *warning = NULL;
	struct db_error *error = database_open(path, writable, &d, &warning);
	bool ok = !error;
	*clean = ok && !warning;
	if (ok && writable) {
		struct db_error *failed = database_compact(d, "fuzz");
		if (failed)
			abort();
	}
	db_error_free(error);
	free(warning);
	if (ok)
		database_free(d);
	return ok;
}

static void salvage(const char *path, const char *data, size_t size)
{
	struct salvage s;
	struct str good = STR_INIT;
	bool clean;
	salvage_init(&s, data, size);
	struct db_error *error = salvage_replay(&s, NULL);
	VEC_FOREACH (&s.pieces, i)
		if (!s.pieces.v[i].why)
			str_addn(&good, data + s.pieces.v[i].at, s.pieces.v[i].size);
	if (!error) {
		write_file(path, str_cstr(&good), good.len);
		if (!open_once(path, false, &clean) || !clean)
			abort();
	}
	db_error_free(error);
	str_done(&good);
	salvage_done(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char dir[] = "/dev/shm/sluice-fuzz.XXXXXX";
	static char path[64], damaged[80];
	if (!path[0]) {
		if (!mkdtemp(dir))
			abort();
		snprintf(path, sizeof(path), "%s/db", dir);
		snprintf(damaged, sizeof(damaged), "%s.damaged", path);
	}
	if (!size)
		return 0;
	struct str file = {0};
	if (data[0] & 1)
		str_addn(&file, (const char *)data + 1, size - 1);
	else
		format_lines(&file, (const char *)data + 1, size - 1);
	salvage(path, str_cstr(&file), file.len);
	write_file(path, str_cstr(&file), file.len);
	str_done(&file);
	bool clean;
	open_once(path, false, &clean);
	if (open_once(path, true, &clean) && (!open_once(path, true, &clean) || !clean))
		abort();
	unlink(damaged);
	return 0;
}

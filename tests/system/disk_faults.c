/* SPDX-License-Identifier: Apache-2.0 */
// Preloaded into a program under test: its N-th operation on files whose path begins with
// FAULT_PREFIX goes wrong.
//
//	FAULT_KIND=kill    half of a write is done, then the process is killed (before other
//operations) 	FAULT_KIND=full    from then on writes are done by half and say that the disk is full,
//while there is no file FAULT_CURE 	FAULT_KIND=lost    from then on fsync says that data was lost,
//while there is no file FAULT_CURE
//
// Children count with their parent. Each fsync that went well notes the size of the file in
// FAULT_NOTES, so that a test can take away what a power cut would. FAULT_STRUCK is made by who is
// killed.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static _Atomic int *count;
static int at;
static const char *prefix, *kind, *cure, *notes;

__attribute__((constructor)) static void init(void)
{
	count = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	prefix = getenv("FAULT_PREFIX");
	kind = getenv("FAULT_KIND");
	cure = getenv("FAULT_CURE");
	notes = getenv("FAULT_NOTES");
	at = atoi(getenv("FAULT_AT"));
}

static bool is_ours(int fd)
{
	char link[64], path[PATH_MAX];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	return n > 0 && !strncmp(path, prefix, strlen(prefix));
}

// This operation is to go wrong: 1 for the first time, 2 later; 0: not.
static int strikes(void)
{
	int now = ++*count;
	if (now < at || (cure && !access(cure, F_OK)))
		return 0;
	return now == at ? 1 : 2;
}

static bool is(const char *what)
{
	return !strcmp(kind, what);
}

static void die(void)
{
	close(open(getenv("FAULT_STRUCK"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	kill(getpid(), SIGKILL);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t offset)
{
	ssize_t (*real)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
	int strike = is_ours(fd) ? strikes() : 0;
	if (strike == 1 && is("kill")) {
		(void)!real(fd, p, n / 2, offset);
		die();
	}
	if (strike && is("full")) {
		(void)!real(fd, p, n / 2, offset);
		errno = ENOSPC;
		return -1;
	}
	return real(fd, p, n, offset);
}

static void note(int fd)
{
	struct stat st;
	char text[96];
	int out = open(notes, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	fstat(fd, &st);
	int n = snprintf(text, sizeof(text), "%llu %llu\n", (unsigned long long)st.st_ino,
			 (unsigned long long)st.st_size);
	(void)!write(out, text, (size_t)n);
	close(out);
}

int fsync(int fd)
{
	int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
	int strike = is_ours(fd) ? strikes() : 0;
	if (strike == 1 && is("kill"))
		die();
	if (strike && is("lost")) {
		errno = EIO;
		return -1;
	}
	if (is_ours(fd))
		note(fd);
	return real(fd);
}

int ftruncate64(int fd, off64_t size)
{
	int (*real)(int, off64_t) = dlsym(RTLD_NEXT, "ftruncate64");
	if (is_ours(fd) && strikes() == 1 && is("kill"))
		die();
	return real(fd, size);
}

int rename(const char *from, const char *to)
{
	int (*real)(const char *, const char *) = dlsym(RTLD_NEXT, "rename");
	if (!strncmp(from, prefix, strlen(prefix)) && strikes() == 1 && is("kill"))
		die();
	return real(from, to);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/lockfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

struct lockfile {
	struct lockfile *next;
	dev_t dev;
	ino_t ino;
	int fd;
};

// Closing any descriptor of a file drops all record locks that the process has on it, so a second
// lock of the same file must be refused before it is opened: these are the locks of this process.
static struct lockfile *held;

char *lockfile_name(const char *path)
{
	char *real = realpath(path, NULL);
	const char *file = real ? real : path;
	const char *slash = strrchr(file, '/');
	int n = slash ? (int)(slash + 1 - file) : 0;
	char *name = xasprintf("%.*s.%s.~lock~", n, file, file + n);
	free(real);
	return name;
}

int lockfile_lock(const char *path, struct lockfile **out)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char *name = lockfile_name(path);
	struct stat st;
	int error = 0, fd = -1;
	*out = NULL;
	if (!stat(name, &st))
		for (struct lockfile *l = held; l; l = l->next)
			if (l->dev == st.st_dev && l->ino == st.st_ino)
				error = EDEADLK;
	if (!error) {
		fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0 || fstat(fd, &st) || fcntl(fd, F_SETLK, &lock))
			error = errno == EACCES && fd >= 0 ? EAGAIN : errno;
	}
	free(name);
	if (error) {
		if (fd >= 0)
			close(fd);
		return error;
	}
	struct lockfile *l = XNEW(struct lockfile);
	*l = (struct lockfile){.next = held, .dev = st.st_dev, .ino = st.st_ino, .fd = fd};
	held = l;
	*out = l;
	return 0;
}

void lockfile_unlock(struct lockfile *l)
{
	if (!l)
		return;
	struct lockfile **p = &held;
	while (*p != l)
		p = &(*p)->next;
	*p = l->next;
	close(l->fd);
	free(l);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/dirs.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

static const char *from_environment(const char *variable, const char *fallback)
{
	const char *value = getenv(variable);
	return value && *value ? value : fallback;
}

const char *dir_run(void)
{
	return from_environment("OVS_RUNDIR", "/var/run/openvswitch");
}

const char *dir_log(void)
{
	return from_environment("OVS_LOGDIR", "/var/log/openvswitch");
}

const char *dir_sysconf(void)
{
	return from_environment("OVS_SYSCONFDIR", "/etc");
}

const char *dir_db(void)
{
	static char *joined;
	if (getenv("OVS_DBDIR") && *getenv("OVS_DBDIR"))
		return getenv("OVS_DBDIR");
	if (!joined)
		joined = xasprintf("%s/openvswitch", dir_sysconf());
	return joined;
}

// Beside the programs, so that a build tree or any prefix is a complete installation:
// BINDIR/../share/openvswitch.
static char *beside_program(void)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (n <= 0)
		return NULL;
	exe[n] = '\0';
	for (int up = 0; up < 2; up++) {
		char *slash = strrchr(exe, '/');
		if (!slash)
			return NULL;
		*slash = '\0';
	}
	char *dir = xasprintf("%s/share/openvswitch", exe);
	if (!access(dir, X_OK))
		return dir;
	free(dir);
	return NULL;
}

const char *dir_pkgdata(void)
{
	static char *found;
	if (!found)
		found = beside_program();
	return from_environment("OVS_PKGDATADIR", found ? found : "/usr/share/openvswitch");
}

char *dir_resolve(const char *dir, const char *path)
{
	return path[0] == '/' ? xstrdup(path) : xasprintf("%s/%s", dir, path);
}

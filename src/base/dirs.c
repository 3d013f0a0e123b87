/* SPDX-License-Identifier: Apache-2.0 */
#include "base/dirs.h"

#include <stdlib.h>

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

const char *dir_pkgdata(void)
{
	return from_environment("OVS_PKGDATADIR", "/usr/share/openvswitch");
}

char *dir_resolve(const char *dir, const char *path)
{
	return path[0] == '/' ? xstrdup(path) : xasprintf("%s/%s", dir, path);
}

/* SPDX-License-Identifier: Apache-2.0 */
// The row of Open_vSwitch: settings of the whole switch, versions and capabilities, and statistics
// of the host.
#include <dirent.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/dirs.h"
#include "base/log.h"
#include "base/str.h"
#include "base/version.h"
#include "dp/dp.h"
#include "netdev/dpdk.h"
#include "netdev/vhost.h"
#include "ofproto/backer.h"
#include "vswitchd/model.h"

LOG_MODULE(dpdk);

// Levels are syslog's, and one more than those.
static void log_line(int level, const char *line)
{
	if (level <= 4)
		log_err("%s", line);
	else if (level == 5)
		log_warn("%s", line);
	else if (level < 8)
		log_info("%s", line);
	else
		log_dbg("%s", line);
}

static void start_dpdk(struct vswitchd *v)
{
	dpdk_log_to(log_line);
	const struct smap *other = &v->cfg->other_config;
	const char *init = smap_get(other, "dpdk-init", "false");
	const struct dpdk_settings s = {
		.init = !strcmp(init, "true") || !strcmp(init, "try"),
		.lcore_mask = smap_find(other, "dpdk-lcore-mask"),
		.socket_mem = smap_find(other, "dpdk-socket-mem"),
		.socket_limit = smap_find(other, "dpdk-socket-limit"),
		.hugepage_dir = smap_find(other, "dpdk-hugepage-dir"),
		.alloc_mem = smap_find(other, "dpdk-alloc-mem"),
		.extra = smap_find(other, "dpdk-extra"),
	};
	char *warning;
	bool before = dpdk_is_initialized();
	struct error *e = dpdk_start(&s, &warning);
	if (warning)
		log_warn("%s", warning);
	free(warning);
	if (e)
		log_err("DPDK does not start: %s", error_text(e));
	else if (!before && dpdk_is_initialized())
		log_info("DPDK Enabled - initialized, %s, %s hugepages", dpdk_version_text(),
			 dpdk_has_hugepages() ? "with" : "without");
	error_free(e);
}

static void configure_vhost(struct vswitchd *v)
{
	const struct smap *other = &v->cfg->other_config;
	const char *dir = smap_find(other, "vhost-sock-dir");
	if (dir && (*dir == '/' || strstr(dir, ".."))) {
		settings_warn(v,
			      "Open_vSwitch: other_config:vhost-sock-dir=\"%s\" is ignored: it "
			      "should be a directory below %s, without \"..\"",
			      dir, dir_run());
		dir = NULL;
	}
	char *path = dir_resolve(dir_run(), dir ? dir : "");
	if (dir && access(path, F_OK))
		settings_warn(v,
			      "Open_vSwitch: other_config:vhost-sock-dir=\"%s\": %s does not "
			      "exist: ports of type dpdkvhostuser need it",
			      dir, path);
	free(path);
	const struct vhost_settings s = {
		.sock_dir = dir,
		.iommu = smap_get_bool(other, "vhost-iommu-support", false),
		.postcopy = smap_get_bool(other, "vhost-postcopy-support", false),
		.no_tso = !smap_get_bool(other, "userspace-tso-enable", true),
	};
	unsigned int late = vhost_configure(&s);
	if (late)
		log_info("userspace-tso-enable=%s: %u guests that are connected go on as they are, "
			 "until they connect anew",
			 s.no_tso ? "false" : "true", late);
}

void system_apply_options(struct vswitchd *v)
{
	start_dpdk(v);
	configure_vhost(v);
	const struct smap *other = &v->cfg->other_config;
	struct backer_settings s = {
		.max_idle_ms = setting_int("Open_vSwitch", other, "max-idle", 10000),
		.max_revalidator_ms = setting_int("Open_vSwitch", other, "max-revalidator", 500),
		.flow_limit =
			(unsigned int)setting_int("Open_vSwitch", other, "flow-limit", 200000),
		.restoring = smap_get_bool(other, "flow-restore-wait", false),
	};
	polling_settings(v, &s.dp);
	v->restoring = s.restoring;
	backers_configure(ofproto_system_backers(v->system), &s);
	ofproto_system_set_bundle_timeout(
		v->system, 1000 * setting_int("Open_vSwitch", other, "bundle-idle-timeout", 10));
}

// --- Versions and capabilities

// The value of NAME= in /etc/os-release, without quotes. Owned by the caller; NULL: not there.
static char *os_release(const char *name)
{
	FILE *f = fopen("/etc/os-release", "r");
	char line[256], *value = NULL;
	size_t n = strlen(name);
	while (f && !value && fgets(line, sizeof(line), f)) {
		if (strncmp(line, name, n) || line[n] != '=')
			continue;
		char *p = line + n + 1;
		p[strcspn(p, "\n")] = '\0';
		if (*p == '"') {
			p++;
			p[strcspn(p, "\"")] = '\0';
		}
		value = xstrdup(p);
	}
	if (f)
		fclose(f);
	return value;
}

static size_t count_strings(const char *const *v)
{
	size_t n = 0;
	while (v[n])
		n++;
	return n;
}

void system_write(struct vswitchd *v, struct dbtxn *txn)
{
	const struct db_open_vswitch *cfg = v->cfg;
	const char *const *dp = dp_types(), *const *iface = netdev_types();
	db_open_vswitch_set_ovs_version(txn, cfg, OVS_COMPAT_VERSION);
	db_open_vswitch_set_db_version(txn, cfg, OVS_DB_SCHEMA_VERSION);
	db_open_vswitch_set_datapath_types(txn, cfg, dp, count_strings(dp));
	db_open_vswitch_set_iface_types(txn, cfg, iface, count_strings(iface));
	db_open_vswitch_set_dpdk_initialized(txn, cfg, dpdk_is_initialized());
	db_open_vswitch_set_dpdk_version(txn, cfg,
					 dpdk_is_initialized() ? dpdk_version_text() : "none");
	// Somebody (ovs-ctl) may have said it better.
	if (cfg->system_type && cfg->system_version)
		return;
	char *type = os_release("ID"), *version = os_release("VERSION_ID");
	if (!cfg->system_type)
		db_open_vswitch_set_system_type(txn, cfg, type ? type : "unknown");
	if (!cfg->system_version)
		db_open_vswitch_set_system_version(txn, cfg, version ? version : "unknown");
	free(type);
	free(version);
}

// --- Statistics of the host

static void add_memory(struct smap *s)
{
	FILE *f = fopen("/proc/meminfo", "r");
	if (!f)
		return;
	static const char *const names[] = {"MemTotal", "MemFree",   "Buffers",
					    "Cached",	"SwapTotal", "SwapFree"};
	enum { TOTAL, FREE, BUFFERS, CACHED, SWAP_TOTAL, SWAP_FREE, N };
	long long values[N] = {0};
	char line[128], name[64];
	long long value;
	while (fgets(line, sizeof(line), f))
		for (int i = 0; i < N; i++)
			if (sscanf(line, "%63[^:]: %lld", name, &value) == 2 &&
			    !strcmp(name, names[i]))
				values[i] = value;
	fclose(f);
	smap_setf(s, "memory", "%lld,%lld,%lld,%lld,%lld", values[TOTAL],
		  values[TOTAL] - values[FREE], values[BUFFERS] + values[CACHED],
		  values[SWAP_TOTAL], values[SWAP_TOTAL] - values[SWAP_FREE]);
}

// Of the process: sizes in kB, milliseconds of CPU time, and since its start. False: it is gone.
static bool read_process(long pid, long long *vsz, long long *rss, long long *cpu, long long *age)
{
	char path[64], text[1024];
	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
	if (f)
		fclose(f);
	text[n] = '\0';
	const char *p = strrchr(text, ')'); // the name before it may hold anything
	unsigned long long user, kernel, start, size;
	long long pages;
	if (!p || sscanf(p + 1,
			 " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d "
			 "%*d %*d %llu %llu %lld",
			 &user, &kernel, &start, &size, &pages) != 5)
		return false;
	double up = 0;
	f = fopen("/proc/uptime", "r");
	if (!f || fscanf(f, "%lf", &up) != 1)
		up = 0;
	if (f)
		fclose(f);
	long hz = sysconf(_SC_CLK_TCK);
	*vsz = (long long)(size / 1024);
	*rss = pages * (sysconf(_SC_PAGESIZE) / 1024);
	*cpu = (long long)(user + kernel) * 1000 / hz;
	*age = (long long)(up * 1000) - (long long)start * 1000 / hz;
	return true;
}

// The daemons are those that have a pidfile in the run directory.
static void add_processes(struct smap *s)
{
	DIR *dir = opendir(dir_run());
	if (!dir)
		return;
	for (const struct dirent *d; (d = readdir(dir));) {
		size_t n = strlen(d->d_name);
		if (n < 5 || strcmp(d->d_name + n - 4, ".pid"))
			continue;
		char *path = xasprintf("%s/%s", dir_run(), d->d_name),
		     *key = xasprintf("process_%.*s", (int)n - 4, d->d_name);
		FILE *f = fopen(path, "r");
		long pid;
		long long vsz, rss, cpu, age;
		if (f && fscanf(f, "%ld", &pid) == 1 && read_process(pid, &vsz, &rss, &cpu, &age))
			smap_setf(s, key, "%lld,%lld,%lld,0,%lld,%lld", vsz, rss, cpu, age, age);
		if (f)
			fclose(f);
		free(path);
		free(key);
	}
	closedir(dir);
}

static void add_file_systems(struct smap *s)
{
	FILE *f = setmntent("/proc/mounts", "r");
	struct str text = STR_INIT;
	for (const struct mntent *m; f && (m = getmntent(f));) {
		struct statvfs v;
		// Local disks only: asking another machine could take long.
		if (strncmp(m->mnt_fsname, "/dev/", 5) || hasmntopt(m, "ro") ||
		    statvfs(m->mnt_dir, &v) || !v.f_blocks)
			continue;
		char *name = xstrdup(m->mnt_dir);
		for (char *p = name; *p; p++)
			*p = *p == ' ' || *p == ',' ? '_' : *p;
		str_addf(&text, "%s%s,%llu,%llu", text.len ? " " : "", name,
			 (unsigned long long)v.f_blocks * v.f_frsize / 1024,
			 (unsigned long long)(v.f_blocks - v.f_bfree) * v.f_frsize / 1024);
		free(name);
	}
	if (f)
		endmntent(f);
	if (text.len)
		smap_set(s, "file_systems", str_cstr(&text));
	str_done(&text);
}

void system_write_statistics(struct vswitchd *v, struct dbtxn *txn)
{
	struct smap s = SMAP_INIT;
	if (smap_get_bool(&v->cfg->other_config, "enable-statistics", false)) {
		double load[3];
		smap_setf(&s, "cpu", "%ld", sysconf(_SC_NPROCESSORS_ONLN));
		if (getloadavg(load, 3) == 3)
			smap_setf(&s, "load_average", "%.2f,%.2f,%.2f", load[0], load[1], load[2]);
		add_memory(&s);
		add_processes(&s);
		add_file_systems(&s);
	}
	db_open_vswitch_set_statistics(txn, v->cfg, &s);
	smap_done(&s);
}

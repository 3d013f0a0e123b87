/* SPDX-License-Identifier: Apache-2.0 */
// Where things are: the environment's OVS_RUNDIR, OVS_LOGDIR, OVS_DBDIR, OVS_SYSCONFDIR,
// OVS_PKGDATADIR, else Debian's defaults. Results are borrowed and last as long as the process.
// Main thread only for the first call of each.
#pragma once

const char *dir_run(void);     // /var/run/openvswitch
const char *dir_log(void);     // /var/log/openvswitch
const char *dir_db(void);      // /etc/openvswitch, or OVS_SYSCONFDIR/openvswitch
const char *dir_sysconf(void); // /etc
const char *dir_pkgdata(
	void); // share/openvswitch beside the directory of the program, else /usr/share/openvswitch
// A path relative to `dir` made absolute; absolute ones as they are. Owned by the caller (free()).
char *dir_resolve(const char *dir, const char *path);

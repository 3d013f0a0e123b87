/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log_alias.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

enum { MOST = 3 };
static const struct {
	const char *theirs, *ours[MOST];
} aliases[] = {
	// The process.
	{"daemon_unix", {"daemon"}},
	{"signals", {"fatal_signal"}},
	// Connections.
	{"fail_open", {"rconn"}},
	{"jsonrpc", {"ovsdb_jsonrpc", "ovsdb_jsonrpc_server", "bridge"}},
	{"ovsdb_cs", {"ovsdb_idl", "bridge", "ovsdb_follower"}},
	{"ovsdb_idl", {"bridge"}},
	{"reconnect", {"rconn", "ovsdb_follower"}},
	{"socket_util", {"rconn", "ovsdb_jsonrpc"}},
	{"stream", {"rconn", "ovsdb_jsonrpc"}},
	{"stream_tcp", {"rconn", "ovsdb_jsonrpc"}},
	{"stream_unix", {"rconn", "ovsdb_jsonrpc"}},
	{"vconn_stream", {"vconn"}},
	// Ports.
	{"netdev", {"bridge", "ofport"}},
	{"netdev_dpdk", {"dpdk", "bridge", "ofport"}},
	{"netdev_linux", {"bridge", "ofport"}},
	{"netdev_offload", {"dpif_netdev"}},
	{"netdev_vport", {"bridge", "ofport"}},
	{"tunnel", {"bridge", "ofport"}},
	// The datapath.
	{"dpif", {"dpif_netdev"}},
	{"dpif_netdev_extract", {"dpif_netdev"}},
	{"dpif_netdev_impl", {"dpif_netdev"}},
	{"dpif_netdev_lookup", {"dpif_netdev"}},
	// OpenFlow.
	{"nx_match", {"ofp_match"}},
	{"ofp_flow", {"ofp_match"}},
	{"ofp_util", {"ofp_match", "ofp_msgs"}},
	{"ofproto_dpif", {"ofproto"}},
	{"ofproto_dpif_mirror", {"bridge"}},
	{"ofproto_dpif_rid", {"ofproto_dpif_recirc"}},
	{"ofproto_xlate_cache", {"ofproto_dpif_xlate"}},
	// The database server.
	{"ovsdb_file", {"ovsdb_compaction", "server_database"}},
	{"ovsdb_log", {"ovsdb_compaction"}},
	{"relay", {"ovsdb_follower"}},
	{"storage", {"ovsdb_compaction"}},
};

bool log_alias_stands_for(const char *word, const char *name)
{
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		for (int j = 0; j < MOST && !strcasecmp(aliases[i].theirs, word); j++)
			if (aliases[i].ours[j] && !strcmp(aliases[i].ours[j], name))
				return true;
	return false;
}

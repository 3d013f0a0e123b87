/* SPDX-License-Identifier: Apache-2.0 */
// Commands that say what a datapath, a device or the switch can do: dpctl/cache-get-size, stp/*,
// qos/*, ofproto/list-tunnels.
#include <string.h>

#include "base/str.h"
#include "ofproto/backer_internal.h"
#include "ofproto/ofproto.h"

// Its caches have no sizes that one could set.
bool dpctl_cache_get_size(struct ofproto_system *system, int argc, const char *argv[],
			  struct str *out)
{
	const struct backer *b = dp_command_backer(system, argc > 1 ? argv[1] : NULL, out);
	if (b)
		str_addf(out, "%s@%s:\n", dp_type(b->dp), dp_name(b->dp));
	return b != NULL;
}

bool dpctl_cache_set_size(struct ofproto_system *system, int argc, const char *argv[],
			  struct str *out)
{
	if (dp_command_backer(system, argv[1], out))
		str_add(out,
			"ovs-vswitchd: Setting caches not supported (Operation not supported)");
	return false;
}

// No bridge has a spanning tree (Bridge.stp_enable warns of it): that is what these say, as the
// stock switch does of such bridges.
static bool no_tree(int argc, const char *error, const char *text, struct str *out)
{
	str_add(out, argc > 1 ? error : text);
	return argc == 1;
}

bool stp_show(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	return no_tree(argc, "no such stp object", "", out);
}

bool stp_tcn(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	return no_tree(argc, "no such stp object", "OK", out);
}

bool rstp_show(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	return no_tree(argc, "No such RSTP object", "", out);
}

bool rstp_tcn(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	return no_tree(argc, "No such RSTP object", "OK", out);
}

struct port_search {
	const char *name;
	bool found;
};

static void find_port(void *search_, struct ofproto *p)
{
	struct port_search *search = search_;
	struct ofproto_port_info info;
	search->found |= !ofproto_find_port_by_name(p, search->name, &info);
}

static bool port_exists(struct ofproto_system *system, const char *name, struct str *out)
{
	struct port_search search = {.name = name};
	ofproto_for_each(system, find_port, &search);
	if (!search.found)
		str_add(out, "no such interface");
	return search.found;
}

// No type of device has traffic control yet.
bool qos_show(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	if (!port_exists(system, argv[1], out))
		return false;
	str_addf(out, "QoS not configured on %s\n", argv[1]);
	return true;
}

bool qos_show_types(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	if (!port_exists(system, argv[1], out))
		return false;
	str_addf(out, "No QoS types supported for interface: %s\n", argv[1]);
	return true;
}

bool ofproto_list_tunnels(struct ofproto_system *system, int argc, const char *argv[],
			  struct str *out)
{
	return true; // there are no tunnel ports yet
}

/* SPDX-License-Identifier: Apache-2.0 */
// dpctl/add-dp, del-dp, add-if, set-if, del-if: datapaths and ports that no bridge knows, made by
// hand. What belongs to a bridge is left to the database: taken away here it would come back with
// the next change there, or be missed. And dpif-dummy/change-port-number, for tests of what happens
// when a datapath does that.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "netdev/netdev.h"
#include "ofproto/backer_internal.h"
#include "ofproto/internal.h"
#include "ofproto/ofproto.h"

// --- Errors, as ovs-dpctl(8) prints them.

static bool complain(struct str *out, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *text = xvasprintf(format, args);
	va_end(args);
	str_addf(out, "%sovs-vswitchd: %s", out->len ? "\n" : "", text);
	free(text);
	return false;
}

// Takes the error.
static bool complain_error(struct str *out, const char *what, struct error *e)
{
	complain(out, "%s (%s)", what, error_code(e) ? strerror(error_code(e)) : error_text(e));
	error_free(e);
	return false;
}

// --- "NAME[,KEY=VALUE]..."

struct port_spec {
	char *text;		 // owned: cut into pieces
	const char *name, *type; // type NULL: not said
	uint32_t number;	 // DP_PORT_NONE: not said
	VEC(struct netdev_option) options;
};

static void spec_done(struct port_spec *spec)
{
	free(spec->text);
	vec_done(&spec->options);
}

static int compare_options(const void *a, const void *b)
{
	return strcmp(((const struct netdev_option *)a)->key,
		      ((const struct netdev_option *)b)->key);
}

static bool parse_pair(struct port_spec *spec, const char *key, const char *value, struct str *out)
{
	if (!strcmp(key, "type"))
		spec->type = value;
	else if (strcmp(key, "port_no"))
		vec_push(&spec->options, ((struct netdev_option){key, value}));
	else if (parse_u32(value, 10, &spec->number) || spec->number == DP_PORT_NONE)
		return complain(out, "%s: port_no=%s: a port number is wanted", spec->name, value);
	return true;
}

// False: `out` says what is wrong. Either way spec_done() is due.
static bool parse_spec(const char *text, struct port_spec *spec, struct str *out)
{
	char *save = NULL;
	*spec = (struct port_spec){.text = xstrdup(text), .number = DP_PORT_NONE};
	spec->name = strtok_r(spec->text, ",", &save);
	if (!spec->name)
		return complain(out, "\"%s\": the name of a network device is wanted", text);
	for (char *pair; (pair = strtok_r(NULL, ",", &save));) {
		char *value = strchr(pair, '=');
		if (!value)
			return complain(out, "%s: \"%s\": KEY=VALUE is wanted", spec->name, pair);
		*value++ = '\0';
		if (!parse_pair(spec, pair, value, out))
			return false;
	}
	if (spec->options.n)
		qsort(spec->options.v, spec->options.n, sizeof(spec->options.v[0]),
		      compare_options);
	return true;
}

// --- Ports by hand.

static struct by_hand *find_by_hand(struct backer *b, const char *name)
{
	VEC_FOREACH (&b->by_hand, i)
		if (!strcmp(b->by_hand.v[i]->name, name))
			return b->by_hand.v[i];
	return NULL;
}

static void forget_by_hand(struct backer *b, struct by_hand *h)
{
	VEC_FOREACH (&b->by_hand, i)
		if (b->by_hand.v[i] == h) {
			vec_remove(&b->by_hand, i);
			break;
		}
	by_hand_free(h);
}

// Adds, replaces or (an empty value) takes away.
static void change_option(struct by_hand *h, const char *key, const char *value)
{
	size_t i = 0;
	while (i < h->options.n && strcmp(h->options.v[i].key, key))
		i++;
	if (i < h->options.n) {
		free((char *)(uintptr_t)h->options.v[i].key);
		free((char *)(uintptr_t)h->options.v[i].value);
		vec_remove(&h->options, i);
	}
	if (*value)
		vec_push(&h->options, ((struct netdev_option){xstrdup(key), xstrdup(value)}));
	if (h->options.n)
		qsort(h->options.v, h->options.n, sizeof(h->options.v[0]), compare_options);
}

static void ignore(void *arg, const char *text)
{
	(void)arg;
	(void)text; // a key that its type does not know, which says so where it matters
}

static struct error *apply_options(struct netdev *dev, const struct by_hand *h)
{
	return netdev_set_options(dev,
				  (struct netdev_options){h->options.v, (unsigned int)h->options.n},
				  ignore, NULL);
}

static bool add_port(struct backer *b, const struct port_spec *spec, struct str *out)
{
	struct netdev *dev;
	char *what = xasprintf("%s: failed to open network device", spec->name);
	struct error *e =
		netdev_open(b->backers->loop, spec->name, spec->type ? spec->type : "system", &dev);
	if (e) {
		complain_error(out, what, e);
		free(what);
		return false;
	}
	free(what);
	struct by_hand *h = XNEW(struct by_hand);
	uint32_t number = spec->number;
	h->name = xstrdup(spec->name);
	VEC_FOREACH (&spec->options, i)
		change_option(h, spec->options.v[i].key, spec->options.v[i].value);
	what = xasprintf("adding %s to %s@%s failed", spec->name, b->type, dp_name(b->dp));
	e = apply_options(dev, h);
	if (!e)
		e = backer_port_add(b, dev, &number);
	netdev_unref(dev); // the datapath has its own
	bool ok = !e;
	if (ok)
		vec_push(&b->by_hand, h);
	else
		by_hand_free(h);
	if (e)
		complain_error(out, what, e);
	free(what);
	return ok;
}

struct owner_search {
	const struct backer *backer;
	uint32_t port;
	const char *bridge;
};

static void match_owner(void *search_, struct ofproto *p)
{
	struct owner_search *search = search_;
	if (p->backer != search->backer)
		return;
	VEC_FOREACH (&p->ports, i)
		if (p->ports.v[i]->dp_port == search->port)
			search->bridge = p->name;
}

// The bridge whose port it is; NULL: nobody's.
static const char *owner(struct ofproto_system *system, const struct backer *b, uint32_t port)
{
	struct owner_search search = {.backer = b, .port = port};
	ofproto_for_each(system, match_owner, &search);
	return search.bridge;
}

static void match_number(void *info_, const struct dp_port_info *info)
{
	struct dp_port_info *wanted = info_;
	if (info->port == wanted->port)
		*wanted = *info;
}

// By its name, or by its number.
static bool find_port(const struct backer *b, const char *text, struct dp_port_info *info)
{
	*info = (struct dp_port_info){.port = DP_PORT_NONE};
	if (parse_u32(text, 10, &info->port))
		return !dp_port_find(b->dp, text, info);
	dp_port_dump(b->dp, match_number, info);
	return info->name;
}

static bool del_port(struct ofproto_system *system, struct backer *b, const char *text,
		     struct str *out)
{
	struct dp_port_info info;
	uint32_t number;
	const char *at = dp_name(b->dp);
	if (!find_port(b, text, &info))
		return parse_u32(text, 10, &number)
			       ? complain(out, "no port named %s", text)
			       : complain(out, "deleting port %s from %s@%s failed (%s)", text,
					  b->type, at, strerror(ENODEV));
	const char *bridge = owner(system, b, info.port);
	if (bridge)
		return complain(out,
				"deleting port %s from %s@%s failed: it belongs to bridge %s, see "
				"ovs-vsctl del-port",
				text, b->type, at, bridge);
	struct by_hand *h = find_by_hand(b, info.name);
	if (!h)
		return complain(out, "deleting port %s from %s@%s failed (%s)", text, b->type, at,
				strerror(EINVAL));
	backer_port_del(b, info.port);
	forget_by_hand(b, h);
	return true;
}

static bool set_port(struct ofproto_system *system, struct backer *b, const struct port_spec *spec,
		     struct str *out)
{
	struct dp_port_info info;
	if (dp_port_find(b->dp, spec->name, &info))
		return complain(out, "%s: failed to query port in %s@%s (%s)", spec->name, b->type,
				dp_name(b->dp), strerror(ENODEV));
	if (spec->type && strcmp(spec->type, info.type))
		return complain(out, "%s: can't change type from %s to %s", spec->name, info.type,
				spec->type);
	if (spec->number != DP_PORT_NONE && spec->number != info.port)
		return complain(out, "%s: can't change port number from %u to %u", spec->name,
				info.port, spec->number);
	struct by_hand *h = find_by_hand(b, spec->name);
	if (!h && spec->options.n) {
		const char *bridge = owner(system, b, info.port);
		return complain(out,
				"%s: failed to set options: it belongs to %s %s, see ovs-vsctl set "
				"interface",
				spec->name, bridge ? "bridge" : "datapath",
				bridge ? bridge : dp_name(b->dp));
	}
	if (!h)
		return true;
	VEC_FOREACH (&spec->options, i)
		change_option(h, spec->options.v[i].key, spec->options.v[i].value);
	struct error *e = apply_options(info.netdev, h);
	char *what = xasprintf("%s: failed to reconfigure network device", spec->name);
	bool ok = !e || complain_error(out, what, e);
	free(what);
	if (ok && netdev_wants_restart(info.netdev))
		error_free(dp_port_reconfigure(b->dp, info.port));
	return ok;
}

// --- Commands.

static struct backer *open_datapath(struct ofproto_system *system, const char *name,
				    struct str *out)
{
	struct str why = STR_INIT;
	struct backer *b = dp_command_backer(system, name, &why);
	str_done(&why);
	if (!b)
		complain(out, "opening datapath (%s)", strerror(ENODEV));
	return b;
}

static bool add_ports(struct backer *b, int argc, const char *argv[], struct str *out)
{
	bool ok = true;
	for (int i = 0; i < argc; i++) {
		struct port_spec spec;
		ok &= parse_spec(argv[i], &spec, out) && add_port(b, &spec, out);
		spec_done(&spec);
	}
	return ok;
}

bool dpctl_add_if(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	struct backer *b = open_datapath(system, argv[1], out);
	return b && add_ports(b, argc - 2, argv + 2, out);
}

bool dpctl_set_if(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	struct backer *b = open_datapath(system, argv[1], out);
	bool ok = b;
	for (int i = 2; b && i < argc; i++) {
		struct port_spec spec;
		ok &= parse_spec(argv[i], &spec, out) && set_port(system, b, &spec, out);
		spec_done(&spec);
	}
	return ok;
}

bool dpctl_del_if(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	struct backer *b = open_datapath(system, argv[1], out);
	bool ok = b;
	for (int i = 2; b && i < argc; i++)
		ok &= del_port(system, b, argv[i], out);
	return ok;
}

// The port that a datapath has from the beginning, as bridges have theirs.
static struct error *add_local_port(struct backer *b)
{
	struct netdev *dev;
	uint32_t number = 0;
	const char *type = !strcmp(b->type, "dummy") ? "dummy-internal" : "internal";
	struct error *e = netdev_open(b->backers->loop, dp_name(b->dp), type, &dev);
	if (e)
		return e;
	e = backer_port_add(b, dev, &number);
	netdev_unref(dev);
	return e;
}

bool dpctl_add_dp(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	struct str none = STR_INIT;
	struct backer *b = dp_command_backer(system, argv[1], &none);
	const char *at = strchr(argv[1], '@');
	char *type = at ? xasprintf("%.*s", (int)(at - argv[1]), argv[1]) : xstrdup("system");
	str_done(&none);
	struct error *e = b ? error_errno(EEXIST, "%s", argv[1])
			    : backer_open_by_hand(ofproto_system_backers(system), type,
						  at ? at + 1 : argv[1], &b);
	free(type);
	if (e)
		return complain_error(out, "add_dp", e);
	e = add_local_port(b);
	if (e) {
		backer_close(b);
		return complain_error(out, "add_dp", e);
	}
	return add_ports(b, argc - 2, argv + 2, out);
}

bool dpctl_del_dp(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	struct backer *b = open_datapath(system, argv[1], out);
	if (!b)
		return false;
	if (!b->is_by_hand)
		return complain(out, "del_dp (%s): bridges use it, see ovs-vsctl del-br",
				strerror(EBUSY));
	backer_close(b);
	return true;
}

// --- dpif-dummy/change-port-number

// Takes the port out of the datapath and puts it in again; the bridge that has it goes on with the
// new number.
static struct error *renumber(struct backer *b, struct netdev *netdev, uint32_t from, uint32_t to)
{
	netdev_ref(netdev);
	backer_port_del(b, from);
	struct error *e = backer_port_add(b, netdev, &to);
	netdev_unref(netdev);
	ofproto_dp_port_changed(b->backers->system, b, from, e ? DP_PORT_NONE : to);
	return e;
}

bool dpif_dummy_change_port_number(struct ofproto_system *system, int argc, const char *argv[],
				   struct str *out)
{
	struct dp_port_info info, other;
	uint32_t number;
	struct backer *b = dp_command_backer(system, argv[1], out);
	const char *why = NULL;
	if (!b || strcmp(b->type, "dummy"))
		why = "unknown datapath or not a dummy";
	else if (dp_port_find(b->dp, argv[2], &info))
		why = "unknown port";
	else if (parse_u32(argv[3], 10, &number) || !number || number >= UINT16_MAX)
		why = "bad port number";
	else if (find_port(b, argv[3], &other))
		why = "port number already in use";
	str_clear(out);
	if (why) {
		str_add(out, why);
		return false;
	}
	struct error *e = renumber(b, info.netdev, info.port, number);
	if (e)
		return complain_error(out, "change-port-number", e);
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/in_band.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "base/vec.h"
#include "netdev/netdev.h"
#include "netdev/next_hop.h"
#include "ofproto/flow_mod.h"
#include "ofproto/internal.h"

LOG_MODULE(in_band);

// One below the other, as scripts know them.
enum {
	FROM_LOCAL_DHCP = 180000,
	TO_LOCAL_ARP,
	FROM_LOCAL_ARP,
	TO_NEXT_HOP_ARP,
	FROM_NEXT_HOP_ARP,
	TO_REMOTE_ARP,
	FROM_REMOTE_ARP,
	TO_REMOTE_TCP,
	FROM_REMOTE_TCP,
};
// How often the neighbours and the local port are looked at: neither tells when it changes.
enum { LOOK_MS = 2000 };

struct wanted {
	int priority;
	char *match; // as ovs-ofctl reads it
};
struct wanted_vec {
	struct wanted *v;
	size_t n, cap;
};

struct remote {
	be32_t ip;
	uint16_t port;
};

struct in_band {
	struct ofproto *ofproto;
	struct loop_timer timer;
	VEC(struct remote) remotes;
	struct wanted_vec rules; // that are in the table
};

static void clear(struct wanted_vec *v)
{
	VEC_FOREACH (v, i)
		free(v->v[i].match);
	vec_clear(v);
}

static bool contains(const struct wanted_vec *v, const struct wanted *w)
{
	VEC_FOREACH (v, i)
		if (v->v[i].priority == w->priority && !strcmp(v->v[i].match, w->match))
			return true;
	return false;
}

static void __attribute__((format(printf, 3, 4)))
want(struct wanted_vec *v, int priority, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	struct wanted w = {priority, xvasprintf(format, args)};
	va_end(args);
	if (contains(v, &w)) // two controllers on one host
		free(w.match);
	else
		vec_push(v, w);
}

#define MAC_FORMAT    "%02x:%02x:%02x:%02x:%02x:%02x"
#define MAC_ARGS(mac) (mac)[0], (mac)[1], (mac)[2], (mac)[3], (mac)[4], (mac)[5]

static void want_local(struct wanted_vec *v, const uint8_t mac[6])
{
	want(v, FROM_LOCAL_DHCP, "udp,in_port=LOCAL,dl_src=" MAC_FORMAT ",tp_src=68,tp_dst=67",
	     MAC_ARGS(mac));
	want(v, TO_LOCAL_ARP, "arp,dl_dst=" MAC_FORMAT ",arp_op=2", MAC_ARGS(mac));
	want(v, FROM_LOCAL_ARP, "arp,dl_src=" MAC_FORMAT ",arp_op=1", MAC_ARGS(mac));
}

static void want_remote(struct wanted_vec *v, const struct remote *remote, int ifindex)
{
	char ip[INET_ADDRSTRLEN];
	uint8_t mac[6];
	inet_ntop(AF_INET, &remote->ip, ip, sizeof(ip));
	if (ifindex && !next_hop_mac(ifindex, remote->ip, mac)) {
		want(v, TO_NEXT_HOP_ARP, "arp,dl_dst=" MAC_FORMAT ",arp_op=2", MAC_ARGS(mac));
		want(v, FROM_NEXT_HOP_ARP, "arp,dl_src=" MAC_FORMAT ",arp_op=1", MAC_ARGS(mac));
	}
	want(v, TO_REMOTE_ARP, "arp,arp_tpa=%s,arp_op=2", ip);
	want(v, FROM_REMOTE_ARP, "arp,arp_spa=%s,arp_op=1", ip);
	want(v, TO_REMOTE_TCP, "tcp,nw_dst=%s,tp_dst=%u", ip, remote->port);
	want(v, FROM_REMOTE_TCP, "tcp,nw_src=%s,tp_src=%u", ip, remote->port);
}

static void apply(const struct in_band *ib, const struct wanted *w, bool add)
{
	struct match match;
	struct error *e = match_parse(&match, w->match, NULL, NULL);
	if (e) {
		log_err("%s: %s: %s", ib->ofproto->name, w->match, error_text(e));
		error_free(e);
		return;
	}
	match_imply_ethernet(&match);
	if (add) {
		flows_add_own(ib->ofproto, &match, w->priority, RULE_IN_BAND);
	} else {
		flows_remove_own(ib->ofproto, &match, w->priority);
	}
}

static void update(void *in_band)
{
	struct in_band *ib = in_band;
	struct wanted_vec now = {0};
	const struct ofport *local = ofport_find(ib->ofproto, OFPP_LOCAL);
	if (ib->remotes.n && local)
		want_local(&now, local->mac);
	VEC_FOREACH (&ib->remotes, i)
		want_remote(&now, &ib->remotes.v[i], local ? netdev_ifindex(local->netdev) : 0);
	bool changed = now.n != ib->rules.n;
	VEC_FOREACH (&ib->rules, i)
		if (!contains(&now, &ib->rules.v[i])) {
			apply(ib, &ib->rules.v[i], false);
			changed = true;
		}
	VEC_FOREACH (&now, i)
		if (!contains(&ib->rules, &now.v[i]))
			apply(ib, &now.v[i], true);
	if (changed)
		flows_changed(ib->ofproto);
	clear(&ib->rules);
	vec_done(&ib->rules);
	ib->rules = now;
	if (ib->remotes.n)
		loop_timer_set_in(&ib->timer, LOOK_MS);
}

struct in_band *in_band_new(struct ofproto *p)
{
	struct in_band *ib = XNEW(struct in_band);
	ib->ofproto = p;
	loop_timer_init(&ib->timer, p->system->loop, update, ib);
	return ib;
}

void in_band_free(struct in_band *ib)
{
	if (!ib)
		return;
	loop_timer_cancel(&ib->timer);
	clear(&ib->rules);
	vec_done(&ib->rules);
	vec_done(&ib->remotes);
	free(ib);
}

static bool parse_peer(const struct ofproto_peer *peer, struct remote *remote)
{
	char host[INET_ADDRSTRLEN];
	const char *s = peer->target;
	if (strncmp(s, "tcp:", 4) && strncmp(s, "ssl:", 4))
		return false;
	size_t n = strcspn(s += 4, ":");
	if (n >= sizeof(host))
		return false;
	memcpy(host, s, n);
	host[n] = '\0';
	char *end = NULL;
	unsigned long port = s[n] ? strtoul(s + n + 1, &end, 10) : peer->default_port;
	remote->port = (uint16_t)port;
	return inet_pton(AF_INET, host, &remote->ip) == 1 && port && port <= UINT16_MAX &&
	       (!end || !*end);
}

void in_band_set_peers(struct in_band *ib, const struct ofproto_peer *peers, unsigned int n)
{
	struct remote remote;
	vec_clear(&ib->remotes);
	for (unsigned int i = 0; i < n; i++)
		if (parse_peer(&peers[i], &remote))
			vec_push(&ib->remotes, remote);
	loop_timer_cancel(&ib->timer);
	update(ib);
}

void in_band_restore(struct in_band *ib)
{
	VEC_FOREACH (&ib->rules, i)
		apply(ib, &ib->rules.v[i], true);
	// A thread that translated while they were not there has made a megaflow that drops.
	if (ib->rules.n)
		flows_changed(ib->ofproto);
}

/* SPDX-License-Identifier: Apache-2.0 */
// A network card that implements rte_flow, in software, for tests: preloaded into ovs-vswitchd it
// takes the place of rte_flow_create() and so on, and looks at what any device of DPDK receives
// before the switch does. It matches patterns and carries out actions by itself, with code that
// shares nothing with the switch.
//
// SOFTWARE_CARD=all: it can do everything; mark: it marks packets, and refuses the rest; old: it
// wants ports by the action PORT_ID; none: refuses. Transmission uses queue 0 in the receiving
// thread: for tests with one polling thread.
#include <pthread.h>
#include <rte_ethdev.h>
#include <rte_flow.h>
#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ITEMS = 8, MAX_ACTIONS = 24, CONF = 64 };

struct rte_flow {
	struct rte_flow *next;
	uint16_t port;
	unsigned int n_items, n_actions;
	struct {
		enum rte_flow_item_type type;
		uint8_t spec[CONF], mask[CONF];
	} item[MAX_ITEMS];
	struct {
		enum rte_flow_action_type type;
		uint8_t conf[CONF];
	} action[MAX_ACTIONS];
	uint64_t packets, bytes;
};

static struct {
	pthread_mutex_t lock;
	struct rte_flow *first;
	bool watched[RTE_MAX_ETHPORTS];
} card = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool is_mode(const char *mode)
{
	const char *now = getenv("SOFTWARE_CARD");
	return !strcmp(now ? now : "all", mode);
}

// --- Matching.

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static bool equal(const uint8_t *frame, const void *spec, const void *mask, size_t n)
{
	const uint8_t *s = spec, *m = mask;
	for (size_t i = 0; i < n; i++)
		if ((frame[i] ^ s[i]) & m[i])
			return false;
	return true;
}

struct place { // where the next item is to be found
	const uint8_t *at, *end;
	uint16_t type; // of the header there, while in front of L3
	uint8_t proto;
};

static bool match_item(enum rte_flow_item_type type, const uint8_t *spec, const uint8_t *mask,
		       struct place *p)
{
	const struct rte_flow_item_eth *eth = (const void *)mask;
	const struct rte_flow_item_ipv6 *ip6 = (const void *)mask;
	const uint8_t *at = p->at;
	switch ((int)type) {
	case RTE_FLOW_ITEM_TYPE_ETH:
		p->at += 14;
		p->type = get16(at + 12);
		return equal(at, spec, mask, 14) &&
		       (!eth->has_vlan || p->type != RTE_ETHER_TYPE_VLAN);
	case RTE_FLOW_ITEM_TYPE_VLAN:
		if (p->type != RTE_ETHER_TYPE_VLAN && p->type != RTE_ETHER_TYPE_QINQ)
			return false;
		p->at += 4;
		p->type = get16(at + 2);
		return equal(at, spec, mask, 4);
	case RTE_FLOW_ITEM_TYPE_IPV4:
		if (p->type != RTE_ETHER_TYPE_IPV4)
			return false;
		p->at += (at[0] & 15) * 4;
		p->proto = at[9];
		return equal(at, spec, mask, sizeof(struct rte_ipv4_hdr));
	case RTE_FLOW_ITEM_TYPE_IPV6:
		if (p->type != RTE_ETHER_TYPE_IPV6)
			return false;
		p->at += 40;
		p->proto = at[6];
		return equal(at, spec, mask, sizeof(struct rte_ipv6_hdr)) &&
		       (!ip6->has_frag_ext || p->proto != 44);
	case RTE_FLOW_ITEM_TYPE_TCP:
		return p->proto == 6 && equal(at, spec, mask, sizeof(struct rte_tcp_hdr));
	case RTE_FLOW_ITEM_TYPE_UDP:
		return p->proto == 17 && equal(at, spec, mask, sizeof(struct rte_udp_hdr));
	case RTE_FLOW_ITEM_TYPE_ICMP:
		return p->proto == 1 && equal(at, spec, mask, sizeof(struct rte_icmp_hdr));
	default:
		return false;
	}
}

static bool matches(const struct rte_flow *f, const struct rte_mbuf *m)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	struct place p = {.at = frame, .end = frame + m->data_len};
	for (unsigned int i = 0; i < f->n_items; i++)
		if (p.at + 20 > p.end ||
		    !match_item(f->item[i].type, f->item[i].spec, f->item[i].mask, &p))
			return false;
	return true;
}

// --- Actions.

static uint8_t *l3_of(struct rte_mbuf *m, uint16_t *type)
{
	uint8_t *p = rte_pktmbuf_mtod(m, uint8_t *) + 12;
	while (get16(p) == RTE_ETHER_TYPE_VLAN)
		p += 4;
	*type = get16(p);
	return p + 2;
}

// Checksums anew, as cards make them.
static void finish_checksums(struct rte_mbuf *m)
{
	uint16_t type;
	uint8_t *l3 = l3_of(m, &type),
		*l4 = l3 + (type == RTE_ETHER_TYPE_IPV4 ? (l3[0] & 15) * 4 : 40);
	uint8_t proto = type == RTE_ETHER_TYPE_IPV4 ? l3[9] : l3[6];
	if (type != RTE_ETHER_TYPE_IPV4 && type != RTE_ETHER_TYPE_IPV6)
		return;
	uint8_t *sum = proto == 6 ? l4 + 16 : proto == 17 ? l4 + 6 : NULL;
	if (sum)
		memset(sum, 0, 2);
	uint16_t value;
	if (type == RTE_ETHER_TYPE_IPV4) {
		struct rte_ipv4_hdr *ip = (void *)l3;
		ip->hdr_checksum = 0;
		ip->hdr_checksum = rte_ipv4_cksum(ip);
		value = rte_ipv4_udptcp_cksum(ip, l4);
	} else {
		value = rte_ipv6_udptcp_cksum((void *)l3, l4);
	}
	if (sum)
		memcpy(sum, &value, 2);
}

static void push_vlan(struct rte_mbuf *m, rte_be16_t tpid)
{
	uint8_t *p = (void *)rte_pktmbuf_prepend(m, 4);
	if (!p)
		return;
	memmove(p, p + 4, 12);
	memcpy(p + 12, &tpid, 2);
	memset(p + 14, 0, 2);
}

static void pop_vlan(struct rte_mbuf *m)
{
	uint8_t *p = rte_pktmbuf_mtod(m, uint8_t *);
	memmove(p + 4, p, 12);
	rte_pktmbuf_adj(m, 4);
}

// False: none that rewrites.
static bool rewrite(struct rte_mbuf *m, enum rte_flow_action_type type, const void *conf)
{
	uint16_t ethertype;
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *), *l3 = l3_of(m, &ethertype);
	bool ip4 = ethertype == RTE_ETHER_TYPE_IPV4;
	uint8_t *l4 = l3 + (ip4 ? (l3[0] & 15) * 4 : 40);
	switch ((int)type) {
	case RTE_FLOW_ACTION_TYPE_SET_MAC_SRC:
		memcpy(frame + 6, conf, 6);
		return true;
	case RTE_FLOW_ACTION_TYPE_SET_MAC_DST:
		memcpy(frame, conf, 6);
		return true;
	case RTE_FLOW_ACTION_TYPE_SET_IPV4_SRC:
		memcpy(l3 + 12, conf, 4);
		return true;
	case RTE_FLOW_ACTION_TYPE_SET_IPV4_DST:
		memcpy(l3 + 16, conf, 4);
		return true;
	case RTE_FLOW_ACTION_TYPE_SET_IPV6_SRC:
		memcpy(l3 + 8, conf, 16);
		return true;
	case RTE_FLOW_ACTION_TYPE_SET_IPV6_DST:
		memcpy(l3 + 24, conf, 16);
		return true;
	case RTE_FLOW_ACTION_TYPE_SET_TTL:
		l3[ip4 ? 8 : 7] = ((const struct rte_flow_action_set_ttl *)conf)->ttl_value;
		return true;
	case RTE_FLOW_ACTION_TYPE_SET_IPV4_DSCP:
		l3[1] = (uint8_t)(((const struct rte_flow_action_set_dscp *)conf)->dscp << 2 |
				  (l3[1] & 3));
		return true;
	case RTE_FLOW_ACTION_TYPE_SET_TP_SRC:
		memcpy(l4, conf, 2);
		return true;
	case RTE_FLOW_ACTION_TYPE_SET_TP_DST:
		memcpy(l4 + 2, conf, 2);
		return true;
	case RTE_FLOW_ACTION_TYPE_OF_PUSH_VLAN:
		push_vlan(m, ((const struct rte_flow_action_of_push_vlan *)conf)->ethertype);
		return true;
	case RTE_FLOW_ACTION_TYPE_OF_POP_VLAN:
		pop_vlan(m);
		return true;
	case RTE_FLOW_ACTION_TYPE_OF_SET_VLAN_VID:
		frame[14] = (uint8_t)((frame[14] & 0xf0) | ((const uint8_t *)conf)[0]);
		frame[15] = ((const uint8_t *)conf)[1];
		return true;
	case RTE_FLOW_ACTION_TYPE_OF_SET_VLAN_PCP:
		frame[14] =
			(uint8_t)((frame[14] & 0x1f) |
				  ((const struct rte_flow_action_of_set_vlan_pcp *)conf)->vlan_pcp
					  << 5);
		return true;
	default:
		return false;
	}
}

static bool is_known(enum rte_flow_action_type type)
{
	switch ((int)type) {
	case RTE_FLOW_ACTION_TYPE_MARK:
	case RTE_FLOW_ACTION_TYPE_RSS:
		return true;
	case RTE_FLOW_ACTION_TYPE_PORT_ID:
		return is_mode("old");
	case RTE_FLOW_ACTION_TYPE_REPRESENTED_PORT:
		return is_mode("all");
	case RTE_FLOW_ACTION_TYPE_COUNT:
	case RTE_FLOW_ACTION_TYPE_DROP:
	case RTE_FLOW_ACTION_TYPE_SET_MAC_SRC:
	case RTE_FLOW_ACTION_TYPE_SET_MAC_DST:
	case RTE_FLOW_ACTION_TYPE_SET_IPV4_SRC:
	case RTE_FLOW_ACTION_TYPE_SET_IPV4_DST:
	case RTE_FLOW_ACTION_TYPE_SET_IPV6_SRC:
	case RTE_FLOW_ACTION_TYPE_SET_IPV6_DST:
	case RTE_FLOW_ACTION_TYPE_SET_TTL:
	case RTE_FLOW_ACTION_TYPE_SET_IPV4_DSCP:
	case RTE_FLOW_ACTION_TYPE_SET_TP_SRC:
	case RTE_FLOW_ACTION_TYPE_SET_TP_DST:
	case RTE_FLOW_ACTION_TYPE_OF_PUSH_VLAN:
	case RTE_FLOW_ACTION_TYPE_OF_POP_VLAN:
	case RTE_FLOW_ACTION_TYPE_OF_SET_VLAN_VID:
	case RTE_FLOW_ACTION_TYPE_OF_SET_VLAN_PCP:
		return is_mode("all") || is_mode("old");
	default:
		return false;
	}
}

// The packet, for the switch; NULL: the card kept it.
static struct rte_mbuf *carry_out(struct rte_flow *f, struct rte_mbuf *m)
{
	bool changed = false;
	f->packets++;
	f->bytes += m->pkt_len;
	for (unsigned int i = 0; i < f->n_actions; i++) {
		const void *conf = f->action[i].conf;
		switch ((int)f->action[i].type) {
		case RTE_FLOW_ACTION_TYPE_MARK:
			m->hash.fdir.hi = ((const struct rte_flow_action_mark *)conf)->id;
			m->ol_flags |= RTE_MBUF_F_RX_FDIR | RTE_MBUF_F_RX_FDIR_ID;
			break;
		case RTE_FLOW_ACTION_TYPE_DROP:
			rte_pktmbuf_free(m);
			return NULL;
		case RTE_FLOW_ACTION_TYPE_REPRESENTED_PORT:
		case RTE_FLOW_ACTION_TYPE_PORT_ID: {
			const struct rte_flow_action_port_id *id = conf;
			const struct rte_flow_action_ethdev *dev = conf;
			bool old = f->action[i].type == RTE_FLOW_ACTION_TYPE_PORT_ID;
			if (changed)
				finish_checksums(m);
			if (rte_eth_tx_burst((uint16_t)(old ? id->id : dev->port_id), 0, &m, 1) !=
			    1)
				rte_pktmbuf_free(m);
			return NULL;
		}
		default:
			changed |= rewrite(m, f->action[i].type, conf);
		}
	}
	return m;
}

static uint16_t received(uint16_t port, uint16_t queue, struct rte_mbuf *packets[], uint16_t n,
			 uint16_t max, void *arg)
{
	uint16_t kept = 0;
	pthread_mutex_lock(&card.lock);
	for (uint16_t i = 0; i < n; i++) {
		struct rte_flow *f = card.first;
		while (f && (f->port != port || !matches(f, packets[i])))
			f = f->next;
		struct rte_mbuf *m = f ? carry_out(f, packets[i]) : packets[i];
		if (m)
			packets[kept++] = m;
	}
	pthread_mutex_unlock(&card.lock);
	return kept;
}

// --- In place of DPDK's functions.

static size_t size_of_item(enum rte_flow_item_type type)
{
	switch ((int)type) {
	case RTE_FLOW_ITEM_TYPE_ETH:
		return sizeof(struct rte_flow_item_eth);
	case RTE_FLOW_ITEM_TYPE_VLAN:
		return sizeof(struct rte_flow_item_vlan);
	case RTE_FLOW_ITEM_TYPE_IPV4:
		return sizeof(struct rte_flow_item_ipv4);
	case RTE_FLOW_ITEM_TYPE_IPV6:
		return sizeof(struct rte_flow_item_ipv6);
	case RTE_FLOW_ITEM_TYPE_TCP:
		return sizeof(struct rte_flow_item_tcp);
	case RTE_FLOW_ITEM_TYPE_UDP:
		return sizeof(struct rte_flow_item_udp);
	case RTE_FLOW_ITEM_TYPE_ICMP:
		return sizeof(struct rte_flow_item_icmp);
	default:
		return 0;
	}
}

static size_t size_of_conf(enum rte_flow_action_type type)
{
	switch ((int)type) {
	case RTE_FLOW_ACTION_TYPE_SET_IPV6_SRC:
	case RTE_FLOW_ACTION_TYPE_SET_IPV6_DST:
		return 16;
	case RTE_FLOW_ACTION_TYPE_SET_MAC_SRC:
	case RTE_FLOW_ACTION_TYPE_SET_MAC_DST:
		return 6;
	case RTE_FLOW_ACTION_TYPE_MARK:
	case RTE_FLOW_ACTION_TYPE_SET_IPV4_SRC:
	case RTE_FLOW_ACTION_TYPE_SET_IPV4_DST:
		return 4;
	case RTE_FLOW_ACTION_TYPE_PORT_ID:
		return sizeof(struct rte_flow_action_port_id);
	case RTE_FLOW_ACTION_TYPE_REPRESENTED_PORT:
	case RTE_FLOW_ACTION_TYPE_SET_TP_SRC:
	case RTE_FLOW_ACTION_TYPE_SET_TP_DST:
	case RTE_FLOW_ACTION_TYPE_OF_PUSH_VLAN:
	case RTE_FLOW_ACTION_TYPE_OF_SET_VLAN_VID:
		return 2;
	case RTE_FLOW_ACTION_TYPE_SET_TTL:
	case RTE_FLOW_ACTION_TYPE_SET_IPV4_DSCP:
	case RTE_FLOW_ACTION_TYPE_OF_SET_VLAN_PCP:
		return 1;
	default:
		return 0;
	}
}

static const char *copy_rule(struct rte_flow *f, const struct rte_flow_item *items,
			     const struct rte_flow_action *actions)
{
	for (; items->type != RTE_FLOW_ITEM_TYPE_END; items++) {
		size_t n = size_of_item(items->type);
		if (!n || f->n_items == MAX_ITEMS)
			return "the card knows no such item";
		f->item[f->n_items].type = items->type;
		memcpy(f->item[f->n_items].spec, items->spec, n);
		memcpy(f->item[f->n_items++].mask, items->mask, n);
	}
	for (; actions->type != RTE_FLOW_ACTION_TYPE_END; actions++) {
		if (!is_known(actions->type) || f->n_actions == MAX_ACTIONS)
			return "the card has no such action";
		f->action[f->n_actions].type = actions->type;
		memcpy(f->action[f->n_actions++].conf, actions->conf, size_of_conf(actions->type));
	}
	return NULL;
}

struct rte_flow *rte_flow_create(uint16_t port, const struct rte_flow_attr *attr,
				 const struct rte_flow_item items[],
				 const struct rte_flow_action actions[],
				 struct rte_flow_error *error)
{
	struct rte_flow *f = calloc(1, sizeof(*f));
	const char *why = is_mode("none") ? "the card has no rules" : copy_rule(f, items, actions);
	if (why) {
		*error = (struct rte_flow_error){.message = why};
		free(f);
		return NULL;
	}
	f->port = port;
	pthread_mutex_lock(&card.lock);
	f->next = card.first;
	card.first = f;
	bool watched = card.watched[port];
	card.watched[port] = true;
	pthread_mutex_unlock(&card.lock);
	struct rte_eth_dev_info info;
	if (!watched && !rte_eth_dev_info_get(port, &info))
		for (uint16_t q = 0; q < info.nb_rx_queues; q++)
			rte_eth_add_rx_callback(port, q, received, NULL);
	return f;
}

int rte_flow_destroy(uint16_t port, struct rte_flow *flow, struct rte_flow_error *error)
{
	pthread_mutex_lock(&card.lock);
	struct rte_flow **at = &card.first;
	while (*at != flow)
		at = &(*at)->next;
	*at = flow->next;
	pthread_mutex_unlock(&card.lock);
	free(flow);
	return 0;
}

int rte_flow_query(uint16_t port, struct rte_flow *flow, const struct rte_flow_action *action,
		   void *data, struct rte_flow_error *error)
{
	struct rte_flow_query_count *count = data;
	pthread_mutex_lock(&card.lock);
	count->hits = flow->packets;
	count->bytes = flow->bytes;
	pthread_mutex_unlock(&card.lock);
	count->hits_set = count->bytes_set = 1;
	return 0;
}

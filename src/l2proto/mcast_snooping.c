/* SPDX-License-Identifier: Apache-2.0 */
// Groups hang in a hash table by (group, VLAN), and in a list in the order in which they were last
// heard of, for eviction. Each has a short list of member ports. Routers are members of a group of
// their own, the one whose address is zeroes: what ages, is flushed and shown is one thing.
#include "l2proto/mcast_snooping.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/alloc.h"
#include "base/vec.h"
#include "l2proto/mcast_message.h"

enum { MAX_MEMBERS = 65536 };

struct member {
	uint32_t port;
	int64_t learned, expires;
};

struct key { // hashed as bytes: no padding
	uint8_t group[16];
	uint16_t vlan;
};
_Static_assert(sizeof(struct key) == 18, "the key has no holes");

struct group {
	struct key key;
	UT_hash_handle hh; // in the order of uthash: heard of longest ago first
	VEC(struct member) members;
};

struct mcast_snooping {
	pthread_rwlock_t lock; // guards all below
	struct mcast_snooping_config config;
	struct group *groups;
	unsigned int n_groups; // without those of routers
};

static const uint8_t routers[16];

static bool is_routers(const struct group *g)
{
	return !memcmp(g->key.group, routers, 16);
}

static void rdlock(const struct mcast_snooping *s)
{
	pthread_rwlock_rdlock(&((struct mcast_snooping *)(uintptr_t)s)->lock);
}

static void wrlock(struct mcast_snooping *s)
{
	pthread_rwlock_wrlock(&s->lock);
}

static void unlock(const struct mcast_snooping *s)
{
	pthread_rwlock_unlock(&((struct mcast_snooping *)(uintptr_t)s)->lock);
}

static struct group *find(const struct mcast_snooping *s, const uint8_t address[16], uint16_t vlan)
{
	struct key key = {.vlan = vlan};
	struct group *g;
	memcpy(key.group, address, 16);
	HASH_FIND(hh, s->groups, &key, sizeof(key), g);
	return g;
}

static void drop(struct mcast_snooping *s, struct group *g)
{
	HASH_DEL(s->groups, g);
	s->n_groups -= !is_routers(g);
	vec_done(&g->members);
	free(g);
}

// Makes room for one more group: the one heard of longest ago goes.
static void evict(struct mcast_snooping *s)
{
	struct group *g, *next;
	HASH_ITER (hh, s->groups, g, next) {
		if (!is_routers(g)) {
			drop(s, g);
			return;
		}
	}
}

static struct group *add(struct mcast_snooping *s, const uint8_t address[16], uint16_t vlan)
{
	struct group *g = XNEW(struct group);
	memcpy(g->key.group, address, 16);
	g->key.vlan = vlan;
	if (!is_routers(g)) {
		while (s->n_groups >= s->config.max_groups)
			evict(s);
		s->n_groups++;
	}
	HASH_ADD(hh, s->groups, key, sizeof(g->key), g);
	return g;
}

static struct member *find_member(struct group *g, uint32_t port)
{
	VEC_FOREACH (&g->members, i)
		if (g->members.v[i].port == port)
			return &g->members.v[i];
	return NULL;
}

// True when it is a new member.
static bool join(struct mcast_snooping *s, const uint8_t address[16], uint16_t vlan, uint32_t port,
		 int64_t now)
{
	struct group *g = find(s, address, vlan);
	if (!g) {
		g = add(s, address, vlan);
	} else { // heard of last
		HASH_DEL(s->groups, g);
		HASH_ADD(hh, s->groups, key, sizeof(g->key), g);
	}
	struct member *m = find_member(g, port);
	bool is_new = !m;
	if (is_new) {
		if (g->members.n >= MAX_MEMBERS)
			return false;
		m = vec_extend(&g->members);
		m->port = port;
	}
	if (!is_new) { // the last of them
		struct member moved = *m;
		vec_remove(&g->members, m - g->members.v);
		m = vec_extend(&g->members);
		*m = moved;
	}
	m->learned = now;
	m->expires = now + (is_routers(g) ? MCAST_ROUTER_AGE_MS : s->config.age_ms);
	return is_new;
}

static bool remove_member(struct mcast_snooping *s, struct group *g, uint32_t port)
{
	VEC_FOREACH (&g->members, i) {
		if (g->members.v[i].port != port)
			continue;
		vec_remove(&g->members, i);
		if (!g->members.n)
			drop(s, g);
		return true;
	}
	return false;
}

struct mcast_snooping *mcast_snooping_new(const struct mcast_snooping_config *config)
{
	struct mcast_snooping *s = XNEW(struct mcast_snooping);
	pthread_rwlock_init(&s->lock, NULL);
	s->config = *config;
	return s;
}

static void clear(struct mcast_snooping *s)
{
	struct group *g, *next;
	HASH_ITER (hh, s->groups, g, next)
		drop(s, g);
}

void mcast_snooping_free(struct mcast_snooping *s)
{
	if (!s)
		return;
	clear(s);
	pthread_rwlock_destroy(&s->lock);
	free(s);
}

void mcast_snooping_configure(struct mcast_snooping *s, const struct mcast_snooping_config *config)
{
	struct group *g, *next;
	wrlock(s);
	HASH_ITER (hh, s->groups, g, next)
		VEC_FOREACH (&g->members, i)
			if (!is_routers(g))
				g->members.v[i].expires = g->members.v[i].learned + config->age_ms;
	s->config = *config;
	while (s->n_groups > config->max_groups)
		evict(s);
	unlock(s);
}

struct learning {
	struct mcast_snooping *s;
	uint16_t vlan;
	uint32_t port;
	int64_t now;
	bool changed;
};

static void learn(void *learning_, enum mcast_event event, const uint8_t address[16])
{
	struct learning *l = learning_;
	struct group *g;
	switch (event) {
	case MCAST_JOIN:
	case MCAST_QUERY: // its group is that of the routers
		l->changed |= join(l->s, address, l->vlan, l->port, l->now);
		break;
	case MCAST_LEAVE:
		g = find(l->s, address, l->vlan);
		l->changed |= g && remove_member(l->s, g, l->port);
		break;
	}
}

bool mcast_snooping_learn(struct mcast_snooping *s, const void *frame, size_t n, uint16_t vlan,
			  uint32_t port, int64_t now)
{
	struct learning l = {.s = s, .vlan = vlan, .port = port, .now = now};
	wrlock(s);
	(void)mcast_message_parse(frame, n, learn, &l);
	unlock(s);
	return l.changed;
}

unsigned int mcast_snooping_members(const struct mcast_snooping *s, const uint8_t address[16],
				    uint16_t vlan, uint32_t *ports, unsigned int max, bool *known)
{
	unsigned int n = 0;
	rdlock(s);
	const struct group *g = find(s, address, vlan);
	*known = g != NULL;
	for (size_t i = 0; g && i < g->members.n && n < max; i++)
		ports[n++] = g->members.v[i].port;
	unlock(s);
	return n;
}

unsigned int mcast_snooping_routers(const struct mcast_snooping *s, uint16_t vlan, uint32_t *ports,
				    unsigned int max)
{
	bool known;
	return mcast_snooping_members(s, routers, vlan, ports, max, &known);
}

bool mcast_snooping_age(struct mcast_snooping *s, int64_t now)
{
	bool any = false;
	struct group *g, *next;
	wrlock(s);
	HASH_ITER (hh, s->groups, g, next) {
		for (size_t i = g->members.n; i-- > 0;) {
			if (g->members.v[i].expires > now)
				continue;
			vec_remove(&g->members, i);
			any = true;
		}
		if (!g->members.n)
			drop(s, g);
	}
	unlock(s);
	return any;
}

int64_t mcast_snooping_next_age(const struct mcast_snooping *s)
{
	int64_t when = INT64_MAX;
	struct group *g, *next;
	rdlock(s);
	HASH_ITER (hh, s->groups, g, next)
		VEC_FOREACH (&g->members, i)
			if (g->members.v[i].expires < when)
				when = g->members.v[i].expires;
	unlock(s);
	return when;
}

void mcast_snooping_flush(struct mcast_snooping *s)
{
	wrlock(s);
	clear(s);
	unlock(s);
}

bool mcast_snooping_flush_port(struct mcast_snooping *s, uint32_t port)
{
	bool any = false;
	struct group *g, *next;
	wrlock(s);
	HASH_ITER (hh, s->groups, g, next)
		any |= remove_member(s, g, port);
	unlock(s);
	return any;
}

static void show(const struct group *g, void (*cb)(void *arg, const struct mcast_entry *),
		 void *arg)
{
	VEC_FOREACH (&g->members, i) {
		const struct member *m = &g->members.v[i];
		struct mcast_entry e = {.vlan = g->key.vlan,
					.port = m->port,
					.expires = m->expires,
					.learned = m->learned};
		memcpy(e.group, g->key.group, 16);
		cb(arg, &e);
	}
}

void mcast_snooping_for_each(const struct mcast_snooping *s,
			     void (*cb)(void *arg, const struct mcast_entry *), void *arg)
{
	VEC(struct group *) all = {0};
	struct group *g, *next;
	rdlock(s);
	HASH_ITER (hh, s->groups, g, next)
		vec_push(&all, g);
	for (int pass = 0; pass < 2; pass++)
		VEC_FOREACH (&all, i)
			if (is_routers(all.v[i]) == (pass == 1))
				show(all.v[i], cb, arg);
	unlock(s);
	vec_done(&all);
}

void mcast_group_from_ipv4(uint8_t group[16], const void *address)
{
	memset(group, 0, 10);
	memset(group + 10, 0xff, 2);
	memcpy(group + 12, address, 4);
}

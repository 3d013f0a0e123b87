/* SPDX-License-Identifier: Apache-2.0 */
// Entries hang in a hash table by (MAC, VLAN), in one list in the order of use, and in one list per
// port in the same order, so that a full table can evict the oldest entry of the port that hogs it:
// a port that floods made-up addresses displaces its own.
//
// The usual case, a known address at its port, takes the lock for reading and stores the time; the
// lists are reordered only when the entry's place in them is older than REORDER_MS. So the order is
// right to within that, and ageing allows for it.
#include "l2proto/mac_table.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"

enum { MOVES_MS = 1000, REORDER_MS = 500, MIN_BUCKETS = 64, MIN_ENTRIES = 10 };

struct link {
	struct link *next, *prev;
};

struct port_list {
	uint32_t port;
	unsigned int n;
	struct link entries; // by use, oldest first
	struct port_list *next;
};

struct node {
	struct node *next; // in its bucket
	struct link use, on_port;
	struct port_list *list;
	uint64_t key;
	int64_t used;	 // relaxed atomic; at least `ordered`
	int64_t ordered; // when it was put at the end of the lists
	bool is_static;
	int64_t moving_since; // when the second began in which it moved n_moves times
	unsigned int n_moves;
};

struct mac_table {
	pthread_rwlock_t lock; // guards all below; node.used is also written under the read lock
	struct node **buckets;
	size_t n_buckets; // power of two
	unsigned int n, n_static, max;
	int64_t age_ms;
	struct link by_use, statics;
	struct port_list *ports;
	struct mac_table_stats stats;
};

static void link_init(struct link *l)
{
	l->next = l->prev = l;
}

static void link_append(struct link *list, struct link *l)
{
	l->prev = list->prev;
	l->next = list;
	list->prev->next = l;
	list->prev = l;
}

static void link_remove(struct link *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
}

#define NODE_OF(link, member)                                                                      \
	((struct node *)(void *)((char *)(link)-offsetof(struct node, member)))

static uint64_t make_key(const uint8_t mac[6], uint16_t vlan)
{
	uint64_t key = 0;
	memcpy(&key, mac, 6);
	return key | (uint64_t)vlan << 48;
}

static struct node **bucket_of(const struct mac_table *t, uint64_t key)
{
	return &t->buckets[hash_u64(key) & (t->n_buckets - 1)];
}

static struct node *find(const struct mac_table *t, uint64_t key)
{
	struct node *node = *bucket_of(t, key);
	while (node && node->key != key)
		node = node->next;
	return node;
}

static void rdlock(const struct mac_table *t)
{
	pthread_rwlock_rdlock(&((struct mac_table *)t)->lock);
}

static void wrlock(struct mac_table *t)
{
	pthread_rwlock_wrlock(&t->lock);
}

static void unlock(const struct mac_table *t)
{
	pthread_rwlock_unlock(&((struct mac_table *)t)->lock);
}

struct mac_table *mac_table_new(unsigned int max_entries, int64_t age_ms)
{
	struct mac_table *t = XNEW(struct mac_table);
	pthread_rwlock_init(&t->lock, NULL);
	t->n_buckets = MIN_BUCKETS;
	t->buckets = xcalloc(t->n_buckets, sizeof(*t->buckets));
	t->max = max_entries < MIN_ENTRIES ? MIN_ENTRIES : max_entries;
	t->age_ms = age_ms;
	link_init(&t->by_use);
	link_init(&t->statics);
	return t;
}

static struct port_list *port_list_get(struct mac_table *t, uint32_t port)
{
	struct port_list *p = t->ports;
	while (p && p->port != port)
		p = p->next;
	if (!p) {
		p = XNEW(struct port_list);
		p->port = port;
		link_init(&p->entries);
		p->next = t->ports;
		t->ports = p;
	}
	return p;
}

static void leave_port(struct mac_table *t, struct node *node)
{
	link_remove(&node->on_port);
	if (--node->list->n)
		return;
	for (struct port_list **p = &t->ports; *p; p = &(*p)->next) {
		if (*p == node->list) {
			*p = node->list->next;
			free(node->list);
			break;
		}
	}
}

static void join_port(struct mac_table *t, struct node *node, uint32_t port)
{
	node->list = port_list_get(t, port);
	node->list->n++;
	link_append(&node->list->entries, &node->on_port);
}

static void grow(struct mac_table *t)
{
	struct node **old = t->buckets;
	size_t n_old = t->n_buckets;
	t->n_buckets *= 2;
	t->buckets = xcalloc(t->n_buckets, sizeof(*t->buckets));
	for (size_t i = 0; i < n_old; i++) {
		for (struct node *node = old[i], *next; node; node = next) {
			next = node->next;
			struct node **b = bucket_of(t, node->key);
			node->next = *b;
			*b = node;
		}
	}
	free(old);
}

static struct node *insert(struct mac_table *t, uint64_t key, uint32_t port, bool is_static,
			   int64_t now)
{
	if (t->n >= t->n_buckets)
		grow(t);
	struct node *node = XNEW(struct node);
	node->key = key;
	node->is_static = is_static;
	node->used = node->ordered = now;
	struct node **b = bucket_of(t, key);
	node->next = *b;
	*b = node;
	link_append(is_static ? &t->statics : &t->by_use, &node->use);
	if (!is_static)
		join_port(t, node, port);
	else
		node->list = NULL;
	t->n++;
	t->n_static += is_static;
	return node;
}

static void drop(struct mac_table *t, struct node *node)
{
	struct node **b = bucket_of(t, node->key);
	while (*b != node)
		b = &(*b)->next;
	*b = node->next;
	link_remove(&node->use);
	if (node->is_static)
		free(node->list);
	else
		leave_port(t, node);
	t->n--;
	t->n_static -= node->is_static;
	free(node);
}

// Makes room for one entry. False when all entries are static.
static bool evict(struct mac_table *t)
{
	struct port_list *most = t->ports;
	for (struct port_list *p = t->ports; p; p = p->next)
		if (p->n > most->n)
			most = p;
	if (!most)
		return false;
	drop(t, NODE_OF(most->entries.next, on_port));
	t->stats.n_evicted++;
	return true;
}

void mac_table_free(struct mac_table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_buckets; i++)
		while (t->buckets[i])
			drop(t, t->buckets[i]);
	free(t->buckets);
	pthread_rwlock_destroy(&t->lock);
	free(t);
}

bool mac_table_configure(struct mac_table *t, unsigned int max_entries, int64_t age_ms)
{
	wrlock(t);
	unsigned int max = max_entries < MIN_ENTRIES ? MIN_ENTRIES : max_entries;
	bool changed = t->max != max || t->age_ms != age_ms;
	t->max = max;
	t->age_ms = age_ms;
	while (t->n > t->max && evict(t))
		;
	unlock(t);
	return changed;
}

static void copy_out(const struct node *node, struct mac_entry *e)
{
	memcpy(e->mac, &node->key, 6);
	e->vlan = (uint16_t)(node->key >> 48);
	e->port = node->list->port;
	e->used = __atomic_load_n(&node->used, __ATOMIC_RELAXED);
	e->is_static = node->is_static;
}

bool mac_table_lookup(const struct mac_table *t, const uint8_t mac[6], uint16_t vlan,
		      struct mac_entry *e)
{
	rdlock(t);
	const struct node *node = find(t, make_key(mac, vlan));
	if (node)
		copy_out(node, e);
	unlock(t);
	return node != NULL;
}

// Only moves forward: several threads may store at once, and whichever time stays is near enough.
static void touch(struct node *node, int64_t now)
{
	if (__atomic_load_n(&node->used, __ATOMIC_RELAXED) < now)
		__atomic_store_n(&node->used, now, __ATOMIC_RELAXED);
}

static void reorder(struct node *node, struct mac_table *t)
{
	node->ordered = node->used;
	link_remove(&node->use);
	link_append(&t->by_use, &node->use);
	link_remove(&node->on_port);
	link_append(&node->list->entries, &node->on_port);
}

// True when the read lock was enough.
static bool touch_shared(struct mac_table *t, uint64_t key, uint32_t port, int64_t now, bool *found)
{
	rdlock(t);
	struct node *node = find(t, key);
	*found = node && (node->is_static || node->list->port == port);
	bool done = *found && (node->is_static || now - node->ordered < REORDER_MS);
	if (done && !node->is_static)
		touch(node, now);
	unlock(t);
	return done;
}

// May it move once more? Not so often that everything that depends on the address is busy with
// nothing else.
static bool may_move(struct node *node, int64_t now)
{
	if (now - node->moving_since >= MOVES_MS) {
		node->moving_since = now;
		node->n_moves = 0;
	}
	return ++node->n_moves <= MAC_MAX_MOVES;
}

enum mac_learned mac_table_learn(struct mac_table *t, const uint8_t mac[6], uint16_t vlan,
				 uint32_t port, int64_t now)
{
	uint64_t key = make_key(mac, vlan);
	bool found;
	if (touch_shared(t, key, port, now, &found))
		return MAC_KNOWN;

	wrlock(t);
	enum mac_learned result = MAC_KNOWN;
	struct node *node = find(t, key);
	if (!node) {
		if (t->n < t->max || evict(t)) {
			insert(t, key, port, false, now);
			t->stats.n_learned++;
			result = MAC_CHANGED;
		}
	} else if (!node->is_static) {
		bool moves = node->list->port != port;
		if (moves && !may_move(node, now)) {
			t->stats.n_damped++;
			result = MAC_DAMPED;
		} else {
			touch(node, now);
			if (moves) {
				leave_port(t, node);
				join_port(t, node, port);
				t->stats.n_moved++;
				result = MAC_CHANGED;
			}
			reorder(node, t);
		}
	}
	unlock(t);
	return result;
}

void mac_table_touch(struct mac_table *t, const uint8_t mac[6], uint16_t vlan, uint32_t port,
		     int64_t used)
{
	uint64_t key = make_key(mac, vlan);
	bool found;
	if (touch_shared(t, key, port, used, &found) || !found)
		return;
	wrlock(t);
	struct node *node = find(t, key);
	if (node && !node->is_static && node->list->port == port && node->used < used) {
		node->used = used;
		reorder(node, t);
	}
	unlock(t);
}

bool mac_table_add_static(struct mac_table *t, const uint8_t mac[6], uint16_t vlan, uint32_t port)
{
	uint64_t key = make_key(mac, vlan);
	wrlock(t);
	struct node *node = find(t, key);
	bool changed = !node || !node->is_static || node->list->port != port;
	if (changed) {
		if (node)
			drop(t, node);
		// A static entry belongs to no port's list, so it cannot be evicted; it keeps the
		// port in a list of its own.
		node = insert(t, key, port, true, 0);
		node->list = XNEW(struct port_list);
		node->list->port = port;
	}
	unlock(t);
	return changed;
}

bool mac_table_remove(struct mac_table *t, const uint8_t mac[6], uint16_t vlan)
{
	wrlock(t);
	struct node *node = find(t, make_key(mac, vlan));
	if (node)
		drop(t, node);
	unlock(t);
	return node != NULL;
}

bool mac_table_age(struct mac_table *t, int64_t now)
{
	bool any = false;
	wrlock(t);
	for (struct link *l = t->by_use.next, *next; l != &t->by_use; l = next) {
		struct node *node = NODE_OF(l, use);
		next = l->next;
		if (node->ordered + t->age_ms > now)
			break; // so are those that follow
		if (node->used + t->age_ms <= now) {
			drop(t, node);
			t->stats.n_expired++;
			any = true;
		}
	}
	unlock(t);
	return any;
}

int64_t mac_table_next_age(const struct mac_table *t)
{
	rdlock(t);
	int64_t when = INT64_MAX;
	// The first in the list is not always the first to age, but none of them ages before this.
	if (t->by_use.next != &t->by_use) {
		const struct node *node = NODE_OF(t->by_use.next, use);
		when = __atomic_load_n(&node->used, __ATOMIC_RELAXED) + t->age_ms;
		if (when > node->ordered + t->age_ms + REORDER_MS)
			when = node->ordered + t->age_ms + REORDER_MS;
	}
	unlock(t);
	return when;
}

void mac_table_flush(struct mac_table *t)
{
	wrlock(t);
	while (t->by_use.next != &t->by_use)
		drop(t, NODE_OF(t->by_use.next, use));
	unlock(t);
}

bool mac_table_flush_port(struct mac_table *t, uint32_t port)
{
	bool any = false;
	wrlock(t);
	for (struct link *l = t->by_use.next, *next; l != &t->by_use; l = next) {
		struct node *node = NODE_OF(l, use);
		next = l->next;
		if (node->list->port == port) {
			drop(t, node);
			any = true;
		}
	}
	unlock(t);
	return any;
}

unsigned int mac_table_count(const struct mac_table *t)
{
	rdlock(t);
	unsigned int n = t->n;
	unlock(t);
	return n;
}

void mac_table_for_each(const struct mac_table *t, void (*cb)(void *arg, const struct mac_entry *),
			void *arg)
{
	const struct link *lists[] = {&t->statics, &t->by_use};
	rdlock(t);
	for (size_t i = 0; i < 2; i++) {
		for (const struct link *l = lists[i]->next; l != lists[i]; l = l->next) {
			struct mac_entry e;
			copy_out(NODE_OF(l, use), &e);
			cb(arg, &e);
		}
	}
	unlock(t);
}

void mac_table_get_stats(const struct mac_table *t, struct mac_table_stats *stats)
{
	rdlock(t);
	*stats = t->stats;
	stats->n_entries = t->n;
	stats->n_static = t->n_static;
	stats->max_entries = t->max;
	unlock(t);
}

void mac_table_clear_stats(struct mac_table *t)
{
	wrlock(t);
	memset(&t->stats, 0, sizeof(t->stats));
	unlock(t);
}

/* SPDX-License-Identifier: Apache-2.0 */
// What a type of network device provides. Private to this folder.
#pragma once
#include "netdev/netdev.h"

// A type is a const row. Functions are the main thread's but for those of queues. Those that may be
// NULL say so.
struct netdev_class {
	const char *type;
	size_t size;	 // of the struct that begins with struct netdev
	size_t rxq_size; // of the one that begins with struct netdev_rxq; 0: no queues
	// The name is set, all else zero. On error nothing is left open.
	struct error *(*open)(struct netdev *);
	void (*close)(struct netdev *);
	// NULL: there are no options.
	struct error *(*set_options)(struct netdev *, struct netdev_options,
				     void (*complain)(void *arg, const char *text), void *arg);
	struct error *(*set_mac)(struct netdev *, const uint8_t mac[6]);
	struct error *(*set_mtu)(struct netdev *, int mtu);
	struct error *(*set_up)(struct netdev *, bool up);
	int (*get_ifindex)(const struct netdev *);			       // NULL: none
	int (*get_numa)(const struct netdev *);				       // NULL: not known
	void (*get_features)(const struct netdev *, struct netdev_features *); // NULL: none
	void (*get_stats)(const struct netdev *, struct netdev_stats *); // all UINT64_MAX before
	void (*get_config)(const struct netdev *,
			   void (*cb)(void *arg, const char *key, const char *value),
			   void *arg); // NULL: none
	void (*get_counters)(const struct netdev *,
			     void (*cb)(void *arg, const char *name, uint64_t value),
			     void *arg); // NULL: none
	void (*get_status)(const struct netdev *,
			   void (*cb)(void *arg, const char *key, const char *value), void *arg);
	struct error *(*rxq_open)(struct netdev_rxq *);
	void (*rxq_close)(struct netdev_rxq *);
	// As netdev_rxq_wait() and so on. NULL: not possible; fed from outside.
	bool (*rxq_wait)(struct netdev_rxq *, int epoll_fd);
	void (*rxq_forget_wait)(struct netdev_rxq *, int epoll_fd);
	bool (*rxq_arm)(struct netdev_rxq *, bool on);
	bool (*rxq_is_fed_from_outside)(const struct netdev_rxq *);
	int (*rx_burst)(struct netdev_rxq *, struct rte_mbuf **, unsigned int n);
	uint32_t (*rxq_fill)(const struct netdev_rxq *); // NULL: not known
	unsigned int (*n_txq)(const struct netdev *);	 // NULL: one
	unsigned int (*tx_burst)(struct netdev *, unsigned int thread, struct rte_mbuf **,
				 unsigned int n);
};

struct netdev {
	// Immutable after open.
	const struct netdev_class *class;
	const char *type; // as asked for; the class may be another (dummies in place of real ones)
	char *name;
	struct loop *loop;
	unsigned int n_rxq;
	// Owned by the main thread.
	unsigned int refs;
	struct netdev *next; // in the list by name
	bool listed;
	uint64_t change_seq;
	uint8_t mac[6];
	int mtu; // 0: none
	bool up, carrier, gone;
	bool leave;   // see netdev_leave()
	bool restart; // see netdev_wants_restart(); cleared when queue 0 is opened
	uint64_t carrier_resets;
};

struct netdev_rxq {
	struct netdev *dev; // a reference
	unsigned int queue;
	int fd; // -1: only to be polled
};

// Something of the device changed: counts its change_seq up and has the watchers called.
void netdev_changed(struct netdev *);
// The state that is common to all types, compared with what it was; calls netdev_changed() when it
// differs.
struct netdev_state {
	uint8_t mac[6];
	int mtu;
	bool up, carrier;
};
void netdev_update(struct netdev *, const struct netdev_state *);
// Takes it out of the list, so that the name can be opened anew.
void netdev_set_gone(struct netdev *);

// Reports each option for which `known` (a NULL-terminated list; may be NULL) has no name.
void netdev_complain_unknown(const struct netdev *, struct netdev_options, const char *const *known,
			     void (*complain)(void *arg, const char *text), void *arg);
const char *netdev_option_find(struct netdev_options, const char *key); // NULL: not there

extern const struct netdev_class netdev_system_class, netdev_tap_class, netdev_internal_class,
	netdev_dummy_class, netdev_dummy_internal_class, netdev_dummy_pmd_class, netdev_dpdk_class,
	netdev_patch_class, netdev_vhost_server_class, netdev_vhost_client_class,
	netdev_afxdp_class;

struct rtnl_link;
// A link of rtnetlink, of that index, changed (`link`) or went away (NULL). netdev_linux.c.
void netdev_linux_link_event(struct netdev *, int ifindex, const struct rtnl_link *link);

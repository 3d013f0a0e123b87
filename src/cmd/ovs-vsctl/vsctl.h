/* SPDX-License-Identifier: Apache-2.0 */
// What the commands of ovs-vsctl share: the bridges, ports and interfaces by name, with fake
// bridges seen as bridges.
//
// The model is built from the rows as the open transaction leaves them, and follows the changes
// that these commands make, so that a command line with a thousand add-port reads the database
// once.
#pragma once
#include <uthash.h>

#include "base/vec.h"
#include "cmd/ctl/ctl.h"
#include "dbclient/vswitch_db.h"

struct vsctl_bridge {
	UT_hash_handle hh; // by name
	char *name;
	struct db_row *row;	     // Bridge; that of the parent for a fake bridge
	struct vsctl_bridge *parent; // NULL: a real bridge
	int vlan;		     // of a fake bridge, else 0
	VEC(struct vsctl_port *) ports;
	VEC(struct vsctl_bridge *) children;
};

struct vsctl_port {
	UT_hash_handle hh;
	char *name;
	struct db_row *row;
	struct vsctl_bridge *bridge; // the fake one, where its VLAN has one
	VEC(struct vsctl_iface *) ifaces;
};

struct vsctl_iface {
	UT_hash_handle hh;
	char *name;
	struct db_row *row;
	struct vsctl_port *port;
};

struct vsctl {
	struct ctl ctl;
	bool waits;	     // for the switch to apply the change
	bool narrow;	     // only some rows are there: vsctl_scope.h
	struct db_row *open; // the row of Open_vSwitch
	struct vsctl_bridge *bridges;
	struct vsctl_port *ports;
	struct vsctl_iface *ifaces;
	VEC(char *) added_ifaces; // names, to see whether they came up
};

static inline struct vsctl *vsctl_of(const struct ctl_context *c)
{
	return (struct vsctl *)c->ctl->data;
}

// Monitors what the model is made of.
struct error *vsctl_prepare_model(struct ctl_context *);
void vsctl_model_clear(struct vsctl *);

// The model, up to date. Each lookup begins with it.
void vsctl_model_refresh(struct vsctl *);
struct vsctl_bridge *vsctl_find_bridge(struct vsctl *, const char *name); // NULL if there is none
struct error *vsctl_get_bridge(struct vsctl *, const char *name, struct vsctl_bridge **) MUST_CHECK;
struct error *vsctl_get_real_bridge(struct vsctl *, const char *name,
				    struct vsctl_bridge **) MUST_CHECK;
// Local ports of bridges do not count as ports.
struct vsctl_port *vsctl_find_port(struct vsctl *, const char *name);
struct error *vsctl_get_port(struct vsctl *, const char *name, struct vsctl_port **) MUST_CHECK;
struct vsctl_iface *vsctl_find_iface(struct vsctl *, const char *name);
struct error *vsctl_get_iface(struct vsctl *, const char *name, struct vsctl_iface **) MUST_CHECK;
// The local port of a bridge too.
struct vsctl_port *vsctl_find_any_port(struct vsctl *, const char *name);
struct vsctl_bridge *vsctl_find_vlan_bridge(struct vsctl_bridge *parent, int vlan);
static inline bool vsctl_is_local_port(const struct vsctl_port *p)
{
	return !strcmp(p->name, p->bridge->name);
}
// An error beginning with `what` if anything has this name.
struct error *vsctl_check_name_is_free(struct vsctl *, const char *name,
				       const char *what) MUST_CHECK;

// Changes of the model that mirror those of the transaction.
struct vsctl_bridge *vsctl_model_add_bridge(struct vsctl *, const char *name, struct db_row *,
					    struct vsctl_bridge *parent, int vlan);
struct vsctl_port *vsctl_model_add_port(struct vsctl *, struct vsctl_bridge *, const char *name,
					struct db_row *);
struct vsctl_iface *vsctl_model_add_iface(struct vsctl *, struct vsctl_port *, const char *name,
					  struct db_row *);
void vsctl_model_remove_bridge(struct vsctl *,
			       struct vsctl_bridge *); // which has no ports or children any more
void vsctl_model_remove_port(struct vsctl *, struct vsctl_port *); // with its interfaces
void vsctl_model_remove_iface(struct vsctl *, struct vsctl_iface *);

// Deletes the rows too.
void vsctl_delete_port(struct vsctl *, struct vsctl_port *);

// --- Columns, as the open transaction leaves them

const char *vsctl_string(const struct db_row *, unsigned int column); // "" when empty
int64_t vsctl_integer(const struct db_row *, unsigned int column, int64_t otherwise);
bool vsctl_boolean(const struct db_row *, unsigned int column);

// Adds words, sorted, one per line.
struct vsctl_names {
	VEC(const char *) names;
};
void vsctl_names_print(struct vsctl_names *, struct str *out); // empties it

// The rows of each file's commands.
extern const struct ctl_command vsctl_bridge_commands[];
extern const struct ctl_command vsctl_port_commands[];
extern const struct ctl_command vsctl_remote_commands[];
extern const struct ctl_command vsctl_datapath_commands[];
// Of vsctl_switch.c: init, show, emer-reset, auto-attach.
extern const struct ctl_command vsctl_switch_commands[];

extern const struct ctl_row_id vsctl_row_ids[];
extern const struct ctl_show vsctl_show[];

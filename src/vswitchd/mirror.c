/* SPDX-License-Identifier: Apache-2.0 */
// Rows of table Mirror: what they ask for, and what came of it.
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/uuid.h"
#include "vswitchd/model.h"

enum { VLAN_WORDS = 4096 / 64, N_STATISTICS = 2 };

struct mirror { // its address is ofproto's key. By row, as names need not differ
	struct uuid uuid;
	UT_hash_handle hh;
	bool wanted;
};

static const struct port *find_port(const struct bridge *b, const struct db_port *row)
{
	struct port *p;
	HASH_FIND_STR(b->ports, row->name, p);
	return p;
}

// The ports that are on the bridge; the others are complained of.
static unsigned int collect_ports(struct bridge *b, const struct db_mirror *row, const char *column,
				  struct db_port *const *rows, size_t n, const void **keys)
{
	unsigned int n_keys = 0;
	for (size_t i = 0; i < n; i++) {
		const struct port *p = find_port(b, rows[i]);
		if (p)
			keys[n_keys++] = p;
		else
			settings_warn(b->v,
				      "Mirror %s: %s names port %s, which is not on bridge %s",
				      row->name, column, rows[i]->name, b->name);
	}
	return n_keys;
}

// Where to? False: nowhere.
static bool find_output(struct bridge *b, const struct db_mirror *row,
			struct ofproto_mirror_config *c)
{
	if (row->output_port) {
		c->out = find_port(b, row->output_port);
		if (!c->out)
			settings_warn(b->v,
				      "Mirror %s: output_port names port %s, which is not on "
				      "bridge %s: the mirror is off",
				      row->name, row->output_port->name, b->name);
		if (row->n_output_vlan)
			settings_warn(b->v,
				      "Mirror %s: output_port and output_vlan exclude each other: "
				      "output_vlan is ignored",
				      row->name);
		return c->out != NULL;
	}
	if (!row->n_output_vlan)
		settings_warn(b->v,
			      "Mirror %s: one of output_port and output_vlan is needed: the mirror "
			      "is off",
			      row->name);
	c->out_vlan = (int)row->output_vlan;
	return row->n_output_vlan > 0;
}

static void apply(struct bridge *b, const struct mirror *m, const struct db_mirror *row)
{
	uint64_t vlans[VLAN_WORDS] = {0};
	struct ofproto_mirror_config c = {
		.name = row->name, .select_all = row->select_all, .filter = row->filter};
	if (!find_output(b, row, &c)) {
		ofproto_remove_mirror(b->ofproto, m);
		return;
	}
	const void **srcs = xcalloc(row->n_select_src_port + 1, sizeof(*srcs));
	const void **dsts = xcalloc(row->n_select_dst_port + 1, sizeof(*dsts));
	c.srcs = srcs;
	c.dsts = dsts;
	c.n_srcs = collect_ports(b, row, "select_src_port", row->select_src_port,
				 row->n_select_src_port, srcs);
	c.n_dsts = collect_ports(b, row, "select_dst_port", row->select_dst_port,
				 row->n_select_dst_port, dsts);
	for (size_t i = 0; i < row->n_select_vlan; i++)
		vlans[row->select_vlan[i] / 64 % VLAN_WORDS] |= UINT64_C(1)
								<< row->select_vlan[i] % 64;
	c.vlans = row->n_select_vlan ? vlans : NULL;
	c.snaplen = row->n_snaplen ? (uint16_t)row->snaplen : 0;
	struct error *e = ofproto_set_mirror(b->ofproto, m, &c);
	if (e)
		settings_warn(b->v, "Mirror %s: %s: the mirror is off", row->name, error_text(e));
	error_free(e);
	free(srcs);
	free(dsts);
}

static struct mirror *find(const struct bridge *b, const struct db_mirror *row)
{
	struct mirror *m;
	HASH_FIND(hh, b->mirrors, &row->row.uuid, sizeof(struct uuid), m);
	return m;
}

static void drop(struct bridge *b, struct mirror *m)
{
	if (b->ofproto)
		ofproto_remove_mirror(b->ofproto, m);
	HASH_DEL(b->mirrors, m);
	free(m);
}

void bridge_apply_mirrors(struct bridge *b)
{
	struct mirror *m, *next;
	HASH_ITER (hh, b->mirrors, m, next)
		m->wanted = false;
	for (size_t i = 0; i < b->row->n_mirrors; i++) {
		m = find(b, b->row->mirrors[i]);
		if (!m) {
			m = XNEW(struct mirror);
			m->uuid = b->row->mirrors[i]->row.uuid;
			HASH_ADD(hh, b->mirrors, uuid, sizeof(m->uuid), m);
		}
		m->wanted = true;
	}
	HASH_ITER (hh, b->mirrors, m, next)
		if (!m->wanted)
			drop(b, m);
	for (size_t i = 0; i < b->row->n_mirrors; i++)
		apply(b, find(b, b->row->mirrors[i]), b->row->mirrors[i]);
}

void bridge_forget_mirrors(struct bridge *b)
{
	struct mirror *m, *next;
	HASH_ITER (hh, b->mirrors, m, next)
		drop(b, m);
}

void bridge_write_mirrors(struct bridge *b, struct dbtxn *txn)
{
	static const char *const keys[N_STATISTICS] = {"tx_bytes", "tx_packets"};
	for (size_t i = 0; i < b->row->n_mirrors; i++) {
		const struct db_mirror *row = b->row->mirrors[i];
		const struct mirror *m = find(b, row);
		uint64_t packets, bytes;
		if (!m || !ofproto_mirror_stats(b->ofproto, m, &packets, &bytes)) {
			db_mirror_set_statistics(txn, row, NULL, NULL, 0);
			continue;
		}
		const int64_t values[N_STATISTICS] = {(int64_t)bytes, (int64_t)packets};
		db_mirror_set_statistics(txn, row, keys, values, N_STATISTICS);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cmd/ovs-ofctl/ofctl.h"
#include "openflow/table.h"

void port_names_init(struct port_names *p, struct ofctl *o, const char *bridge)
{
	*p = (struct port_names){.ofctl = o, .bridge = bridge};
}

void port_names_done(struct port_names *p)
{
	vec_done(&p->ports);
	vec_done(&p->tables);
}

static void add_port(void *arg, const struct ofp_port_desc *desc)
{
	struct port_names *p = arg;
	vec_push(&p->ports, *desc);
}

static void load(struct port_names *p)
{
	struct session s;
	if (p->loaded || !p->bridge)
		return;
	p->loaded = true;
	session_open(&s, p->ofctl, p->bridge, "mgmt");
	session_ports(&s, add_port, p);
	session_close(&s);
}

// Names that two ports share (for OpenFlow cuts them to 15 bytes) stand for neither.
static const char *name_of(void *arg, uint32_t port)
{
	struct port_names *p = arg;
	const char *name = NULL;
	load(p);
	VEC_FOREACH (&p->ports, i)
		if (p->ports.v[i].port_no == port)
			name = p->ports.v[i].name;
	unsigned int n = 0;
	VEC_FOREACH (&p->ports, i)
		n += name && !strcmp(p->ports.v[i].name, name);
	return n == 1 && *name ? name : NULL;
}

static int number_of(void *arg, const char *name, uint32_t *port)
{
	struct port_names *p = arg;
	unsigned int n = 0;
	load(p);
	VEC_FOREACH (&p->ports, i)
		if (!strcmp(p->ports.v[i].name, name)) {
			*port = p->ports.v[i].port_no;
			n++;
		}
	return n == 1 ? 0 : -ENOENT;
}

// --- Tables: from 1.3 on their features have the names, before their statistics.

static void add_table(struct port_names *p, const struct ofp_table_features *f)
{
	if (!f->name[0])
		return;
	struct table_name *t = vec_extend(&p->tables);
	t->id = f->table_id;
	memcpy(t->name, f->name, sizeof(t->name));
	t->name[sizeof(t->name) - 1] = '\0';
}

static void add_tables(void *arg, const uint8_t *msg, size_t n)
{
	struct port_names *p = arg;
	struct ofp_msg m;
	if (ofp_msg_decode(msg, n, &m))
		return;
	struct ofp_table_features f;
	struct ofp_table_stats t;
	if (m.type == OFPTYPE_TABLE_FEATURES_STATS_REPLY)
		while (!ofp_table_features_pull(&m.body, m.version, false, &f))
			add_table(p, &f);
	else if (m.type == OFPTYPE_TABLE_STATS_REPLY && m.version < OFP13)
		while (!ofp_table_stats_pull(&m.body, m.version, &t))
			add_table(p, &t.features);
}

static void load_tables(struct port_names *p)
{
	struct session s;
	struct buf request = BUF_INIT;
	if (p->tables_loaded || !p->bridge)
		return;
	p->tables_loaded = true;
	session_open(&s, p->ofctl, p->bridge, "mgmt");
	ofp_encode_simple(&request,
			  s.version >= OFP13 ? OFPTYPE_TABLE_FEATURES_STATS_REQUEST
					     : OFPTYPE_TABLE_STATS_REQUEST,
			  s.version, session_xid(&s));
	session_stats(&s, &request, add_tables, p);
	buf_done(&request);
	session_close(&s);
}

static unsigned int tables_called(const struct port_names *p, const char *name, uint32_t *table)
{
	unsigned int n = 0;
	VEC_FOREACH (&p->tables, i)
		if (!strcmp(p->tables.v[i].name, name)) {
			*table = p->tables.v[i].id;
			n++;
		}
	return n;
}

static const char *name_of_table(void *arg, uint32_t table)
{
	struct port_names *p = arg;
	uint32_t id;
	load_tables(p);
	VEC_FOREACH (&p->tables, i)
		if (p->tables.v[i].id == table)
			return tables_called(p, p->tables.v[i].name, &id) == 1 ? p->tables.v[i].name
									       : NULL;
	return NULL;
}

static int number_of_table(void *arg, const char *name, uint32_t *table)
{
	struct port_names *p = arg;
	load_tables(p);
	size_t n = strlen(name);
	char *bare = xstrdup(name);
	if (n > 1 && name[0] == '"' && name[n - 1] == '"') {
		memmove(bare, bare + 1, n - 2);
		bare[n - 2] = '\0';
	}
	int error = tables_called(p, bare, table) == 1 ? 0 : -ENOENT;
	free(bare);
	return error;
}

uint8_t table_names_parse(struct port_names *p, const char *text)
{
	struct ofpact_text t = port_names_to_parse(p);
	uint8_t table;
	if (!ofp_table_parse(&t, text, &table) || table == 255)
		command_die("unknown table \"%s\"", text);
	return table;
}

struct ofpact_text port_names_to_parse(struct port_names *p)
{
	if (p->ofctl->use_names < 0)
		return (struct ofpact_text){0};
	return (struct ofpact_text){
		.port_number = number_of, .table_number = number_of_table, .arg = p};
}

struct ofp_print_options port_names_to_print(struct port_names *p)
{
	struct ofp_print_options o = {.no_stats = p->ofctl->no_stats};
	if (p->ofctl->use_names > 0)
		o.text = (struct ofpact_text){
			.port_name = name_of, .table_name = name_of_table, .arg = p};
	return o;
}

uint32_t port_names_parse(struct port_names *p, const char *text)
{
	struct ofpact_text t = port_names_to_parse(p);
	uint32_t port;
	if (!ofp_port_parse(text, t.port_number, t.arg, &port))
		command_die("%s: unknown port `%s'", p->bridge, text);
	return port;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/ovs-ofctl/ofctl.h"

void port_names_init(struct port_names *p, struct ofctl *o, const char *bridge)
{
	*p = (struct port_names){.ofctl = o, .bridge = bridge};
}

void port_names_done(struct port_names *p)
{
	vec_done(&p->ports);
}

static void add_ports(void *arg, const uint8_t *msg, size_t n)
{
	struct port_names *p = arg;
	struct ofp_msg m;
	struct ofp_port_desc desc;
	if (ofp_msg_decode(msg, n, &m) || m.type != OFPTYPE_PORT_DESC_STATS_REPLY)
		return;
	while (!ofp_port_desc_pull(&m.body, m.version, &desc))
		vec_push(&p->ports, desc);
}

static void load(struct port_names *p)
{
	struct session s;
	struct buf request = BUF_INIT;
	if (p->loaded || !p->bridge)
		return;
	p->loaded = true;
	session_open(&s, p->ofctl, p->bridge, "mgmt");
	ofp_encode_port_desc_request(&request, s.version, OFPP_NONE, session_xid(&s));
	session_stats(&s, &request, add_ports, p);
	buf_done(&request);
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

struct ofpact_text port_names_to_parse(struct port_names *p)
{
	if (p->ofctl->use_names < 0)
		return (struct ofpact_text){0};
	return (struct ofpact_text){.port_number = number_of, .arg = p};
}

struct ofp_print_options port_names_to_print(struct port_names *p)
{
	struct ofp_print_options o = {.no_stats = p->ofctl->no_stats};
	if (p->ofctl->use_names > 0)
		o.text = (struct ofpact_text){.port_name = name_of, .arg = p};
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

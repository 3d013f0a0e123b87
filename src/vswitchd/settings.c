/* SPDX-License-Identifier: Apache-2.0 */
#include "vswitchd/settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "vswitchd/model.h"

LOG_MODULE(bridge);

struct warned {
	char *text;
	UT_hash_handle hh;
};

void settings_warn(struct vswitchd *v, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *text = xvasprintf(format, args);
	va_end(args);
	struct warned *w;
	HASH_FIND_STR(v->warned, text, w);
	if (w) {
		free(text);
		return;
	}
	log_warn("%s", text);
	w = XNEW(struct warned);
	w->text = text;
	HASH_ADD_KEYPTR(hh, v->warned, w->text, strlen(w->text), w);
}

void settings_free(struct vswitchd *v)
{
	struct warned *w, *next;
	HASH_ITER (hh, v->warned, w, next) {
		HASH_DEL(v->warned, w);
		free(w->text);
		free(w);
	}
}

static void check_pair(struct vswitchd *v, const char *table, const char *row, const char *column,
		       const struct smap_pair *pair)
{
	const char *space = *row ? " " : "";
	const struct setting *s = setting_find(table, column, pair->key);
	if (!s) {
		s = setting_guess(table, column, pair->key);
		settings_warn(v, "%s%s%s: %s:%s is not a known setting%s%s%s", table, space, row,
			      column, pair->key, s ? "; did you mean \"" : "", s ? s->key : "",
			      s ? "\"?" : "");
		return;
	}
	struct str wanted = STR_INIT;
	int64_t number;
	if (!setting_check(s, pair->value, &wanted))
		settings_warn(v, "%s%s%s: %s:%s=\"%s\" is %s: it should be %s", table, space, row,
			      column, pair->key, pair->value,
			      s->forced && !parse_i64(pair->value, 0, &number)
				      ? "forced into its range"
				      : "ignored",
			      str_cstr(&wanted));
	else if (!s->works && strcmp(pair->value, "false"))
		settings_warn(v, "%s%s%s: %s:%s has no effect%s%s", table, space, row, column,
			      pair->key, s->why ? ": " : " in this version", s->why ? s->why : "");
	str_done(&wanted);
}

static void check(struct vswitchd *v, const char *table, const char *row, const char *column,
		  const struct smap *map)
{
	SMAP_FOREACH (map, pair)
		check_pair(v, table, row, column, pair);
}

// Columns that ask for what this version does not do.
static void check_bridge_columns(struct vswitchd *v, const struct db_bridge *b)
{
	const struct {
		bool asked;
		const char *column;
	} columns[] = {
		{b->stp_enable, "stp_enable"},	 {b->rstp_enable, "rstp_enable"},
		{b->netflow != NULL, "netflow"}, {b->sflow != NULL, "sflow"},
		{b->ipfix != NULL, "ipfix"},	 {b->auto_attach != NULL, "auto_attach"},
	};
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		if (columns[i].asked)
			settings_warn(v, "Bridge %s: column %s has no effect in this version",
				      b->name, columns[i].column);
}

static void check_interface(struct vswitchd *v, const struct db_interface *i)
{
	check(v, "Interface", i->name, "other_config", &i->other_config);
	check(v, "Interface", i->name, "bfd", &i->bfd);
	check(v, "Interface", i->name, "lldp", &i->lldp);
	if (i->ingress_policing_rate || i->ingress_policing_kpkts_rate)
		settings_warn(v, "Interface %s: column %s has no effect in this version", i->name,
			      i->ingress_policing_rate ? "ingress_policing_rate"
						       : "ingress_policing_kpkts_rate");
	if (i->n_cfm_mpid)
		settings_warn(v, "Interface %s: column cfm_mpid has no effect in this version",
			      i->name);
}

static void check_port(struct vswitchd *v, const struct db_port *p)
{
	check(v, "Port", p->name, "other_config", &p->other_config);
	if (p->n_interfaces > 1)
		settings_warn(v,
			      "Port %s: bonding is not available in this version: its %zu "
			      "interfaces are one VLAN port without "
			      "failover",
			      p->name, p->n_interfaces);
	if (p->lacp && strcmp(p->lacp, "off"))
		settings_warn(v, "Port %s: column lacp has no effect in this version", p->name);
	if (p->qos)
		settings_warn(v, "Port %s: column qos has no effect in this version", p->name);
	for (size_t k = 0; k < p->n_interfaces; k++)
		check_interface(v, p->interfaces[k]);
}

static void check_controller(struct vswitchd *v, const struct db_controller *c)
{
	check(v, "Controller", c->target, "other_config", &c->other_config);
	if (c->local_ip || c->local_netmask || c->local_gateway)
		settings_warn(v,
			      "Controller %s: columns local_ip, local_netmask and local_gateway "
			      "have no effect in this version",
			      c->target);
}

void settings_check(struct vswitchd *v)
{
	const struct db_open_vswitch *cfg = v->cfg;
	check(v, "Open_vSwitch", "", "other_config", &cfg->other_config);
	for (size_t i = 0; i < cfg->n_bridges; i++) {
		const struct db_bridge *b = cfg->bridges[i];
		check(v, "Bridge", b->name, "other_config", &b->other_config);
		check_bridge_columns(v, b);
		for (size_t k = 0; k < b->n_ports; k++)
			check_port(v, b->ports[k]);
		for (size_t k = 0; k < b->n_controller; k++)
			check_controller(v, b->controller[k]);
	}
}

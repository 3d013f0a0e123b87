/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "flow/dpact.h"
#include "flow/dpact_headers.h"
#include "flow/field.h"
#include "packet/headers.h"

// Actions from `from` to `to` bytes inside of an action.
static void format_inner(struct str *s, const struct dpact *a, size_t from, size_t to,
			 const struct dpact_text *t)
{
	dpact_format_text(s, (const uint8_t *)a + from, to - from, t);
}

static void format_port(struct str *s, uint32_t port, const struct dpact_text *t)
{
	const char *name = t->port_name ? t->port_name(t->arg, port) : NULL;
	if (name)
		str_add(s, name);
	else
		str_addf(s, "%" PRIu32, port);
}

static void format_userspace(struct str *s, const struct dpact_userspace *a,
			     const struct dpact_text *t)
{
	str_add(s, "userspace(pid=0");
	if (a->userdata_len) {
		size_t start = s->len;
		str_addc(s, ',');
		if (!t->userdata_format ||
		    !t->userdata_format(t->arg, a->userdata, a->userdata_len, s)) {
			str_truncate(s, start);
			str_add(s, ",userdata(");
			str_add_hex(s, a->userdata, a->userdata_len);
			str_addc(s, ')');
		}
	}
	str_addc(s, ')');
}

static void format_set(struct str *s, const struct dpact_set *a)
{
	const struct dpact_header_row *row = &dpact_header_rows[a->header];
	str_addf(s, "set(%s(", row->name);
	if (row->fields) {
		dpfields_format(s, row->fields, &a->key, &a->mask, false);
	} else if (a->header == DPH_MPLS) {
		dpmpls_format(s, be32toh(a->key.mpls.lse), be32toh(a->mask.mpls.lse));
	} else if (a->header == DPH_TUNNEL) {
		dptunnel_format(s, &a->key.tunnel, NULL, NULL, NULL, false);
	} else {
		str_addf(s, "%#" PRIx32, a->key.u32);
		if (a->mask.u32 != UINT32_MAX)
			str_addf(s, "/%#" PRIx32, a->mask.u32);
	}
	str_add(s, "))");
}

static void format_push_vlan(struct str *s, const struct dpact_push_vlan *a)
{
	str_add(s, "push_vlan(");
	if (a->tpid != BE16(ETHERTYPE_VLAN_8021Q))
		str_addf(s, "tpid=0x%04x,", be16toh(a->tpid));
	dpvlan_format(s, be16toh(a->tci), 0xffff, true);
	str_addc(s, ')');
}

static void format_push_mpls(struct str *s, const char *name, const struct dpact_push_mpls *a)
{
	str_addf(s, "%s(", name);
	dpmpls_format(s, be32toh(a->lse), UINT32_MAX);
	str_addf(s, ",eth_type=0x%x)", be16toh(a->ethertype));
}

static void format_check_pkt_len(struct str *s, const struct dpact_check_pkt_len *a,
				 const struct dpact_text *t)
{
	str_addf(s, "check_pkt_len(size=%u,gt(", a->pkt_len);
	format_inner(s, &a->h, sizeof(*a), sizeof(*a) + a->greater_len, t);
	str_add(s, "),le(");
	format_inner(s, &a->h, sizeof(*a) + a->greater_len, a->h.len, t);
	str_add(s, "))");
}

static void format_action(struct str *s, const struct dpact *a, const struct dpact_text *t)
{
	switch ((enum dpact_type)a->type) {
	case DPACT_OUTPUT:
		format_port(s, ((const struct dpact_output *)a)->port, t);
		break;
	case DPACT_USERSPACE:
		format_userspace(s, (const struct dpact_userspace *)a, t);
		break;
	case DPACT_SET:
		format_set(s, (const struct dpact_set *)a);
		break;
	case DPACT_PUSH_VLAN:
		format_push_vlan(s, (const struct dpact_push_vlan *)a);
		break;
	case DPACT_POP_VLAN:
		str_add(s, "pop_vlan");
		break;
	case DPACT_PUSH_MPLS:
		format_push_mpls(s, "push_mpls", (const struct dpact_push_mpls *)a);
		break;
	case DPACT_ADD_MPLS:
		format_push_mpls(s, "add_mpls", (const struct dpact_push_mpls *)a);
		break;
	case DPACT_POP_MPLS:
		str_addf(s, "pop_mpls(eth_type=0x%x)",
			 be16toh(((const struct dpact_pop_mpls *)a)->ethertype));
		break;
	case DPACT_RECIRC:
		str_addf(s, "recirc(%#" PRIx32 ")", ((const struct dpact_recirc *)a)->id);
		break;
	case DPACT_HASH: {
		const struct dpact_hash *h = (const void *)a;
		str_addf(s, "hash(%s(%" PRIu32 "))", h->algorithm ? "sym_l4" : "l4", h->basis);
		break;
	}
	case DPACT_TRUNC:
		str_addf(s, "trunc(%" PRIu32 ")", ((const struct dpact_trunc *)a)->max_len);
		break;
	case DPACT_METER:
		str_addf(s, "meter(%" PRIu32 ")", ((const struct dpact_meter *)a)->id);
		break;
	case DPACT_SAMPLE: {
		const struct dpact_sample *sample = (const void *)a;
		str_addf(s, "sample(sample=%.1f%%,actions(",
			 100.0 * sample->probability / UINT32_MAX);
		format_inner(s, a, sizeof(*sample), a->len, t);
		str_add(s, "))");
		break;
	}
	case DPACT_CLONE:
		str_add(s, "clone(");
		format_inner(s, a, sizeof(struct dpact_nested), a->len, t);
		str_addc(s, ')');
		break;
	case DPACT_CHECK_PKT_LEN:
		format_check_pkt_len(s, (const struct dpact_check_pkt_len *)a, t);
		break;
	case DPACT_CT_CLEAR:
		str_add(s, "ct_clear");
		break;
	case DPACT_PUSH_ETH:
		dpact_push_eth_format(s, (const struct dpact_push_eth *)a);
		break;
	case DPACT_POP_ETH:
		str_add(s, "pop_eth");
		break;
	case DPACT_PUSH_NSH:
		dpact_push_nsh_format(s, (const struct dpact_push_nsh *)a);
		break;
	case DPACT_POP_NSH:
		str_add(s, "pop_nsh()");
		break;
	case DPACT_DROP:
		str_add(s, "drop");
		break;
	case DPACT_N_TYPES:
		break;
	}
}

void dpact_format_text(struct str *s, const void *actions, size_t n, const struct dpact_text *t)
{
	if (!n) {
		str_add(s, "drop");
		return;
	}
	bool first = true;
	DPACT_FOREACH (a, actions, n) {
		if (!first)
			str_addc(s, ',');
		first = false;
		format_action(s, a, t);
	}
}

void dpact_format(struct str *s, const void *actions, size_t n, dp_port_name_cb *port_name,
		  void *arg)
{
	dpact_format_text(s, actions, n, &(struct dpact_text){.port_name = port_name, .arg = arg});
}

/* SPDX-License-Identifier: Apache-2.0 */
// Mirrors as they are configured. Translation sees a copy (xlate_mirror.c).
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "flow/match.h"
#include "ofproto/internal.h"
#include "ofproto/xlate_snapshot.h"

enum { VLAN_BITMAP_BYTES = 4096 / 8 };

static struct mirror *find(const struct ofproto *p, const void *aux, size_t *at)
{
	VEC_FOREACH (&p->mirrors, i)
		if (p->mirrors.v[i]->aux == aux) {
			*at = i;
			return p->mirrors.v[i];
		}
	return NULL;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool same_keys(const void *const *a, size_t n_a, const void *const *b, size_t n_b)
{
	return n_a == n_b && (!n_a || !memcmp(a, b, n_a * sizeof(*a)));
}

static bool same_config(const struct mirror *m, const struct ofproto_mirror_config *c)
{
	bool same_vlans = m->vlans && c->vlans ? !memcmp(m->vlans, c->vlans, VLAN_BITMAP_BYTES)
					       : m->vlans == c->vlans;
	return same_vlans && !strcmp(m->name, c->name) && m->select_all == c->select_all &&
	       same_keys(m->srcs.v, m->srcs.n, c->srcs, c->n_srcs) &&
	       same_keys(m->dsts.v, m->dsts.n, c->dsts, c->n_dsts) && m->out == c->out &&
	       m->out_vlan == c->out_vlan && m->snaplen == c->snaplen &&
	       same_text(m->filter_text, c->filter);
}

static void release_config(struct mirror *m)
{
	free(m->name);
	free(m->vlans);
	free(m->filter_text);
	free(m->filter);
	vec_done(&m->srcs);
	vec_done(&m->dsts);
}

static void take_config(struct mirror *m, const struct ofproto_mirror_config *c,
			struct match *filter)
{
	m->name = xstrdup(c->name);
	m->select_all = c->select_all;
	for (unsigned int i = 0; i < c->n_srcs; i++)
		vec_push(&m->srcs, c->srcs[i]);
	for (unsigned int i = 0; i < c->n_dsts; i++)
		vec_push(&m->dsts, c->dsts[i]);
	m->vlans = c->vlans ? xmemdup(c->vlans, VLAN_BITMAP_BYTES) : NULL;
	m->out = c->out;
	m->out_vlan = c->out_vlan;
	m->snaplen = c->snaplen;
	m->filter_text = xstrdup_null(c->filter);
	m->filter = filter;
}

static int port_number(void *p, const char *name, uint32_t *port)
{
	struct ofproto_port_info info;
	int error = ofproto_find_port_by_name(p, name, &info);
	if (!error)
		*port = info.ofp_port;
	return error;
}

static struct error *parse_filter(struct ofproto *p, const char *text, struct match **filter)
{
	*filter = NULL;
	if (!text)
		return NULL;
	struct match match;
	struct error *e = match_parse(&match, text, port_number, p);
	if (!e && match_use_table(&match, p->options))
		e = error_new("tun_metadata: the field has no option, or one of less bytes "
			      "(ovs-ofctl dump-tlv-map shows them)");
	if (!e)
		*filter = xmemdup(&match, sizeof(match));
	return e ? error_wrap(e, "filter \"%s\"", text) : NULL;
}

struct error *ofproto_set_mirror(struct ofproto *p, const void *aux,
				 const struct ofproto_mirror_config *c)
{
	size_t at;
	struct match *filter;
	struct mirror *m = find(p, aux, &at);
	if (m && same_config(m, c))
		return NULL;
	struct error *e = parse_filter(p, c->filter, &filter);
	if (!e && !m && p->mirrors.n >= XLATE_MAX_MIRRORS) {
		free(filter);
		e = error_new("a bridge has at most %d mirrors", XLATE_MAX_MIRRORS);
	}
	if (e) {
		ofproto_remove_mirror(p, aux);
		return e;
	}
	if (m) {
		struct patch_counters *counters = m->counters;
		release_config(m);
		*m = (struct mirror){.aux = aux, .counters = counters};
	} else {
		m = XNEW(struct mirror);
		m->aux = aux;
		m->counters = patch_counters_new();
		vec_push(&p->mirrors, m);
	}
	take_config(m, c, filter);
	snapshot_invalidate(p);
	return NULL;
}

static void mirror_free(struct mirror *m)
{
	release_config(m);
	patch_counters_unref(m->counters);
	free(m);
}

void ofproto_remove_mirror(struct ofproto *p, const void *aux)
{
	size_t at;
	struct mirror *m = find(p, aux, &at);
	if (!m)
		return;
	vec_remove(&p->mirrors, at);
	mirror_free(m);
	snapshot_invalidate(p);
}

void mirrors_done(struct ofproto *p)
{
	VEC_FOREACH (&p->mirrors, i)
		mirror_free(p->mirrors.v[i]);
	vec_done(&p->mirrors);
}

bool ofproto_mirror_stats(const struct ofproto *p, const void *aux, uint64_t *packets,
			  uint64_t *bytes)
{
	size_t at;
	const struct mirror *m = find(p, aux, &at);
	if (!m)
		return false;
	*packets = __atomic_load_n(&m->counters->tx_packets, __ATOMIC_RELAXED);
	*bytes = __atomic_load_n(&m->counters->tx_bytes, __ATOMIC_RELAXED);
	return true;
}

// --- For translation.

static int bundle_index(const struct ofproto *p, const void *aux)
{
	VEC_FOREACH (&p->bundles, i)
		if (p->bundles.v[i]->aux == aux)
			return p->bundles.v[i]->index;
	return -1;
}

static uint64_t *bundle_bits(const struct ofproto *p, bool all, const void *const *keys, size_t n)
{
	size_t n_words = p->bundles.n / 64 + 1;
	uint64_t *bits = xcalloc(n_words, sizeof(*bits));
	if (all)
		memset(bits, 0xff, n_words * sizeof(*bits));
	for (size_t i = 0; i < n && !all; i++) {
		int index = bundle_index(p, keys[i]);
		if (index >= 0)
			bits[index / 64] |= UINT64_C(1) << index % 64;
	}
	return bits;
}

struct xlate_mirror_config *mirrors_config(const struct ofproto *p, unsigned int *n)
{
	struct xlate_mirror_config *all = xcalloc(p->mirrors.n, sizeof(*all));
	*n = 0;
	VEC_FOREACH (&p->mirrors, i) {
		const struct mirror *m = p->mirrors.v[i];
		int out = m->out ? bundle_index(p, m->out) : -1;
		if (m->out && out < 0)
			continue; // its destination is not there
		all[(*n)++] = (struct xlate_mirror_config){
			.name = m->name,
			.src_bundles = bundle_bits(p, m->select_all, m->srcs.v, m->srcs.n),
			.dst_bundles = bundle_bits(p, m->select_all, m->dsts.v, m->dsts.n),
			.vlans = m->vlans,
			.out_bundle = out,
			.out_vlan = m->out_vlan,
			.snaplen = m->snaplen,
			.filter = m->filter,
			.counters = m->counters,
		};
	}
	return all;
}

void mirrors_config_free(struct xlate_mirror_config *all, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		free((void *)(uintptr_t)all[i].src_bundles);
		free((void *)(uintptr_t)all[i].dst_bundles);
	}
	free(all);
}

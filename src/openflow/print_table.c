/* SPDX-License-Identifier: Apache-2.0 */
// Tables, which are many and mostly alike: what repeats is folded.
#include <errno.h>
#include <string.h>

#include "openflow/print_row.h"

// A run of tables of which only the first was printed in full.
struct ditto {
	unsigned int first, last; // first > last: none
	bool printed;		  // something stands before
	bool folded;		  // and it is a line that ends in "ditto"
};

static void ditto_flush(struct str *s, struct ditto *d)
{
	if (d->first > d->last)
		return;
	if (!d->folded)
		str_addc(s, '\n');
	if (d->first == d->last)
		str_addf(s, "  table %u: ditto\n", d->first);
	else
		str_addf(s, "  tables %u...%u: ditto\n", d->first, d->last);
	d->folded = true;
	d->first = 1;
	d->last = 0;
}

static void begin_table(struct str *s, struct ditto *d, unsigned int id, const char *name, bool same)
{
	if (same && !*name) {
		if (d->first > d->last)
			d->first = id;
		d->last = id;
		return;
	}
	ditto_flush(s, d);
	if (d->printed && !(same && d->folded))
		str_addc(s, '\n');
	str_addf(s, "  table %u", id);
	if (*name)
		str_addf(s, " (\"%s\")", name);
	str_add(s, same ? ": ditto\n" : ":\n");
	d->printed = true;
	d->folded = same;
}

// --- What 1.0 can wildcard, grouped by the names' common beginnings.

static void print_group(struct str *s, uint32_t wildcards, const char *prefix, const struct bit_name *names, size_t n)
{
	unsigned int found = 0;
	for (size_t i = 0; i < n; i++)
		found += (wildcards & names[i].bit) != 0;
	if (!found)
		return;
	str_addf(s, "%s%s", prefix, found > 1 ? "{" : "");
	for (size_t i = 0; i < n; i++)
		if (wildcards & names[i].bit)
			str_addf(s, "%s,", names[i].name);
	str_chomp(s, ',');
	if (found > 1)
		str_addc(s, '}');
}

static void print_matching10(struct str *s, uint32_t w)
{
	static const struct bit_name eth[] = {{1 << 2, "src"}, {1 << 3, "dst"}, {1 << 4, "type"}};
	static const struct bit_name vlan[] = {{1 << 1, "vid"}, {1 << 20, "pcp"}};
	static const struct bit_name ip[] = {{63 << 8, "src"}, {63 << 14, "dst"}};
	static const struct bit_name nw[] = {{1 << 5, "proto"}, {1 << 21, "tos"}};
	static const struct bit_name tcp[] = {{1 << 6, "src"}, {1 << 7, "dst"}};
	str_add(s, "    matching:\n      exact match or wildcard:");
	if (w & 1)
		str_add(s, " in_port");
	print_group(s, w, " eth_", eth, 3);
	print_group(s, w, " vlan_", vlan, 2);
	print_group(s, w, " ip_", ip, 2);
	print_group(s, w, " nw_", nw, 2);
	print_group(s, w, " tcp_", tcp, 2);
	str_addc(s, '\n');
}

static bool same_features(const struct ofp_table_stats *a, const struct ofp_table_stats *b)
{
	return a->wildcards == b->wildcards && a->max_entries == b->max_entries;
}

static void print_table_features_of(struct str *s, uint8_t version, const struct ofp_table_stats *t,
				    const struct ofp_table_stats *before)
{
	if (version >= OFP13)
		return;
	if (before && same_features(t, before)) {
		str_add(s, "    (same features)\n");
		return;
	}
	if (version == OFP12)
		str_addf(s, "    metadata: match=%#llx write=%#llx\n", (unsigned long long)be64toh(t->metadata_match),
			 (unsigned long long)be64toh(t->metadata_write));
	if (version != OFP10)
		str_addf(s, "    config=%s\n", t->config == 1 ? "continue" : t->config == 2 ? "drop" : "controller");
	str_addf(s, "    max_entries=%u\n", t->max_entries);
	if (version == OFP10)
		print_matching10(s, t->wildcards);
}

int print_table_stats_reply(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	struct cursor body = m->body;
	struct ofp_table_stats t, before;
	struct ditto d = {.first = 1};
	bool any = false;
	int error;
	str_addc(s, '\n');
	while (!(error = ofp_table_stats_pull(&body, m->version, &t))) {
		bool same = any && same_features(&t, &before) && t.active_count == before.active_count &&
			    t.lookup_count == before.lookup_count && t.matched_count == before.matched_count;
		begin_table(s, &d, t.table_id, t.name, same);
		if (!same) {
			str_addf(s, "    active=%u, lookup=%llu, matched=%llu\n", t.active_count,
				 (unsigned long long)t.lookup_count, (unsigned long long)t.matched_count);
			print_table_features_of(s, m->version, &t, any ? &before : NULL);
		}
		before = t;
		any = true;
	}
	ditto_flush(s, &d);
	return error == -ENODATA ? 0 : error;
}

int print_table_features(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	struct cursor body = m->body;
	struct ofp_table_features t, before;
	struct ditto d = {.first = 1};
	bool any = false;
	int error;
	if (cursor_left(&body))
		str_addc(s, '\n');
	while (!(error = ofp_table_features_pull(&body, m->version, &t))) {
		bool last = t.n_tables == t.table_id + 1;
		bool same = any && last == (before.n_tables == before.table_id + 1) &&
			    t.metadata_match == before.metadata_match && t.metadata_write == before.metadata_write &&
			    t.max_entries == before.max_entries && t.config == before.config;
		begin_table(s, &d, t.table_id, t.name, same);
		if (!same) {
			str_addf(s, "    metadata: match=%#llx write=%#llx\n    max_entries=%u\n",
				 (unsigned long long)be64toh(t.metadata_match), (unsigned long long)be64toh(t.metadata_write),
				 t.max_entries);
			if (!last)
				str_addf(s, "    next tables: %u-%u\n", t.table_id + 1u, t.n_tables - 1u);
		}
		before = t;
		any = true;
	}
	ditto_flush(s, &d);
	return error == -ENODATA ? 0 : error;
}

void ofp_print_table_features(struct str *s, const void *bytes, size_t n)
{
	static const struct ofp_print_options none;
	struct ofp_msg m;
	int error = ofp_msg_identify(bytes, n, &m);
	if (!error && m.type == OFPTYPE_TABLE_FEATURES_STATS_REPLY) {
		struct str list = STR_INIT;
		error = print_table_features(&list, &m, &none);
		// Without the line that begins the list of a single message.
		if (!error && list.len)
			str_add(s, list.s + 1);
		str_done(&list);
	} else if (!error) {
		ofp_print(s, bytes, n, NULL);
	}
	if (error)
		str_addf(s, "***decode error: %s***\n", ofperr_name(error));
}

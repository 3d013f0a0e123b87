/* SPDX-License-Identifier: Apache-2.0 */
// Tables, which are many and mostly alike: what repeats is folded.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "openflow/print_row.h"

// --- Sets of names, "tun_{id,src,dst} reg0...reg15": neighbours that begin alike up to a "_" share
// that beginning, and numbers that follow each other are a range.

struct name_list {
	const char *v[FIELD_N_IDS];
	size_t n;
};

// The length of the beginning up to and with the first "_"; 0: none.
static size_t beginning(const char *name)
{
	const char *underscore = strchr(name, '_');
	return underscore ? (size_t)(underscore - name) + 1 : 0;
}

// Splits "reg12" into its length without the number, and the number. False: it does not end in one.
static bool numbered(const char *name, size_t *stem, unsigned int *number)
{
	size_t n = strlen(name);
	*stem = n;
	while (*stem && isdigit((unsigned char)name[*stem - 1]))
		--*stem;
	return *stem && *stem < n && sscanf(name + *stem, "%u", number) == 1;
}

// Names i to end begin alike up to `common`: how far they really do, up to and with a "_".
static size_t longest_beginning(const struct name_list *l, size_t skip, size_t i, size_t end,
				size_t common)
{
	for (;;) {
		const char *name = l->v[i] + skip;
		size_t more = beginning(name + common), k = i + 1;
		while (more && k < end && !strncmp(name, l->v[k] + skip, common + more))
			k++;
		if (!more || k < end)
			return common;
		common += more;
	}
}

// How many names from i on are numbered one after the other.
static size_t range_length(const struct name_list *l, size_t skip, size_t i, size_t end)
{
	size_t stem, other, k = i + 1;
	unsigned int number, next;
	if (!numbered(l->v[i] + skip, &stem, &number))
		return 1;
	while (k < end && numbered(l->v[k] + skip, &other, &next) && other == stem &&
	       !strncmp(l->v[i] + skip, l->v[k] + skip, stem) && next == number + (k - i))
		k++;
	return k - i;
}

enum { MAX_NESTING = 4 };

// Names i to end, of which the first `skip` characters are the same and already printed.
static void print_names(struct str *s, const struct name_list *l, size_t skip, size_t i, size_t end,
			char separator, int depth)
{
	for (bool first = true; i < end; first = false) {
		const char *name = l->v[i] + skip;
		size_t common = beginning(name), same = i + 1, range;
		if (!first)
			str_addc(s, separator);
		while (common && same < end && !strncmp(name, l->v[same] + skip, common))
			same++;
		range = range_length(l, skip, i, end);
		bool one_range = range > 2 && i + range >= same;
		if (same > i + 1 && !one_range && depth < MAX_NESTING) {
			common = longest_beginning(l, skip, i, same, common);
			str_addn(s, name, common);
			str_addc(s, '{');
			print_names(s, l, skip + common, i, same, ',', depth + 1);
			str_addc(s, '}');
			i = same;
			continue;
		}
		str_add(s, name);
		if (range > 2) {
			str_addf(s, "...%s", l->v[i + range - 1] + skip);
			i += range;
		} else {
			i++;
		}
	}
}

// The usual order is that of the field table, but for these, which stand right before another.
static const struct {
	enum field_id early, late;
} moved[] = {{FIELD_TUN_ERSPAN_IDX, FIELD_TUN_ERSPAN_VER},
	     {FIELD_NSH_MDTYPE, FIELD_NSH_TTL},
	     {FIELD_NSH_NP, FIELD_NSH_TTL},
	     {FIELD_NSH_SPI, FIELD_NSH_TTL},
	     {FIELD_NSH_SI, FIELD_NSH_TTL},
	     {FIELD_NSH_C1, FIELD_NSH_TTL},
	     {FIELD_NSH_C2, FIELD_NSH_TTL},
	     {FIELD_NSH_C3, FIELD_NSH_TTL},
	     {FIELD_NSH_C4, FIELD_NSH_TTL}};

static void list_field(struct name_list *l, const struct ofp_field_set *set, enum field_id id)
{
	if (ofp_field_set_has(set, id))
		l->v[l->n++] = field_get(id)->name;
}

static bool is_early(enum field_id id)
{
	for (size_t k = 0; k < sizeof(moved) / sizeof(moved[0]); k++)
		if (moved[k].early == id)
			return true;
	return false;
}

static void print_fields(struct str *s, const struct ofp_field_set *set)
{
	struct name_list l = {.n = 0};
	for (unsigned int i = 0; i < FIELD_N_IDS; i++) {
		for (size_t k = 0; k < sizeof(moved) / sizeof(moved[0]); k++)
			if (moved[k].late == i)
				list_field(&l, set, moved[k].early);
		if (!is_early((enum field_id)i))
			list_field(&l, set, (enum field_id)i);
	}
	print_names(s, &l, 0, 0, l.n, ' ', 0);
}

static bool set_is_empty(const struct ofp_field_set *set)
{
	static const struct ofp_field_set none;
	return !memcmp(set, &none, sizeof(none));
}

// --- Features.

static void print_actions(struct str *s, uint32_t actions)
{
	static const struct bit_name names[] = {
		{1u << 0, "output"},	   {1u << 22, "group"},	       {1u << 25, "set_field"},
		{1u << 1, "set_vlan_vid"}, {1u << 2, "set_vlan_pcp"},  {1u << 18, "strip_vlan"},
		{1u << 17, "push_vlan"},   {1u << 3, "mod_dl_src"},    {1u << 4, "mod_dl_dst"},
		{1u << 5, "mod_nw_src"},   {1u << 6, "mod_nw_dst"},    {1u << 7, "mod_nw_tos"},
		{1u << 8, "mod_nw_ecn"},   {1u << 23, "mod_nw_ttl"},   {1u << 9, "mod_tp_src"},
		{1u << 10, "mod_tp_dst"},  {1u << 24, "dec_ttl"},      {1u << 13, "set_mpls_label"},
		{1u << 14, "set_mpls_tc"}, {1u << 15, "set_mpls_ttl"}, {1u << 16, "dec_mpls_ttl"},
		{1u << 19, "push_mpls"},   {1u << 20, "pop_mpls"},     {1u << 21, "set_queue"},
	};
	print_bits(s, actions, names, sizeof(names) / sizeof(names[0]), ' ');
}

static void print_action_features(struct str *s, const char *which,
				  const struct ofp_table_actions *a)
{
	str_addf(s, "      %s features:\n", which);
	if (a->actions) {
		str_add(s, "        actions: ");
		print_actions(s, a->actions);
		str_addc(s, '\n');
	}
	if (!set_is_empty(&a->set_fields)) {
		str_add(s, "        supported on Set-Field: ");
		print_fields(s, &a->set_fields);
		str_addc(s, '\n');
	}
}

static void print_next_tables(struct str *s, const uint64_t next[4])
{
	bool any = false;
	for (unsigned int i = 0; i < 255; i++) {
		if (!(next[i / 64] >> i % 64 & 1))
			continue;
		unsigned int last = i;
		while (last + 1 < 255 && next[(last + 1) / 64] >> (last + 1) % 64 & 1)
			last++;
		str_add(s, any ? "," : "      next tables: ");
		str_addf(s, "%u", i);
		if (last > i)
			str_addf(s, "-%u", last);
		any = true;
		i = last;
	}
	if (any)
		str_addc(s, '\n');
}

static bool same_actions(const struct ofp_table_actions *a, const struct ofp_table_actions *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static void print_instructions(struct str *s, const struct ofp_table_instructions *i,
			       const struct ofp_table_instructions *before)
{
	static const struct bit_name names[] = {
		{1 << 6, "meter"},	   {1 << 4, "apply_actions"},  {1 << 5, "clear_actions"},
		{1 << 3, "write_actions"}, {1 << 2, "write_metadata"}, {1 << 7, "stat_trigger"},
		{1 << 1, "goto_table"}};
	print_next_tables(s, i->next);
	if (i->instructions && before && i->instructions == before->instructions) {
		str_add(s, "      (same instructions)\n");
	} else if (i->instructions) {
		str_add(s, "      instructions: ");
		print_bits(s, i->instructions, names, sizeof(names) / sizeof(names[0]), ' ');
		str_addc(s, '\n');
	}
	if (before && same_actions(&i->write, &before->write) &&
	    same_actions(&i->apply, &before->apply) && !set_is_empty(&i->write.set_fields)) {
		str_add(s, "      (same actions)\n");
	} else if (!same_actions(&i->write, &i->apply)) {
		print_action_features(s, "Write-Actions", &i->write);
		print_action_features(s, "Apply-Actions", &i->apply);
	} else if (i->write.actions || !set_is_empty(&i->write.set_fields)) {
		print_action_features(s, "Write-Actions and Apply-Actions", &i->write);
	}
}

static bool instructions_are_empty(const struct ofp_table_instructions *i)
{
	static const struct ofp_table_instructions none;
	return !memcmp(i, &none, sizeof(none));
}

// Of two neighbours the higher may have one next table less, itself: every table goes on to those
// behind it.
static bool same_next(const struct ofp_table_features *a, const struct ofp_table_features *b,
		      const uint64_t *next_a, const uint64_t *next_b)
{
	enum { BYTES = sizeof(a->hit.next) };
	if (!memcmp(next_a, next_b, BYTES))
		return true;
	bool up = b->table_id == a->table_id + 1, down = a->table_id == b->table_id + 1;
	if (!up && !down)
		return false;
	const uint64_t *higher_next = up ? next_b : next_a;
	unsigned int higher = up ? b->table_id : a->table_id;
	uint64_t lower[BYTES / 8];
	memcpy(lower, up ? next_a : next_b, BYTES);
	lower[higher / 64] &= ~(UINT64_C(1) << higher % 64);
	return !memcmp(lower, higher_next, BYTES);
}

static bool same_list(const struct ofp_table_features *a, const struct ofp_table_features *b,
		      const struct ofp_table_instructions *ia,
		      const struct ofp_table_instructions *ib)
{
	return same_next(a, b, ia->next, ib->next) && ia->instructions == ib->instructions &&
	       same_actions(&ia->write, &ib->write) && same_actions(&ia->apply, &ib->apply);
}

static bool same_instructions(const struct ofp_table_features *a,
			      const struct ofp_table_features *b)
{
	return same_list(a, b, &a->hit, &b->hit) &&
	       same_list(a, b, &a->miss_instructions, &b->miss_instructions);
}

static void print_all_instructions(struct str *s, const struct ofp_table_features *f,
				   const struct ofp_table_features *before)
{
	if (before && same_instructions(f, before)) {
		if (!instructions_are_empty(&f->hit))
			str_add(s, "    (same instructions)\n");
	} else if (memcmp(&f->hit, &f->miss_instructions, sizeof(f->hit))) {
		str_add(s, "    instructions (other than table miss):\n");
		print_instructions(s, &f->hit, before ? &before->hit : NULL);
		str_add(s, "    instructions (table miss):\n");
		print_instructions(s, &f->miss_instructions,
				   before ? &before->miss_instructions : NULL);
	} else if (!instructions_are_empty(&f->hit)) {
		str_add(s, "    instructions (table miss and others):\n");
		print_instructions(s, &f->hit, before ? &before->hit : NULL);
	}
}

static void print_set(struct str *s, const char *what, const struct ofp_field_set *set)
{
	if (set_is_empty(set))
		return;
	str_addf(s, "      %s: ", what);
	print_fields(s, set);
	str_addc(s, '\n');
}

// Which masks there are does not count.
static bool same_matching(const struct ofp_table_features *a, const struct ofp_table_features *b)
{
	return !memcmp(&a->match, &b->match, sizeof(a->match));
}

static void print_matching(struct str *s, const struct ofp_table_features *f,
			   const struct ofp_table_features *before)
{
	if (before && same_matching(f, before)) {
		if (!set_is_empty(&f->match))
			str_add(s, "    (same matching)\n");
		return;
	}
	if (set_is_empty(&f->match))
		return;
	struct ofp_field_set exact = f->match, either = f->match;
	for (size_t i = 0; i < sizeof(exact.bits) / sizeof(exact.bits[0]); i++) {
		exact.bits[i] &= ~f->wildcard.bits[i] & ~f->mask.bits[i];
		either.bits[i] &= f->wildcard.bits[i] & ~f->mask.bits[i];
	}
	str_add(s, "    matching:\n");
	print_set(s, "arbitrary mask", &f->mask);
	print_set(s, "exact match or wildcard", &either);
	print_set(s, "must exact match", &exact);
}

static bool same_capabilities(const struct ofp_table_features *a,
			      const struct ofp_table_features *b)
{
	return a->metadata_match == b->metadata_match && a->metadata_write == b->metadata_write &&
	       a->miss == b->miss && a->eviction == b->eviction && a->vacancy == b->vacancy &&
	       a->max_entries == b->max_entries && same_instructions(a, b) && same_matching(a, b);
}

static bool has_features(const struct ofp_table_features *f)
{
	return f->metadata_match || f->metadata_write || f->miss != OFPTABLE_MISS_DEFAULT ||
	       f->eviction != OFPTABLE_SAME || f->vacancy != OFPTABLE_SAME || f->max_entries ||
	       !instructions_are_empty(&f->hit) || !instructions_are_empty(&f->miss_instructions) ||
	       !set_is_empty(&f->match);
}

static void print_supported(struct str *s, const char *what, enum ofp_table_switch on)
{
	if (on != OFPTABLE_SAME)
		str_addf(s, "    %s: %ssupported\n", what, on == OFPTABLE_ON ? "" : "not ");
}

static void print_features_of(struct str *s, const struct ofp_table_features *f,
			      const struct ofp_table_features *before)
{
	static const char *const misses[] = {"", "controller", "continue", "drop"};
	if (f->metadata_match || f->metadata_write)
		str_addf(s, "    metadata: match=%#llx write=%#llx\n",
			 (unsigned long long)be64toh(f->metadata_match),
			 (unsigned long long)be64toh(f->metadata_write));
	if (f->miss != OFPTABLE_MISS_DEFAULT)
		str_addf(s, "    config=%s\n", misses[f->miss]);
	print_supported(s, "eviction", f->eviction);
	print_supported(s, "vacancy events", f->vacancy);
	if (f->max_entries)
		str_addf(s, "    max_entries=%u\n", f->max_entries);
	print_all_instructions(s, f, before);
	print_matching(s, f, before);
}

// --- Runs of tables.

// A run of tables of which only the first was printed in full.
struct ditto {
	unsigned int first, last;
	bool waits; // for the end of the run
	// What stands before.
	enum { NOTHING, IN_FULL, DITTO_BY_NAME, DITTO } before;
};

static void ditto_flush(struct str *s, struct ditto *d)
{
	if (!d->waits)
		return;
	if (d->before == IN_FULL)
		str_addc(s, '\n');
	if (d->first == d->last)
		str_addf(s, "  table %u: ditto\n", d->first);
	else
		str_addf(s, "  tables %u...%u: ditto\n", d->first, d->last);
	d->before = DITTO;
	d->waits = false;
}

static void begin_table(struct str *s, struct ditto *d, unsigned int id, const char *name,
			bool same)
{
	if (same && !*name) {
		if (!d->waits)
			d->first = id;
		d->last = id;
		d->waits = true;
		return;
	}
	ditto_flush(s, d);
	if (d->before == IN_FULL || d->before == DITTO)
		str_addc(s, '\n');
	str_addf(s, "  table %u", id);
	if (*name)
		str_addf(s, " (\"%s\")", name);
	str_add(s, same ? ": ditto\n" : ":\n");
	d->before = same ? DITTO_BY_NAME : IN_FULL;
}

int print_table_stats_reply(struct str *s, const struct ofp_msg *m,
			    const struct ofp_print_options *o)
{
	struct cursor body = m->body;
	struct ofp_table_stats t, before;
	struct ditto d = {0};
	bool any = false;
	int error;
	str_addc(s, '\n');
	while (!(error = ofp_table_stats_pull(&body, m->version, &t))) {
		bool alike = any && same_capabilities(&t.features, &before.features);
		bool same = alike && t.active_count == before.active_count &&
			    t.lookup_count == before.lookup_count &&
			    t.matched_count == before.matched_count;
		begin_table(s, &d, t.features.table_id, t.features.name, same);
		if (!same)
			str_addf(s, "    active=%u, lookup=%llu, matched=%llu\n", t.active_count,
				 (unsigned long long)t.lookup_count,
				 (unsigned long long)t.matched_count);
		if (!same && m->version < OFP13) {
			if (alike && has_features(&t.features))
				str_add(s, "    (same features)\n");
			else if (!alike)
				print_features_of(s, &t.features, any ? &before.features : NULL);
		}
		before = t;
		any = true;
	}
	ditto_flush(s, &d);
	return error == -ENODATA ? 0 : error;
}

int print_table_features(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	static const char *const commands[] = {"replace", "modify", "enable", "disable"};
	struct cursor body = m->body;
	struct ofp_table_features t, before;
	struct ditto d = {0};
	bool any = false;
	int error;
	while (!(error = ofp_table_features_pull(&body, m->version, false, &t))) {
		if (!any)
			str_addc(s, '\n');
		bool same = any && same_capabilities(&t, &before);
		if (!any && t.command != OFPTFC_REPLACE)
			str_addf(s, "  command: %s\n", commands[t.command]);
		begin_table(s, &d, t.table_id, t.name, same);
		if (!same)
			print_features_of(s, &t, any ? &before : NULL);
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

/* SPDX-License-Identifier: Apache-2.0 */
// Options of tunnels: the table, compared with a simple model; matches that have options, by
// themselves and in a classifier; options as a Geneve header has them.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/str.h"
#include "flow/classifier.h"
#include "flow/dpact.h"
#include "flow/options.h"

// --- The table.

// Every byte of flow.options belongs to one field at most, and the row says what was mapped.
static void check_table(const struct option_table *t, const struct option_map *maps,
			const bool *mapped)
{
	bool taken[FLOW_OPTIONS_BYTES] = {false};
	for (unsigned int i = 0; i < FLOW_N_OPTIONS; i++) {
		const struct field *f = option_table_field(t, i);
		struct option_map m;
		assert_int_equal(option_table_get(t, i, &m), mapped[i]);
		assert_int_equal(f != NULL, mapped[i]);
		assert_int_equal(option_table_mapped(t) >> i & 1, mapped[i]);
		if (!f)
			continue;
		assert_memory_equal(&m, &maps[i], sizeof(m));
		assert_int_equal(f->n_bytes, maps[i].option_len);
		assert_int_equal(f->n_bits, 8 * maps[i].option_len);
		assert_int_equal(f->id, FIELD_TUN_METADATA0 + i);
		for (unsigned int j = 0; j < f->n_bytes; j++) {
			assert_false(taken[f->at[j]]);
			taken[f->at[j]] = true;
		}
	}
}

static enum option_error expected(const struct option_map *m, const struct option_map *maps,
				  const bool *mapped)
{
	unsigned int used = 0;
	bool same = false;
	if (m->option_len % 4 || m->option_len > FLOW_OPTION_MAX)
		return OPTION_BAD_LEN;
	if (mapped[m->index])
		return OPTION_ALREADY_MAPPED;
	for (unsigned int i = 0; i < FLOW_N_OPTIONS; i++) {
		if (!mapped[i])
			continue;
		used += maps[i].option_len;
		same |= maps[i].option_class == m->option_class &&
			maps[i].option_type == m->option_type;
	}
	return same					   ? OPTION_DUPLICATE
	       : used + m->option_len > FLOW_OPTIONS_BYTES ? OPTION_FULL
							   : OPTION_OK;
}

static void test_table(void **state)
{
	unsigned int n_full = 0;
	random_seed(5);
	for (int round = 0; round < 50; round++) {
		struct option_table *t = option_table_new();
		struct option_map maps[FLOW_N_OPTIONS];
		bool mapped[FLOW_N_OPTIONS] = {false};
		for (int step = 0; step < 200; step++) {
			struct option_map m = {.option_class = (uint16_t)random_below(4),
					       .option_type = (uint8_t)random_below(20),
					       .option_len =
						       (uint8_t)random_below(round & 1 ? 130 : 12),
					       .index = (uint16_t)random_below(FLOW_N_OPTIONS)};
			if (random_below(3)) {
				enum option_error e = option_table_add(t, &m);
				assert_int_equal(e, expected(&m, maps, mapped));
				n_full += e == OPTION_FULL;
				if (e == OPTION_OK) {
					maps[m.index] = m;
					mapped[m.index] = true;
				}
			} else {
				uint64_t some = random_u64() & random_u64() & random_u64();
				option_table_delete(t, some);
				for (unsigned int i = 0; i < FLOW_N_OPTIONS; i++)
					mapped[i] &= !(some >> i & 1);
			}
			check_table(t, maps, mapped);
		}
		option_table_free(t);
	}
	assert_true(n_full > 100);
	assert_null(option_table_field(NULL, 3));
	option_table_free(NULL);
}

// 20 fields of 4 to 16 bytes, not all next to each other.
static struct option_table *some_table(void)
{
	struct option_table *t = option_table_new();
	for (unsigned int i = 0; i < 26; i++)
		assert_int_equal(
			option_table_add(
				t, &(struct option_map){.option_class = 0x1234,
							.option_type = (uint8_t)i,
							.option_len = (uint8_t)(4 * (1 + i % 4)),
							.index = (uint16_t)(2 * i)}),
			OPTION_OK);
	option_table_delete(t, 0x1100100);
	for (unsigned int i = 0; i < 4; i++)
		(void)option_table_add(t, &(struct option_map){0x4321, (uint16_t)(2 * i + 1),
							       (uint8_t)i, (uint8_t)(16 - 4 * i)});
	return t;
}

// --- Flows and matches.

// A random value; often like others.
static void some_value(const struct field *f, union field_value *v)
{
	for (unsigned int i = 0; i < f->n_bytes; i++)
		v->b[i] = (uint8_t)(random_below(8) ? random_below(2) : random_u32());
}

static void some_flow(const struct option_table *t, struct flow *f, unsigned int n)
{
	flow_clear(f);
	f->in_port = random_below(3);
	for (unsigned int i = 0; i < n; i++) {
		const struct field *row = option_table_field(t, random_below(5));
		union field_value v;
		if (!row)
			continue;
		some_value(row, &v);
		field_set_value(row, &v, f);
	}
}

static void some_match(const struct option_table *t, struct match *m, unsigned int n)
{
	match_init_any(m);
	m->table = t;
	if (random_below(2)) {
		m->flow.in_port = random_below(3);
		m->mask.in_port = UINT32_MAX;
	}
	for (unsigned int i = 0; i < n; i++) {
		const struct field *row = option_table_field(t, random_below(5));
		union field_value v, mask;
		if (!row)
			continue;
		some_value(row, &v);
		for (unsigned int j = 0; j < row->n_bytes; j++)
			mask.b[j] = (uint8_t)(random_below(8) ? 0 : random_below(2) ? 1 : 0xff);
		match_set(m, row, &v, random_below(10) ? &mask : NULL);
	}
}

// What a match means, field by field.
static bool accepts(const struct option_table *t, const struct match *m, const struct flow *f)
{
	if (m->mask.in_port && m->flow.in_port != f->in_port)
		return false;
	for (unsigned int i = 0; i < FLOW_N_OPTIONS; i++) {
		const struct field *row = option_table_field(t, i);
		union field_value want, mask, have;
		if (!(m->mask.tunnel.options >> i & 1))
			continue;
		if (!(f->tunnel.options >> i & 1))
			return false;
		field_get_value(row, &m->flow, &want);
		field_get_value(row, &m->mask, &mask);
		field_get_value(row, f, &have);
		for (unsigned int j = 0; j < row->n_bytes; j++)
			if ((want.b[j] ^ have.b[j]) & mask.b[j])
				return false;
	}
	return true;
}

// Uninitialized bytes behind flows without options must not count: they are filled with noise.
static void make_noise(struct flow *f)
{
	if (!f->tunnel.options)
		random_bytes(f->options, sizeof(f->options));
}

static void test_match(void **state)
{
	struct option_table *t = some_table();
	unsigned int n_accepted = 0;
	random_seed(6);
	for (int round = 0; round < 20000; round++) {
		struct match m, other, back;
		struct minimatch mini, mini2;
		struct flow f, masked;
		some_match(t, &m, random_below(3));
		some_match(t, &other, random_below(3));
		some_flow(t, &f, random_below(8));
		make_noise(&f);
		make_noise(&m.flow);
		make_noise(&m.mask);
		minimatch_init(&mini, &m);
		minimatch_expand(&mini, &back);
		back.table = t;
		assert_true(match_equal(&m, &back));
		minimatch_init(&mini2, &other);
		assert_int_equal(minimatch_equal(&mini, &mini2), match_equal(&m, &other));
		bool want = accepts(t, &m, &f);
		n_accepted += want && m.mask.tunnel.options;
		assert_int_equal(minimatch_accepts(&mini, &f), want);
		assert_int_equal(flow_equal_masked(&f, &m.flow, &m.mask), want);
		flow_mask(&masked, &f, &m.mask);
		assert_int_equal(flow_equal(&masked, &m.flow), want);
		match_copy(&back, &m);
		assert_true(match_equal(&m, &back));
		minimatch_done(&mini);
		minimatch_done(&mini2);
	}
	assert_true(n_accepted > 300);
	option_table_free(t);
}

struct rule {
	struct cls_rule cls;
	struct match match;
};

// The best rule by looking at all of them; and whatever the mask says does not matter, does not.
static void test_classifier(void **state)
{
	enum { N = 60 };
	struct option_table *t = some_table();
	unsigned int n_found = 0;
	random_seed(7);
	for (int round = 0; round < 60; round++) {
		struct classifier *c = classifier_new();
		struct rule rules[N];
		for (int i = 0; i < N; i++) {
			some_match(t, &rules[i].match, random_below(3));
			cls_rule_init(&rules[i].cls, &rules[i].match, i + 1);
			assert_null(classifier_replace(c, &rules[i].cls));
		}
		for (int k = 0; k < 200; k++) {
			struct flow f, mask, g;
			const struct rule *best = NULL;
			some_flow(t, &f, random_below(6));
			make_noise(&f);
			flow_clear(&mask);
			random_bytes(mask.options, sizeof(mask.options));
			for (int i = 0; i < N; i++)
				if (accepts(t, &rules[i].match, &f))
					best = &rules[i];
			struct cls_rule *found = classifier_lookup(c, &f, &mask);
			assert_ptr_equal(found, best ? &best->cls : NULL);
			assert_ptr_equal(classifier_lookup(c, &f, NULL), found);
			n_found += found && best->match.mask.tunnel.options;
			// Another flow that is the same under the mask.
			some_flow(t, &g, random_below(6));
			g.in_port = mask.in_port ? f.in_port : g.in_port;
			for (unsigned int i = 0; i < FLOW_N_OPTIONS; i++) {
				const struct field *row = option_table_field(t, i);
				union field_value v, bits;
				if (!(mask.tunnel.options >> i & 1))
					continue;
				if (!(f.tunnel.options >> i & 1)) {
					field_delete_option(row, &g);
					continue;
				}
				field_get_value(row, &f, &v);
				field_get_value(row, &mask, &bits);
				field_set_masked(row, &v, &bits, &g);
			}
			assert_true(flow_equal_masked(&f, &g, &mask));
			assert_ptr_equal(classifier_lookup(c, &g, NULL), found);
		}
		for (int i = 0; i < N; i++) {
			assert_ptr_equal(classifier_find_exactly(c, &rules[i].match, i + 1),
					 &rules[i].cls);
			classifier_remove(c, &rules[i].cls);
			cls_rule_done(&rules[i].cls);
		}
		classifier_free(c);
	}
	assert_true(n_found > 1000);
	option_table_free(t);
}

// --- Without a table.

static char *text_of(const struct match *m)
{
	struct str s = STR_INIT;
	match_format(m, &s, -1, NULL, NULL);
	char *text = strdup(str_cstr(&s));
	str_done(&s);
	return text;
}

static void check_text(const char *in, const char *want)
{
	struct match m, again;
	struct error *e = match_parse(&m, in, NULL, NULL);
	if (e)
		fail_msg("%s: %s", in, error_text(e));
	char *out = text_of(&m);
	assert_string_equal(out, want);
	e = match_parse(&again, out, NULL, NULL);
	assert_null(e);
	char *twice = text_of(&again);
	assert_int_equal(!strcmp(twice, want),
			 !strstr(want, "/0xff") ||
				 strstr(want, "/0xff00")); // a mask of all that is left is none
	free(out);
	free(twice);
}

static void check_error(const char *in, const char *want)
{
	struct match m;
	struct error *e = match_parse(&m, in, NULL, NULL);
	assert_non_null(e);
	assert_string_equal(error_text(e), want);
	error_free(e);
}

static void test_text(void **state)
{
	check_text("tun_metadata0=0x1234", "tun_metadata0=0x1234");
	check_text("tun_metadata0=0x1234/0xff", "tun_metadata0=0x34/0xff");
	check_text("tun_metadata0=0x1234/0xff00", "tun_metadata0=0x1200/0xff00");
	check_text("tun_metadata0", "tun_metadata0");
	check_text("tun_metadata63=0", "tun_metadata63=0");
	check_text("tun_metadata0=0/0", "tun_metadata0");
	check_text("tun_metadata0=0x5/0xff", "tun_metadata0=0x5");
	check_text("tun_metadata3=5,tun_metadata1=0xabcdef0011",
		   "tun_metadata1=0xabcdef0011,tun_metadata3=0x5");
	check_text("tun_metadata0[0..15]=0x1200", "tun_metadata0=0x1200");
	check_text("tun_metadata0[8..15]=0x12", "tun_metadata0=0x1200/0xff00");
	check_error("tun_metadata0=1,tun_metadata0=2", "field tun_metadata0 set multiple times");
	check_error("tun_metadata64=1", "unknown keyword tun_metadata64");
	check_error("tun_metadata00=1", "unknown keyword tun_metadata00");
	check_error("tun_metadata0=zz", "zz: bad syntax for tun_metadata0 value");
	struct str s = STR_INIT;
	for (int i = 0; i < 3; i++) {
		str_addf(&s, "tun_metadata%d=0x", i);
		for (int j = 0; j < FLOW_OPTION_MAX; j++)
			str_add(&s, "ab");
		str_addc(&s, ',');
	}
	check_error(
		str_cstr(&s),
		"field tun_metadata2 exceeds maximum size for tunnel metadata (used 372, max 256)");
	str_done(&s);
}

// The order in which options were put does not matter; a table takes them over.
static void test_without_table(void **state)
{
	struct option_table *t = some_table();
	struct match a, b, c;
	assert_null(match_parse(&a, "tun_metadata12=0x1234,tun_metadata10=0x56,tun_metadata14",
				NULL, NULL));
	assert_null(match_parse(&b, "tun_metadata14,tun_metadata10=0x56,tun_metadata12=0x1234",
				NULL, NULL));
	assert_null(match_parse(&c, "tun_metadata14,tun_metadata10=0x57,tun_metadata12=0x1234",
				NULL, NULL));
	assert_true(match_equal(&a, &b));
	assert_false(match_equal(&a, &c));
	assert_null(match_parse(&a, "tun_metadata12=0x1234,tun_metadata10=0x56/0xff,tun_metadata14",
				NULL, NULL));
	assert_false(match_equal(&a, &b)); // fewer bits of the option
	assert_int_equal(match_use_table(&a, t), 0);
	assert_int_equal(match_use_table(&b, t), 0);
	assert_int_equal(match_use_table(&c, t), 0);
	assert_ptr_equal(a.table, t);
	assert_false(match_equal(&a, &b));
	assert_false(match_equal(&a, &c));
	char *text = text_of(&a);
	assert_string_equal(text, "tun_metadata10=0x56/0xff,tun_metadata12=0x1234,tun_metadata14");
	free(text);
	assert_null(match_parse(&a, "tun_metadata60=1", NULL, NULL)); // not mapped
	assert_int_equal(match_use_table(&a, t), -ENOENT);
	assert_null(match_parse(&a, "tun_metadata10=0x123456789abcdef012", NULL, NULL)); // too long
	assert_int_equal(match_use_table(&a, t), -ERANGE);
	assert_null(match_parse(&a, "in_port=1", NULL, NULL));
	assert_int_equal(match_use_table(&a, NULL), 0);
	option_table_free(t);
}

// --- As a header has them.

static void test_header(void **state)
{
	struct option_table *t = option_table_new();
	struct flow key, mask, flow, all;
	assert_int_equal(option_table_add(t, &(struct option_map){0x1234, 5, 0x80, 4}), OPTION_OK);
	assert_int_equal(option_table_add(t, &(struct option_map){0xffff, 7, 1, 8}), OPTION_OK);
	const char *text = "tunnel(tun_id=0x5,src=1.2.3.4,dst=5.6.7.8,geneve({class=0x1234,type="
			   "0x80,len=4,0xa}{class=0x7,type=3,len=0}"
			   "{class=0xffff,type=0x1,len=8,0x1122334455667788/"
			   "0xff}),flags(key)),in_port(1),eth(),eth_type(0/0xffff)";
	assert_null(dpkey_parse(text, &key, &mask, NULL, NULL));
	assert_int_equal(key.tunnel.options, (8 + 4 + 12) / 4);
	flow_copy(&flow, &key);
	assert_true(options_to_fields(t, &flow));
	assert_int_equal(flow.tunnel.options, 1 << 5 | 1 << 7);
	union field_value v;
	field_get_value(option_table_field(t, 5), &flow, &v);
	assert_int_equal(be32toh(v.be32), 0xa);
	field_get_value(option_table_field(t, 7), &flow, &v);
	assert_int_equal(be64toh(v.be64), 0x88);

	// The mask of the fields becomes one of the header; headers always count.
	flow_clear(&all);
	field_unwildcard(option_table_field(t, 5), NULL, &all);
	options_mask_to_key(t, &key, &all);
	struct str s = STR_INIT;
	dpkey_format(&s, &key, &all, NULL, NULL, false);
	assert_non_null(strstr(str_cstr(&s),
			       "geneve({class=0x1234,type=0x80,len=4,0xa}{class=0x7,type=0x3,len=0}"
			       "{class=0xffff,type=0x1,len=8,0x88/0})"));
	str_done(&s);

	// Critical and unknown; another length.
	static const char *const bad[] = {"tunnel(geneve({class=0x1,type=0x81,len=4,0xa}))",
					  "tunnel(geneve({class=0x1234,type=0x80,len=8,0xa}))"};
	for (size_t i = 0; i < 2; i++) {
		assert_null(dpkey_parse(bad[i], &key, &mask, NULL, NULL));
		assert_false(options_to_fields(t, &key));
	}
	static const char *const syntax[] = {
		"tunnel(geneve({class=0x1,type=0x81,len=3,0xa}))",
		"tunnel(geneve({class=0x1,type=0x81}))",
		"tunnel(geneve({class=0x1,type=0x81,len=4,0x123456789}))", "tunnel(geneve({}))",
		"tunnel(geneve("};
	for (size_t i = 0; i < sizeof(syntax) / sizeof(syntax[0]); i++) {
		struct error *e = dpkey_parse(syntax[i], &key, &mask, NULL, NULL);
		assert_non_null(e);
		error_free(e);
	}
	option_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),	      cmocka_unit_test(test_match),
		cmocka_unit_test(test_classifier),    cmocka_unit_test(test_text),
		cmocka_unit_test(test_without_table), cmocka_unit_test(test_header),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
// Which variant of the code runs: the commands that list them and force one (dp.h).
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "dp/user/user.h"
#include "dp/user/variant.h"

LOG_MODULE(dpif_netdev);

static struct dp_user *user(struct dp *dp)
{
	return (struct dp_user *)(void *)dp;
}

// --- Searches in subtables: the one with the highest priority is used, the better one of equals.
// Number 0 is the autovalidator.

static struct megaflow *search_with_all(const struct flow_table *ft, const struct subtable *st,
					uint64_t hash, const struct dp_meta *meta,
					const uint8_t *header)
{
	unsigned int n;
	const struct variant *v = variants(&n);
	struct megaflow *first = v[0].subtable_search(ft, st, hash, meta, header);
	for (unsigned int i = 1; i < n; i++)
		// A writer may have come in between: those that differ are asked once more.
		if (v[i].works() && v[i].subtable_search(ft, st, hash, meta, header) != first &&
		    v[i].subtable_search(ft, st, hash, meta, header) !=
			    v[0].subtable_search(ft, st, hash, meta, header))
			log_err_rl("the searches in subtables disagree: %s and %s", v[0].search,
				   v[i].search);
	return first;
}

void variant_priorities_init(struct dp_user *dp)
{
	unsigned int n;
	const struct variant *v = variants(&n);
	for (unsigned int i = 0; i < n; i++)
		dp->search_priority[i + 1] = v[i].works() ? (uint8_t)(i + 1) : 0;
}

static unsigned int chosen_search(const struct dp_user *dp)
{
	unsigned int n, best = 1;
	const struct variant *v = variants(&n);
	for (unsigned int i = 2; i <= n; i++)
		if (v[i - 1].works() && dp->search_priority[i] >= dp->search_priority[best])
			best = i;
	return dp->search_priority[0] > dp->search_priority[best] ? 0 : best;
}

static void format_searches(struct dp_user *dp, struct str *s)
{
	unsigned int n, chosen = chosen_search(dp), masks = flow_table_n_masks(dp->flows);
	const struct variant *v = variants(&n);
	str_add(s, "Available dpcls implementations:\n");
	for (unsigned int i = 0; i <= n; i++)
		if (!i || v[i - 1].works())
			str_addf(s, "  %s (Use count: %u, Priority: %u)\n",
				 i ? v[i - 1].search : "autovalidator", i == chosen ? masks : 0,
				 dp->search_priority[i]);
}

static struct error *choose_search(struct dp_user *dp, const struct dp_variant_choice *c,
				   struct str *reply)
{
	unsigned int n, at = 0, before = chosen_search(dp);
	const struct variant *v = variants(&n);
	if (strcmp(c->name, "autovalidator"))
		for (at = 1; at <= n && (strcmp(v[at - 1].search, c->name) || !v[at - 1].works());)
			at++;
	if (at > n)
		return error_new("error, subtable lookup function not found");
	if (c->priority > UINT8_MAX)
		return error_new("error converting priority, use integer in range 0-255");
	dp->search_priority[at] = (uint8_t)c->priority;
	unsigned int now = chosen_search(dp);
	__atomic_store_n(&dp->flows->search, now ? v[now - 1].subtable_search : search_with_all,
			 __ATOMIC_RELAXED);
	str_addf(reply, "Lookup priority change affected %u dpcls ports and %u subtables.\n",
		 now != before, now != before ? flow_table_n_masks(dp->flows) : 0);
	return NULL;
}

// --- The whole burst.

static void format_cores(const struct dp_user *dp, const struct variant *v, struct str *s)
{
	const char *separator = "";
	for (const struct dp_thread *t = NULL; (t = dp_user_next_poller(dp, -1, t));) {
		if (v && t->variant != v)
			continue;
		str_addf(s, "%s%u", separator, t->core);
		separator = ",";
	}
	if (!*separator)
		str_add(s, "none");
}

static void format_impls(const struct dp_user *dp, struct str *s)
{
	unsigned int n;
	const struct variant *v = variants(&n);
	str_add(s, "Available DPIF implementations:\n");
	for (unsigned int i = 0; i < n; i++) {
		if (!v[i].works())
			continue;
		str_addf(s, "  dpif_%s (pmds: ", v[i].name);
		format_cores(dp, &v[i], s);
		str_add(s, ")\n");
	}
}

static struct error *choose_impl(struct dp_user *dp, const struct dp_variant_choice *c,
				 struct str *reply)
{
	const struct variant *v = strncmp(c->name, "dpif_", 5) ? NULL : variant_find(c->name + 5);
	if (!v)
		return error_new(
			"DPIF implementation not available: Unknown DPIF implementation %s.",
			c->name);
	dp->variant = v;
	__atomic_store_n(&dp->main->variant, v, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < dp->n_threads; i++)
		__atomic_store_n(&dp->threads[i]->variant, v, __ATOMIC_RELAXED);
	str_addf(reply, "DPIF implementation set to %s.\n", c->name);
	return NULL;
}

// --- Extraction of flows: the key is the packet, there is one way to tell its layout.

static struct error *choose_parser(struct dp_user *dp, const struct dp_variant_choice *c,
				   struct str *reply)
{
	if (c->core >= 0 && !dp_user_next_poller(dp, c->core, NULL))
		return error_new("Error: miniflow extract parser not changed, PMD thread %d not in "
				 "use, pass a valid pmd thread ID.",
				 c->core);
	if (strcmp(c->name, "scalar"))
		return error_new("Error: unknown miniflow extract implementation %s.", c->name);
	str_add(reply, "Miniflow extract implementation set to scalar");
	if (c->core >= 0)
		str_addf(reply, ", on pmd thread %d", c->core);
	str_add(reply, ".\n");
	return NULL;
}

struct error *dp_user_variant_format(struct dp *base, enum dp_variant_of what, struct str *s)
{
	struct dp_user *dp = user(base);
	switch (what) {
	case DP_VARIANT_IMPL:
		format_impls(dp, s);
		break;
	case DP_VARIANT_SEARCH:
		format_searches(dp, s);
		break;
	case DP_VARIANT_PARSER:
		str_add(s, "Available MFEX implementations:\n  scalar (available: True pmds: ");
		format_cores(dp, NULL, s);
		str_add(s, ")\n");
		break;
	}
	return NULL;
}

struct error *dp_user_variant_choose(struct dp *base, enum dp_variant_of what,
				     const struct dp_variant_choice *c, struct str *reply)
{
	struct dp_user *dp = user(base);
	switch (what) {
	case DP_VARIANT_IMPL:
		return choose_impl(dp, c, reply);
	case DP_VARIANT_SEARCH:
		return choose_search(dp, c, reply);
	case DP_VARIANT_PARSER:
		return choose_parser(dp, c, reply);
	}
	return NULL;
}

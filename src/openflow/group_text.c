/* SPDX-License-Identifier: Apache-2.0 */
// Groups as text. A group's own words come first; each "bucket=" begins a bucket, which goes on up
// to the next one.
#include "openflow/group.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "openflow/action_row.h"

static const char *const type_names[OFPGT_N] = {"all", "select", "indirect", "ff"};

const char *ofp_group_type_name(enum ofp_group_type type)
{
	return type < OFPGT_N ? type_names[type] : "unknown";
}

struct group_parse {
	const struct ofpact_text *names;
	struct ofp_group_mod *gm;
	uint32_t *usable;
	bool has_id, has_type, has_command_bucket, has_buckets, has_param;
};

// --- Buckets.

static struct error *parse_watch_port(const struct group_parse *p, const char *text, uint32_t *port)
{
	if (!ofp_port_parse(text, p->names ? p->names->port_number : NULL,
			    p->names ? p->names->arg : NULL, port) ||
	    (*port >= OFPP_MAX && *port != OFPP_NONE))
		return error_new("%s: invalid watch_port", text);
	return NULL;
}

static struct error *parse_bucket_id(const char *text, uint32_t *id)
{
	struct error *e = text_u32(text, id);
	if (!e && *id > OFPG_BUCKET_MAX)
		return error_new("invalid bucket_id id %u", *id);
	return e;
}

static struct error *parse_watch_group(const char *text, uint32_t *id)
{
	struct error *e = text_u32(text, id);
	if (!e && *id > OFPG_MAX)
		return error_new("invalid watch_group id %u", *id);
	return e;
}

// What is left of a bucket's text when its own words are taken out.
struct bucket_actions {
	struct str text;
	bool found; // "actions=" alone says that there are none
};

// One word of a bucket; those that are none of its own are actions, put back together into
// `actions`, all in the form "key(value)".
static struct error *parse_bucket_word(struct group_parse *p, struct ofp_bucket *b, char *key,
				       char *value, struct bucket_actions *actions)
{
	if (!strcasecmp(key, "weight"))
		return text_u16(value, "weight", &b->weight);
	if (!strcasecmp(key, "watch_port"))
		return parse_watch_port(p, value, &b->watch_port);
	if (!strcasecmp(key, "watch_group"))
		return parse_watch_group(value, &b->watch_group);
	if (!strcasecmp(key, "bucket_id"))
		return parse_bucket_id(value, &b->bucket_id);
	if (!strcasecmp(key, "action") || !strcasecmp(key, "actions"))
		str_addf(&actions->text, "%s,", value);
	else if (!strcasecmp(key, "check_pkt_larger") && strstr(value, ")->"))
		str_addf(&actions->text, "%s(%s,", key, value); // the parenthesis is in the value
	else
		str_addf(&actions->text, "%s(%s),", key, value);
	actions->found = true;
	return NULL;
}

static struct error *parse_bucket_actions(struct group_parse *p, const char *text,
					  struct ofp_bucket *b)
{
	struct buf list = BUF_INIT;
	uint32_t usable;
	struct error *e = ofpacts_parse_actions(text, p->names, &list, &usable);
	if (!e)
		*p->usable &= usable;
	b->actions = list.data;
	b->actions_len = list.len;
	return e;
}

static struct error *parse_bucket(struct group_parse *p, const char *text)
{
	struct ofp_group *g = &p->gm->group;
	struct ofp_bucket *b = vec_extend(&g->buckets);
	*b = (struct ofp_bucket){.bucket_id = OFPG_BUCKET_ALL, // number_buckets()
				 .weight = g->type == OFPGT_SELECT,
				 .watch_port = OFPP_NONE,
				 .watch_group = OFPG_ANY};
	char *copy = xstrdup(text), *s = copy, *key, *value;
	struct bucket_actions actions = {.text = STR_INIT};
	struct error *e = NULL;
	while (!e && text_next_pair(&s, &key, &value))
		e = parse_bucket_word(p, b, key, value, &actions);
	str_chomp(&actions.text, ',');
	if (!e && !actions.found)
		e = error_new("bucket must specify actions");
	if (!e && g->type == OFPGT_FF && b->watch_port == OFPP_NONE && b->watch_group == OFPG_ANY)
		e = error_new("fast failover bucket requires watch_port or watch_group");
	if (!e)
		e = parse_bucket_actions(p, str_cstr(&actions.text), b);
	if (!e && b->weight && g->type != OFPGT_SELECT && p->has_type)
		e = error_new("Only select groups can have bucket weights.");
	str_done(&actions.text);
	free(copy);
	return e;
}

// Buckets without an id get the lowest that are free.
static void number_buckets(struct ofp_group *g)
{
	uint32_t next = 0;
	VEC_FOREACH (&g->buckets, i) {
		if (g->buckets.v[i].bucket_id != OFPG_BUCKET_ALL)
			continue;
		while (ofp_group_find_bucket(g, next))
			next++;
		g->buckets.v[i].bucket_id = next++;
	}
}

// --- The group's words.

static struct error *parse_fields(struct group_parse *p, char *text)
{
	char *key, *value;
	while (text_next_pair(&text, &key, &value)) {
		struct ofp_group_field f;
		memset(&f, 0, sizeof(f));
		f.field = field_find(key);
		if (!f.field)
			return error_new("%s: unknown field %s", text, key);
		memset(f.mask.b, UINT8_MAX, f.field->n_bytes);
		if (*value) {
			union field_value whole;
			struct error *e = field_parse_value(f.field, value, &f.mask, &whole);
			if (e)
				return e;
			if (field_mask_is_zero(f.field, &f.mask))
				return error_new(
					"%s: values are wildcards here and must not be all-zeros",
					text);
		}
		*p->usable &= field_protocols(f.field, FIELD_FIXED_EXACT);
		if (!ofp_group_add_field(&p->gm->group, &f))
			return error_new("%s: duplicate field", key);
	}
	return NULL;
}

static struct error *parse_command_bucket(struct group_parse *p, const char *value)
{
	uint32_t *id = &p->gm->command_bucket_id;
	if (p->gm->command != OFPGC_INSERT_BUCKET && p->gm->command != OFPGC_REMOVE_BUCKET)
		return error_new("command bucket id is not needed");
	p->has_command_bucket = true;
	struct error *e = NULL;
	if (!strcmp(value, "all"))
		*id = OFPG_BUCKET_ALL;
	else if (!strcmp(value, "first"))
		*id = OFPG_BUCKET_FIRST;
	else if (!strcmp(value, "last"))
		*id = OFPG_BUCKET_LAST;
	else
		e = text_u32(value, id);
	if (e)
		return e;
	if (*id == OFPG_BUCKET_ALL && p->gm->command == OFPGC_INSERT_BUCKET)
		return error_new("command_bucket_id=all is not permitted");
	if (*id > OFPG_BUCKET_MAX && *id != OFPG_BUCKET_ALL && *id != OFPG_BUCKET_FIRST &&
	    *id != OFPG_BUCKET_LAST)
		return error_new("invalid command bucket id %u", *id);
	return NULL;
}

// Does the command make the group what the text says?
static bool makes_group(const struct ofp_group_mod *gm)
{
	return gm->command == OFPGC_ADD || gm->command == OFPGC_MODIFY ||
	       gm->command == OFPGC_ADD_OR_MOD;
}

static struct error *parse_group_id(struct group_parse *p, const char *value)
{
	uint32_t *id = &p->gm->group.group_id;
	p->has_id = true;
	if (!strcmp(value, "all")) {
		*id = OFPG_ALL;
		return NULL;
	}
	struct error *e = text_u32(value, id);
	if (!e && *id > OFPG_MAX)
		return error_new("invalid group id %u", *id);
	return e;
}

static struct error *parse_type(struct group_parse *p, const char *value)
{
	if (!makes_group(p->gm))
		return error_new("type is not needed");
	p->has_type = true;
	for (unsigned int i = 0; i < OFPGT_N; i++)
		if (!strcmp(value, type_names[i]) ||
		    (i == OFPGT_FF && !strcmp(value, "fast_failover"))) {
			p->gm->group.type = i;
			return NULL;
		}
	return error_new("invalid group type %s", value);
}

static struct error *parse_method(struct group_parse *p, const char *value)
{
	if (!makes_group(p->gm))
		return error_new("selection method is not needed");
	if (strlen(value) >= OFP_SELECTION_METHOD_LEN)
		return error_new("selection method is longer than %d bytes long",
				 OFP_SELECTION_METHOD_LEN - 1);
	memset(p->gm->group.method, 0, sizeof(p->gm->group.method));
	memcpy(p->gm->group.method, value, strlen(value));
	*p->usable &= OFPROTO_10_ANY | OFPROTO_NXM_ANY | OFPROTO_15;
	return NULL;
}

static struct error *parse_word(struct group_parse *p, char *key, char *value)
{
	if (!strcmp(key, "group_id"))
		return parse_group_id(p, value);
	if (!strcmp(key, "command_bucket_id"))
		return parse_command_bucket(p, value);
	if (!strcmp(key, "type"))
		return parse_type(p, value);
	if (!strcmp(key, "selection_method"))
		return parse_method(p, value);
	if (!strcmp(key, "selection_method_param")) {
		if (!makes_group(p->gm))
			return error_new("selection method param is not needed");
		p->has_param = true;
		return text_u64(value, &p->gm->group.method_param);
	}
	if (!strcmp(key, "fields"))
		return makes_group(p->gm) ? parse_fields(p, value)
					  : error_new("fields are not needed");
	return error_new("unknown keyword %s", key);
}

// What must be said before the buckets.
static struct error *check_words(const struct group_parse *p)
{
	const struct ofp_group_mod *gm = p->gm;
	bool changes_buckets =
		gm->command == OFPGC_INSERT_BUCKET || gm->command == OFPGC_REMOVE_BUCKET;
	if (!p->has_id)
		return error_new("must specify a group_id");
	if (makes_group(gm) && !p->has_type)
		return error_new("must specify a type");
	if (changes_buckets && !p->has_command_bucket && gm->command == OFPGC_INSERT_BUCKET)
		return error_new("must specify a command bucket id");
	if (strcmp(gm->group.method, "hash") && gm->group.fields.n)
		return error_new("fields may only be specified with \"selection_method=hash\"");
	if (!gm->group.method[0] && p->has_param)
		return error_new(
			"selection_method_param is only allowed with \"selection_method\"");
	return NULL;
}

static const char bucket_word[] = "bucket="; // begins a bucket, wherever it stands

static struct error *parse_groups_words(struct group_parse *p, char *s)
{
	char *key, *value;
	while (text_next_pair(&s, &key, &value)) {
		struct error *e = parse_word(p, key, value);
		if (e)
			return e;
	}
	return NULL;
}

static struct error *take_command(char **s, int command, struct ofp_group_mod *gm)
{
	static const struct {
		const char *word;
		enum ofp_group_command command;
	} commands[] = {{"add", OFPGC_ADD},
			{"delete", OFPGC_DELETE},
			{"modify", OFPGC_MODIFY},
			{"add_or_mod", OFPGC_ADD_OR_MOD},
			{"insert_bucket", OFPGC_INSERT_BUCKET},
			{"remove_bucket", OFPGC_REMOVE_BUCKET}};
	gm->command = command < 0 ? OFPGC_ADD : (enum ofp_group_command)command;
	gm->command_bucket_id = OFPG_BUCKET_ALL;
	*s += strspn(*s, " \t");
	size_t n = strcspn(*s, "=, \t");
	if (command >= 0 || (*s)[n] == '=')
		return NULL;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strncmp(*s, commands[i].word, n)) { // or its beginning
			gm->command = commands[i].command;
			*s += n;
			return NULL;
		}
	return NULL;
}

struct error *ofp_group_mod_parse(const char *text, int command, const struct ofpact_text *names,
				  struct ofp_group_mod *gm, uint32_t *usable)
{
	struct group_parse p = {.names = names, .gm = gm, .usable = usable};
	char *copy = xstrdup(text), *s = copy;
	memset(gm, 0, sizeof(*gm));
	*usable = OFPROTO_ALL;
	struct error *e = take_command(&s, command, gm);
	if (gm->command == OFPGC_INSERT_BUCKET || gm->command == OFPGC_REMOVE_BUCKET)
		*usable &= OFPROTO_10_ANY | OFPROTO_NXM_ANY | OFPROTO_15;
	char *bucket = strstr(s, bucket_word);
	if (bucket)
		*bucket = '\0';
	if (!*(command < 0 ? s : text) && gm->command == OFPGC_DELETE) {
		gm->group.group_id = OFPG_ALL;
		goto out;
	}
	if (!e && bucket && (gm->command == OFPGC_DELETE || gm->command == OFPGC_REMOVE_BUCKET))
		e = error_new("bucket is not needed");
	if (!e)
		e = parse_groups_words(&p, s);
	if (!e)
		e = check_words(&p);
	if (bucket)
		*usable = OFPROTO_ALL; // buckets are sent where the selection method gets lost
	while (!e && bucket) {
		char *begin = bucket + sizeof(bucket_word) - 1;
		bucket = strstr(begin, bucket_word);
		if (bucket)
			*bucket = '\0';
		e = parse_bucket(&p, begin);
	}
	number_buckets(&gm->group);
	if (!e && gm->group.type == OFPGT_INDIRECT && gm->group.buckets.n > 1)
		e = error_new("Indirect groups can have at most one bucket.");
out:
	free(copy);
	return e;
}

// --- Printing.

static void format_bucket(const struct ofp_bucket *b, enum ofp_group_type type, bool ids,
			  const struct ofpact_text *names, struct str *s)
{
	str_add(s, ",bucket=");
	if (ids)
		str_addf(s, "bucket_id:%u,", b->bucket_id);
	if (b->weight != (type == OFPGT_SELECT))
		str_addf(s, "weight:%u,", b->weight);
	if (b->watch_port != OFPP_NONE) {
		str_add(s, "watch_port:");
		ofp_port_format(b->watch_port, names ? names->port_name : NULL,
				names ? names->arg : NULL, s);
		str_addc(s, ',');
	}
	if (b->watch_group != OFPG_ANY)
		str_addf(s, "watch_group:%u,", b->watch_group);
	str_add(s, "actions=");
	ofpacts_format(b->actions, b->actions_len, names, s);
}

static void format_field(const struct ofp_group_field *f, struct str *s)
{
	union field_value all;
	memset(all.b, UINT8_MAX, f->field->n_bytes);
	str_add(s, f->field->name);
	if (memcmp(all.b, f->mask.b, f->field->n_bytes)) {
		str_addc(s, '=');
		field_format_value(f->field, &f->mask, NULL, NULL, NULL, s);
	}
}

static void format_method(const struct ofp_group *g, struct str *s)
{
	if (!g->method[0])
		return;
	str_addf(s, ",selection_method=%s", g->method);
	if (g->method_param)
		str_addf(s, ",selection_method_param=%llu", (unsigned long long)g->method_param);
	if (!g->fields.n)
		return;
	str_add(s, g->fields.n == 1 ? ",fields=" : ",fields(");
	VEC_FOREACH (&g->fields, i) {
		if (i)
			str_addc(s, ',');
		format_field(&g->fields.v[i], s);
	}
	if (g->fields.n > 1)
		str_addc(s, ')');
}

void ofp_group_format(const struct ofp_group *g, bool bucket_ids, const struct ofpact_text *names,
		      struct str *s)
{
	str_addf(s, ",type=%s", ofp_group_type_name(g->type));
	format_method(g, s);
	VEC_FOREACH (&g->buckets, i)
		format_bucket(&g->buckets.v[i], g->type, bucket_ids, names, s);
}

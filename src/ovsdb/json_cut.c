/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/json_cut.h"

#include <string.h>

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_space(struct json_cut *c)
{
	while (c->p < c->end && is_space(*c->p))
		c->p++;
}

static bool fail(struct json_cut *c)
{
	c->bad = true;
	c->close = 0;
	return false;
}

void json_cut_init(struct json_cut *c, struct json_piece text)
{
	*c = (struct json_cut){.p = text.p, .end = text.p + text.n, .first = true};
	skip_space(c);
	if (c->p < c->end && (*c->p == '{' || *c->p == '['))
		c->close = *c->p++ == '{' ? '}' : ']';
	else
		fail(c);
}

// Behind the closing quote; `p` is behind the opening one. NULL: it never ends.
static const char *skip_string(const char *p, const char *end)
{
	for (; p < end; p++) {
		if (*p == '"')
			return p + 1;
		if (*p == '\\')
			p++;
	}
	return NULL;
}

static const char *skip_brackets(const char *p, const char *end)
{
	size_t depth = 0;
	while (p && p < end) {
		char c = *p++;
		if (c == '"') {
			p = skip_string(p, end);
		} else if (c == '{' || c == '[') {
			depth++;
		} else if ((c == '}' || c == ']') && !--depth) {
			return p;
		}
	}
	return NULL;
}

static const char *skip_value(const char *p, const char *end)
{
	if (p == end)
		return NULL;
	if (*p == '"')
		return skip_string(p + 1, end);
	if (*p == '{' || *p == '[')
		return skip_brackets(p, end);
	const char *start = p;
	while (p < end && *p != ',' && *p != '}' && *p != ']' && !is_space(*p))
		p++;
	return p > start ? p : NULL;
}

static bool cut_name(struct json_cut *c, struct json_piece *name)
{
	if (c->p == c->end || *c->p != '"')
		return false;
	const char *start = ++c->p;
	c->p = skip_string(start, c->end);
	if (!c->p)
		return false;
	*name = (struct json_piece){start, (size_t)(c->p - 1 - start)};
	skip_space(c);
	if (c->p == c->end || *c->p != ':')
		return false;
	c->p++;
	skip_space(c);
	return true;
}

bool json_cut_next(struct json_cut *c, struct json_piece *name, struct json_piece *value)
{
	*name = (struct json_piece){0};
	if (!c->close)
		return false;
	skip_space(c);
	if (c->p < c->end && *c->p == c->close) {
		c->p++;
		c->close = 0;
		skip_space(c);
		return false;
	}
	if (!c->first) {
		if (c->p == c->end || *c->p != ',')
			return fail(c);
		c->p++;
		skip_space(c);
	}
	c->first = false;
	if (c->close == '}' && !cut_name(c, name))
		return fail(c);
	const char *start = c->p, *after = skip_value(start, c->end);
	if (!after)
		return fail(c);
	*value = (struct json_piece){start, (size_t)(after - start)};
	c->p = after;
	return true;
}

bool json_cut_is_good(const struct json_cut *c)
{
	return !c->bad && !c->close && c->p == c->end;
}

bool json_piece_equal(struct json_piece piece, const char *s)
{
	return piece.p && strlen(s) == piece.n && !memcmp(piece.p, s, piece.n);
}

json_t *json_piece_parse(struct json_piece piece)
{
	return json_loadb(piece.p, piece.n, JSON_DECODE_ANY, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/common/table.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/uuid.h"

void text_table_done(struct text_table *t)
{
	VEC_FOREACH (&t->headings, i)
		free(t->headings.v[i]);
	VEC_FOREACH (&t->cells, i) {
		struct text_table_cell *c = &t->cells.v[i];
		free(c->text);
		json_decref(c->json);
		if (c->type)
			datum_done(&c->datum);
	}
	vec_done(&t->headings);
	vec_done(&t->cells);
	free(t->caption);
	*t = (struct text_table)TEXT_TABLE_INIT;
}

void text_table_set_caption(struct text_table *t, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	free(t->caption);
	t->caption = xvasprintf(format, args);
	va_end(args);
}

void text_table_add_column(struct text_table *t, const char *heading)
{
	vec_push(&t->headings, xstrdup(heading));
}

void text_table_add_text(struct text_table *t, const char *text)
{
	vec_push(&t->cells, ((struct text_table_cell){.text = xstrdup(text)}));
}

void text_table_add_empty(struct text_table *t)
{
	vec_push(&t->cells, ((struct text_table_cell){0}));
}

void text_table_add_datum(struct text_table *t, const struct datum *datum,
			  const struct column_type *type)
{
	struct text_table_cell cell = {.type = type};
	datum_copy(&cell.datum, datum);
	vec_push(&t->cells, cell);
}

void text_table_add_json(struct text_table *t, json_t *json)
{
	vec_push(&t->cells, ((struct text_table_cell){.json = json}));
}

size_t text_table_n_rows(const struct text_table *t)
{
	return t->headings.n ? (t->cells.n + t->headings.n - 1) / t->headings.n : 0;
}

static void add_json(const json_t *json, struct str *out)
{
	char *text = db_json_text(json);
	str_add(out, text);
	free(text);
}

static json_t *cell_json(const struct text_table_cell *c)
{
	if (c->type)
		return datum_to_json(&c->datum);
	if (c->json)
		return json_incref(c->json);
	return c->text ? json_string(c->text) : json_null();
}

void text_table_cell_text(const struct text_table_cell *c, const struct text_table_style *style,
			  struct str *out)
{
	if (c->text || (!c->type && !c->json)) {
		str_add(out, c->text ? c->text : "");
	} else if (!c->type || style->data == TEXT_TABLE_JSON_DATA) {
		json_t *json = cell_json(c);
		add_json(json, out);
		json_decref(json);
	} else if (style->data == TEXT_TABLE_STRING) {
		datum_to_text(&c->datum, c->type, out);
	} else {
		datum_to_bare(&c->datum, out);
	}
}

// Cell i of the whole table; NULL where the last row is short.
static char *cell_string(const struct text_table *t, size_t i, const struct text_table_style *style)
{
	struct str s = STR_INIT;
	if (i < t->cells.n)
		text_table_cell_text(&t->cells.v[i], style, &s);
	return str_take(&s);
}

static void add_time(const struct text_table *t, const struct text_table_style *style,
		     struct str *out)
{
	if (!t->timestamp || !style->timestamp)
		return;
	int64_t now = clock_wall_ms();
	time_t seconds = now / 1000;
	struct tm tm;
	char text[32];
	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	str_addf(out, "%s.%03d", text, (int)(now % 1000));
}

static void begin(const struct text_table *t, struct text_table_style *style, struct str *out)
{
	if (style->any_printed)
		str_addc(out, '\n');
	style->any_printed = true;
}

static void begin_with_caption(const struct text_table *t, struct text_table_style *style,
			       struct str *out)
{
	begin(t, style, out);
	size_t before = out->len;
	add_time(t, style, out);
	if (t->caption) {
		if (out->len != before)
			str_addc(out, ' ');
		str_add(out, t->caption);
	}
	if (out->len != before)
		str_addc(out, '\n');
}

static void trim_line(struct str *out, size_t start)
{
	while (out->len > start && out->s[out->len - 1] == ' ')
		str_truncate(out, out->len - 1);
}

static void add_padded(struct str *out, const char *text, size_t width, size_t max, bool first)
{
	size_t n = strlen(text);
	if (max && n > max)
		n = max;
	if (!first)
		str_addc(out, ' ');
	str_addn(out, text, n);
	if (n < width)
		str_add_repeat(out, ' ', width - n);
}

static void format_grid(const struct text_table *t, struct text_table_style *style, struct str *out)
{
	size_t columns = t->headings.n, rows = text_table_n_rows(t);
	size_t *widths = xcalloc(columns + 1, sizeof(*widths)),
	       max = (size_t)style->max_column_width;
	char **texts = xcalloc(rows * columns + 1, sizeof(*texts));
	for (size_t i = 0; i < rows * columns; i++) {
		texts[i] = cell_string(t, i, style);
		size_t n = strlen(texts[i]);
		if (max && n > max)
			n = max;
		if (n > widths[i % columns])
			widths[i % columns] = n;
	}
	begin_with_caption(t, style, out);
	size_t start = out->len;
	if (!style->no_headings) {
		for (size_t c = 0; c < columns; c++) {
			size_t n = strlen(t->headings.v[c]);
			if (n > widths[c])
				widths[c] = n;
			add_padded(out, t->headings.v[c], widths[c], 0, !c);
		}
		trim_line(out, start);
		str_addc(out, '\n');
		for (size_t c = 0; c < columns; c++) {
			if (c)
				str_addc(out, ' ');
			str_add_repeat(out, '-', widths[c]);
		}
		str_addc(out, '\n');
	}
	for (size_t r = 0; r < rows; r++) {
		start = out->len;
		for (size_t c = 0; c < columns; c++)
			add_padded(out, texts[r * columns + c], widths[c], max ? widths[c] : 0, !c);
		trim_line(out, start);
		str_addc(out, '\n');
	}
	for (size_t i = 0; i < rows * columns; i++)
		free(texts[i]);
	free(texts);
	free(widths);
}

static void format_list(const struct text_table *t, struct text_table_style *style, struct str *out)
{
	begin_with_caption(t, style, out);
	size_t columns = t->headings.n, rows = text_table_n_rows(t);
	for (size_t i = 0; i < rows * columns; i++) {
		char *text = cell_string(t, i, style);
		if (i && !(i % columns))
			str_addc(out, '\n');
		if (!style->no_headings)
			str_addf(out, "%-20s: ", t->headings.v[i % columns]);
		str_add(out, text);
		str_addc(out, '\n');
		free(text);
	}
}

// --- HTML.

static void add_html(struct str *out, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		switch (s[i]) {
		case '&':
			str_add(out, "&amp;");
			break;
		case '<':
			str_add(out, "&lt;");
			break;
		case '>':
			str_add(out, "&gt;");
			break;
		case '"':
			str_add(out, "&quot;");
			break;
		default:
			str_addc(out, s[i]);
		}
	}
}

// UUIDs become links to the row's anchor, which is on its _uuid cell.
static void add_html_links(struct str *out, const char *s)
{
	struct uuid uuid;
	while (*s) {
		if (isxdigit((unsigned char)*s) && uuid_parse_prefix(s, &uuid)) {
			str_addf(out, "<a href=\"#%.*s\">%.*s</a>", UUID_TEXT_LEN, s, 8, s);
			s += UUID_TEXT_LEN;
		} else {
			add_html(out, s++, 1);
		}
	}
}

static void add_html_cell(struct str *out, const char *element, const char *text, bool anchor)
{
	str_addf(out, "    <%s>", element);
	if (anchor) {
		size_t n = strlen(text);
		str_add(out, "<a name=\"");
		add_html(out, text, n);
		str_add(out, "\">");
		add_html(out, text, n < 8 ? n : 8);
		str_add(out, "</a>");
	} else {
		add_html_links(out, text);
	}
	str_addf(out, "</%s>\n", element);
}

static void format_html(const struct text_table *t, struct text_table_style *style, struct str *out)
{
	struct str time = STR_INIT;
	size_t columns = t->headings.n, rows = text_table_n_rows(t);
	style->any_printed = true;
	add_time(t, style, &time);
	str_add(out, "<table border=1>\n");
	if (t->caption) {
		str_add(out, "    <caption>");
		add_html(out, str_cstr(&time), time.len);
		if (time.len)
			str_addc(out, ' ');
		add_html(out, t->caption, strlen(t->caption));
		str_add(out, "</caption>\n");
	}
	str_done(&time);
	if (!style->no_headings) {
		str_add(out, "  <tr>\n");
		VEC_FOREACH (&t->headings, i)
			add_html_cell(out, "th", t->headings.v[i], false);
		str_add(out, "  </tr>\n");
	}
	for (size_t r = 0; r < rows; r++) {
		str_add(out, "  <tr>\n");
		for (size_t c = 0; c < columns; c++) {
			char *text = cell_string(t, r * columns + c, style);
			add_html_cell(out, "td", text, !strcmp(t->headings.v[c], "_uuid"));
			free(text);
		}
		str_add(out, "  </tr>\n");
	}
	str_add(out, "</table>\n");
}

// --- CSV and JSON.

static void add_csv(struct str *out, const char *s)
{
	if (!strpbrk(s, "\n\",")) {
		str_add(out, s);
		return;
	}
	str_addc(out, '"');
	for (; *s; s++) {
		if (*s == '"')
			str_addc(out, '"');
		str_addc(out, *s);
	}
	str_addc(out, '"');
}

static void format_csv(const struct text_table *t, struct text_table_style *style, struct str *out)
{
	size_t columns = t->headings.n, rows = text_table_n_rows(t);
	begin_with_caption(t, style, out);
	if (!style->no_headings) {
		VEC_FOREACH (&t->headings, i) {
			if (i)
				str_addc(out, ',');
			add_csv(out, t->headings.v[i]);
		}
		str_addc(out, '\n');
	}
	for (size_t i = 0; i < rows * columns; i++) {
		char *text = cell_string(t, i, style);
		if (i % columns)
			str_addc(out, ',');
		add_csv(out, text);
		if (i % columns == columns - 1)
			str_addc(out, '\n');
		free(text);
	}
}

static void format_json(const struct text_table *t, struct text_table_style *style, struct str *out)
{
	struct str time = STR_INIT;
	json_t *json = json_object(), *headings = json_array(), *data = json_array(), *row = NULL;
	style->any_printed = true;
	add_time(t, style, &time);
	if (t->caption)
		json_object_set_new(json, "caption", json_string(t->caption));
	if (time.len)
		json_object_set_new(json, "time", json_string(str_cstr(&time)));
	VEC_FOREACH (&t->headings, i)
		json_array_append_new(headings, json_string(t->headings.v[i]));
	VEC_FOREACH (&t->cells, i) {
		if (!(i % t->headings.n)) {
			row = json_array();
			json_array_append_new(data, row);
		}
		json_array_append_new(row, cell_json(&t->cells.v[i]));
	}
	json_object_set_new(json, "headings", headings);
	json_object_set_new(json, "data", data);
	if (style->pretty)
		db_json_pretty(json, out);
	else
		add_json(json, out);
	str_addc(out, '\n');
	json_decref(json);
	str_done(&time);
}

void text_table_format(const struct text_table *t, struct text_table_style *style, struct str *out)
{
	switch (style->format) {
	case TEXT_TABLE_TABLE:
		format_grid(t, style, out);
		break;
	case TEXT_TABLE_LIST:
		format_list(t, style, out);
		break;
	case TEXT_TABLE_HTML:
		format_html(t, style, out);
		break;
	case TEXT_TABLE_CSV:
		format_csv(t, style, out);
		break;
	case TEXT_TABLE_JSON:
		format_json(t, style, out);
		break;
	}
}

void text_table_print(const struct text_table *t, struct text_table_style *style, FILE *file)
{
	struct str out = STR_INIT;
	text_table_format(t, style, &out);
	fwrite(str_cstr(&out), 1, out.len, file);
	str_done(&out);
}

// --- Options.

static int find_name(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return (int)i;
	return -1;
}

struct error *text_table_parse_option(struct text_table_style *style, int option,
				      const char *argument, bool *handled)
{
	static const char *const formats[] = {"table", "list", "html", "csv", "json"};
	static const char *const datas[] = {"string", "bare", "json"};
	int i;
	*handled = true;
	switch (option) {
	case 'f':
		i = find_name(formats, sizeof(formats) / sizeof(formats[0]), argument);
		if (i < 0)
			return error_new("unknown output format \"%s\"", argument);
		style->format = (enum text_table_format)i;
		return NULL;
	case 'd':
		i = find_name(datas, sizeof(datas) / sizeof(datas[0]), argument);
		if (i < 0)
			return error_new("unknown data format \"%s\"", argument);
		style->data = (enum text_table_data)i;
		return NULL;
	case TEXT_TABLE_OPT_NO_HEADINGS:
		style->no_headings = true;
		return NULL;
	case TEXT_TABLE_OPT_PRETTY:
		style->pretty = true;
		return NULL;
	case TEXT_TABLE_OPT_BARE:
		style->format = TEXT_TABLE_LIST;
		style->data = TEXT_TABLE_BARE;
		style->no_headings = true;
		return NULL;
	case TEXT_TABLE_OPT_MAX_COLUMN_WIDTH:
		style->max_column_width = atoi(argument);
		return NULL;
	case TEXT_TABLE_OPT_TIMESTAMP:
		style->timestamp = true;
		return NULL;
	default:
		*handled = false;
		return NULL;
	}
}

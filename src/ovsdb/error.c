/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/error.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

struct db_error {
	const char *tag; // NULL: an I/O error
	char *details;	 // may be NULL
	char *syntax;	 // may be NULL
	int code;	 // positive errno, EOF, or 0
};

static struct db_error *make(const char *tag, char *details, char *syntax, int code)
{
	struct db_error *e = XNEW(struct db_error);
	*e = (struct db_error){.tag = tag, .details = details, .syntax = syntax, .code = code};
	return e;
}

struct db_error *db_error_new(const char *tag, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *details = xvasprintf(format, args);
	va_end(args);
	return make(tag, details, NULL, 0);
}

struct db_error *db_error_bare(const char *tag)
{
	return make(tag, NULL, NULL, 0);
}

struct db_error *db_error_syntax(const json_t *json, const char *tag, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *details = xvasprintf(format, args);
	va_end(args);
	return make(tag ? tag : "syntax error", details, json ? db_json_text(json) : NULL, 0);
}

struct db_error *db_error_io(int code, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *details = xvasprintf(format, args);
	va_end(args);
	return make(NULL, details, NULL, code < -1 ? -code : code);
}

struct db_error *db_error_wrap(struct db_error *cause, const char *format, ...)
{
	if (!cause)
		return NULL;
	va_list args;
	va_start(args, format);
	char *context = xvasprintf(format, args);
	va_end(args);
	char *details =
		cause->details ? xasprintf("%s: %s", context, cause->details) : xstrdup(context);
	free(context);
	free(cause->details);
	cause->details = details;
	return cause;
}

struct db_error *db_error_at(struct db_error *cause, const char *format, ...)
{
	if (!cause)
		return NULL;
	va_list args;
	va_start(args, format);
	char *context = xvasprintf(format, args);
	va_end(args);
	const char *text = cause->details ? cause->details : db_error_tag(cause);
	size_t n = strlen(text);
	bool sentence = n && text[n - 1] == '.';
	char *details =
		xasprintf("%.*s (%s)%s", (int)(n - sentence), text, context, sentence ? "." : "");
	free(context);
	free(cause->details);
	cause->details = details;
	return cause;
}

void db_error_free(struct db_error *e)
{
	if (!e)
		return;
	free(e->details);
	free(e->syntax);
	free(e);
}

struct db_error *db_error_clone(const struct db_error *e)
{
	return e ? make(e->tag, xstrdup_null(e->details), xstrdup_null(e->syntax), e->code) : NULL;
}

const char *db_error_tag(const struct db_error *e)
{
	return e->tag ? e->tag : "I/O error";
}

const char *db_error_details(const struct db_error *e)
{
	return e->details;
}

static const char *code_text(int code)
{
	return code == EOF ? "End of file" : strerror(code);
}

json_t *db_error_to_json(const struct db_error *e)
{
	json_t *json = json_object();
	json_object_set_new(json, "error", json_string(db_error_tag(e)));
	if (e->details)
		json_object_set_new(json, "details", json_string(e->details));
	if (e->syntax)
		json_object_set_new(json, "syntax", json_string(e->syntax));
	if (e->code)
		json_object_set_new(json, "io-error", json_string(code_text(e->code)));
	return json;
}

char *db_error_to_text(const struct db_error *e)
{
	struct str s = STR_INIT;
	if (e->syntax)
		str_addf(&s, "syntax \"%s\": ", e->syntax);
	str_add(&s, db_error_tag(e));
	if (e->details)
		str_addf(&s, ": %s", e->details);
	if (e->code)
		str_addf(&s, " (%s)", code_text(e->code));
	return str_take(&s);
}

struct error *db_error_to_error(struct db_error *e)
{
	if (!e)
		return NULL;
	char *text = db_error_to_text(e);
	struct error *error = error_new("%s", text);
	free(text);
	db_error_free(e);
	return error;
}

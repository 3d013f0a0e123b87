/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

// The chain is flattened into one text as it grows: nobody walks it, everybody prints it.
struct error {
	char *text;
	int code;
};

static struct error *make(char *text, int code)
{
	struct error *e = XNEW(struct error);
	e->text = text;
	e->code = code;
	return e;
}

struct error *error_new(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	struct error *e = make(xvasprintf(format, args), 0);
	va_end(args);
	return e;
}

struct error *error_errno(int code, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *context = xvasprintf(format, args);
	va_end(args);
	code = abs(code);
	struct error *e = make(xasprintf("%s: %s", context, strerror(code)), code);
	free(context);
	return e;
}

struct error *error_wrap(struct error *cause, const char *format, ...)
{
	if (!cause)
		return NULL;
	va_list args;
	va_start(args, format);
	char *context = xvasprintf(format, args);
	va_end(args);
	char *text = xasprintf("%s: %s", context, cause->text);
	free(context);
	free(cause->text);
	cause->text = text;
	return cause;
}

const char *error_text(const struct error *e)
{
	return e ? e->text : "success";
}

int error_code(const struct error *e)
{
	return e ? e->code : 0;
}

void error_free(struct error *e)
{
	if (!e)
		return;
	free(e->text);
	free(e);
}

char *error_take_text(struct error *e)
{
	if (!e)
		return NULL;
	char *text = e->text;
	free(e);
	return text;
}

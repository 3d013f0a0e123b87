/* SPDX-License-Identifier: Apache-2.0 */
// An error that a person will read: a text, an errno where there is one, and the error that caused
// it. NULL means success. Who gets one owns it and must free it, log it or pass it on. Library
// folders return errors; they do not log them.
#pragma once
#include <stdarg.h>

struct error;

#define MUST_CHECK __attribute__((warn_unused_result))

struct error *error_new(const char *format, ...) __attribute__((format(printf, 1, 2))) MUST_CHECK;
// `code` is a positive or negative errno; its text is appended as ": No such file or directory".
struct error *error_errno(int code, const char *format, ...)
	__attribute__((format(printf, 2, 3))) MUST_CHECK;
// Puts "context: " before `cause`, which it takes. NULL stays NULL.
struct error *error_wrap(struct error *cause, const char *format, ...)
	__attribute__((format(printf, 2, 3))) MUST_CHECK;
// The whole chain, "context: cause: cause of that". Borrowed, valid until the error is freed.
const char *error_text(const struct error *);
// The positive errno given nearest the root of the chain; 0 where none was given, or for NULL.
int error_code(const struct error *);
void error_free(struct error *);
// The text, owned by the caller (free()); the error is freed. NULL for NULL.
char *error_take_text(struct error *);

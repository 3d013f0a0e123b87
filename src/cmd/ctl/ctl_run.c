/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "cmd/ctl/ctl.h"

LOG_MODULE(ovsdb_idl);

void ctl_log_transaction_error(const char *text)
{
	log_warn("transaction error: %s", text);
}

static void context_reset(struct ctl_context *c)
{
	str_clear(&c->output);
	c->try_again = false;
	c->created = NULL;
	if (c->table) {
		text_table_done(c->table);
		free(c->table);
		c->table = NULL;
	}
}

struct error *ctl_run_commands(struct ctl *ctl, struct ctl_commands *commands, bool *again)
{
	*again = false;
	symtab_done(&ctl->symtab);
	ctl->database_changed = true;
	for (size_t i = 0; i < commands->n; i++)
		context_reset(&commands->v[i]);
	for (size_t i = 0; i < commands->n; i++) {
		struct ctl_context *c = &commands->v[i];
		struct error *error = c->command->run(c);

		if (error)
			return error;
		if (c->try_again || ctl->exit_status) {
			*again = c->try_again;
			return NULL;
		}
	}
	return NULL;
}

static void print_on_one_line(const struct str *s)
{
	const char *text = str_cstr(s);
	size_t len = s->len;

	if (len && text[len - 1] == '\n')
		len--;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			fputs("\\n", stdout);
		else if (text[i] == '\\')
			fputs("\\\\", stdout);
		else
			putchar(text[i]);
	}
	putchar('\n');
}

void ctl_print_output(const struct ctl_context *c, bool oneline, struct text_table_style *style)
{
	if (c->table)
		text_table_print(c->table, style, stdout);
	else if (oneline)
		print_on_one_line(&c->output);
	else
		fputs(str_cstr(&c->output), stdout);
}

static bool is_plain(const char *word)
{
	for (const char *p = word; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-_./=:@%+,{}[]", *p))
			return false;
	return *word;
}

char *ctl_join_arguments(char *argv[])
{
	struct str s = STR_INIT;

	for (int i = 0; argv[i]; i++) {
		if (i)
			str_addc(&s, ' ');
		if (is_plain(argv[i])) {
			str_add(&s, argv[i]);
			continue;
		}
		str_addc(&s, '"');
		for (const char *p = argv[i]; *p; p++) {
			if (*p == '"' || *p == '\\')
				str_addc(&s, '\\');
			str_addc(&s, *p);
		}
		str_addc(&s, '"');
	}
	return str_take(&s);
}

char *ctl_parent_name(void)
{
	char path[64], line[256];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)getppid());
	f = fopen(path, "r");
	if (!f)
		return xstrdup("");
	// The first word ends with a NUL.
	n = fread(line, 1, sizeof(line) - 1, f);
	fclose(f);
	line[n] = '\0';
	return xstrdup(line);
}

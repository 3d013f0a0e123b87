/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cmd/ctl/ctl.h"

const struct ctl_command *ctl_find_command(const struct ctl_program *program, const char *name)
{
	for (const struct ctl_command *c = program->commands; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	for (const struct ctl_command *c = ctl_database_commands; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

// The next of the comma-separated options at *s, without "="; false at the end.
static bool next_option(const char **s, size_t *len, bool *has_value, const char **name)
{
	if (!*s || !**s)
		return false;
	*name = *s;
	*len = strcspn(*s, ",");
	*s += *len + ((*s)[*len] == ',');
	*has_value = (*name)[*len - 1] == '=';
	*len -= *has_value;
	return true;
}

// 0: no such option; 1: without, 2: with a value.
static int option_kind(const struct ctl_command *command, const char *wanted)
{
	const char *s = command->options, *name;
	size_t len;
	bool has_value;

	while (next_option(&s, &len, &has_value, &name))
		if (strlen(wanted) == len && !strncmp(wanted, name, len))
			return has_value ? 2 : 1;
	return 0;
}

static void foreach_option_of(const struct ctl_command *commands, struct smap *seen,
			      void (*cb)(void *arg, const char *name, bool has_value), void *arg)
{
	for (const struct ctl_command *c = commands; c->name; c++) {
		const char *s = c->options, *at;
		size_t len;
		bool has_value;

		while (next_option(&s, &len, &has_value, &at)) {
			char *name = xstrndup(at, len);

			if (!smap_find(seen, name)) {
				smap_set(seen, name, "");
				cb(arg, name, has_value);
			}
			free(name);
		}
	}
}

void ctl_foreach_option(const struct ctl_program *program,
			void (*cb)(void *arg, const char *name, bool has_value), void *arg)
{
	struct smap seen = SMAP_INIT;

	foreach_option_of(program->commands, &seen, cb, arg);
	foreach_option_of(ctl_database_commands, &seen, cb, arg);
	smap_done(&seen);
}

static void print_commands_of(const struct ctl_command *commands)
{
	for (const struct ctl_command *c = commands; c->name; c++) {
		const char *s = c->options, *at;
		size_t len;
		bool has_value;

		while (next_option(&s, &len, &has_value, &at))
			printf("[%.*s%s] ", (int)len, at, has_value ? "=" : "");
		printf(",%s,%s\n", c->name, c->arguments);
	}
}

void ctl_print_commands(const struct ctl_program *program)
{
	print_commands_of(program->commands);
	print_commands_of(ctl_database_commands);
}

static struct error *check_options(const struct ctl_context *c)
{
	SMAP_FOREACH (&c->options, o) {
		bool has_value = *o->value;

		switch (option_kind(c->command, o->key)) {
		case 0:
			return error_new("'%s' command has no '%s' option", c->command->name,
					 o->key);
		case 1:
			if (has_value)
				return error_new("'%s' option on '%s' does not accept an argument",
						 o->key, c->command->name);
			break;
		case 2:
			if (!has_value)
				return error_new("missing argument to '%s' option on '%s' command",
						 o->key, c->command->name);
			break;
		}
	}
	return NULL;
}

static struct error *check_arguments(const struct ctl_context *c)
{
	int n = c->argc - 1;

	if (n < c->command->min_args)
		return error_new("'%s' command requires at least %d arguments", c->command->name,
				 c->command->min_args);
	if (n <= c->command->max_args)
		return NULL;
	for (int i = 1; i < c->argc; i++)
		if (c->argv[i][0] == '-')
			return error_new("'%s' command takes at most %d arguments (note that "
					 "options must precede "
					 "command names and follow a \"--\" argument)",
					 c->command->name, c->command->max_args);
	return error_new("'%s' command takes at most %d arguments", c->command->name,
			 c->command->max_args);
}

// An option's value is stored with its "=", so that one that is given empty differs from none; see
// take_values().
static struct error *parse_option(struct ctl_context *c, const char *text)
{
	const char *equals = strchr(text, '=');
	char *name = equals ? xstrndup(text, (size_t)(equals - text)) : xstrdup(text);
	struct error *error = NULL;

	if (smap_find(&c->options, name))
		error = error_new("'%s' option specified multiple times", name);
	else
		smap_set(&c->options, name, equals ? equals : "");
	free(name);
	return error;
}

static void take_values(struct smap *options)
{
	struct smap values = SMAP_INIT;

	SMAP_FOREACH (options, o)
		smap_set(&values, o->key, *o->value ? o->value + 1 : "");
	smap_done(options);
	*options = values;
}

static struct error *parse_command(struct ctl_context *c, int argc, char *argv[])
{
	struct error *error = NULL;
	int i;

	for (i = 0; i < argc && argv[i][0] == '-' && !error; i++)
		error = parse_option(c, argv[i]);
	if (error)
		return error;
	if (i == argc)
		return error_new("missing command name (use --help for help)");
	c->command = ctl_find_command(c->ctl->program, argv[i]);
	if (!c->command)
		return error_new("unknown command '%s'; use --help for help", argv[i]);
	c->argc = argc - i;
	c->argv = argv + i;
	error = check_options(c);
	if (!error)
		error = check_arguments(c);
	take_values(&c->options);
	return error;
}

static struct ctl_context *add_context(struct ctl *ctl, struct ctl_commands *commands)
{
	struct ctl_context *c;

	commands->v = xrealloc(commands->v, (commands->n + 1) * sizeof(*commands->v));
	c = &commands->v[commands->n++];
	*c = (struct ctl_context){.ctl = ctl};
	return c;
}

struct error *ctl_parse_commands(struct ctl *ctl, int argc, char *argv[],
				 const struct smap *options, struct ctl_commands *commands)
{
	int start = 0;

	*commands = (struct ctl_commands){0};
	for (int i = 0; i <= argc; i++) {
		struct ctl_context *c;
		struct error *error;

		if (i < argc && strcmp(argv[i], "--"))
			continue;
		if (i > start) {
			c = add_context(ctl, commands);
			if (commands->n == 1)
				smap_copy(&c->options, options);
			error = parse_command(c, i - start, argv + start);
			if (error)
				return error;
		}
		start = i + 1;
	}
	if (!commands->n)
		return error_new("missing command name (use --help for help)");
	return NULL;
}

static void context_done(struct ctl_context *c)
{
	smap_done(&c->options);
	str_done(&c->output);
	if (c->table) {
		text_table_done(c->table);
		free(c->table);
	}
}

void ctl_commands_done(struct ctl_commands *commands)
{
	for (size_t i = 0; i < commands->n; i++)
		context_done(&commands->v[i]);
	free(commands->v);
	*commands = (struct ctl_commands){0};
}

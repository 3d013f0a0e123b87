/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/common/command.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

void command_die(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fflush(stdout);
	fprintf(stderr, "%s: ", log_program());
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(EXIT_FAILURE);
}

static void list(const struct command *commands)
{
	printf("The available commands are:\n");
	for (const struct command *c = commands; c->name; c++)
		printf("  %-23s %s\n", c->name, c->usage ? c->usage : "");
	printf("  %-23s \n", "list-commands");
}

void command_run(const struct command *commands, int argc, char *argv[], void *arg)
{
	if (argc < 1)
		command_die("missing command name; use --help for help");
	for (const struct command *c = commands; c->name; c++) {
		if (strcmp(c->name, argv[0]))
			continue;
		int n = argc - 1;
		if (n < c->min)
			command_die("'%s' command requires at least %d arguments", c->name, c->min);
		if (n > c->max)
			command_die("'%s' command takes at most %d arguments", c->name, c->max);
		c->run(argc, argv, arg);
		return;
	}
	if (!strcmp(argv[0], "list-commands"))
		list(commands);
	else
		command_die("unknown command '%s'; use --help for help", argv[0]);
}

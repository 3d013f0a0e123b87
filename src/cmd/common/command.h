/* SPDX-License-Identifier: Apache-2.0 */
// The commands of a tool: one const table, a row per command.
#pragma once

struct command {
	const char *name;
	const char *usage; // of the arguments, for list-commands
	int min, max;	   // arguments after the name; max INT_MAX: any number
	void (*run)(int argc, char *argv[], void *arg); // argv[0] is the name
};

// Prints "PROGRAM: text" to stderr and exits with EXIT_FAILURE.
void command_die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
// Runs the command that argv[0] names, of a table that ends in a row without name. Exits with a
// message when there is none, or the number of arguments is wrong. "list-commands" prints the table
// unless it is in it.
void command_run(const struct command *, int argc, char *argv[], void *arg);

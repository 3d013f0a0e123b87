/* SPDX-License-Identifier: Apache-2.0 */
// --color, and OVS_COLORS: what the terminal is told before and after the words that printers mark.
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cmd/ovs-ofctl/ofctl.h"

static const struct {
	const char *capability; // its name in OVS_COLORS
	const char *rendition;	// what it is there by default
} marks[N_MARKS] = {
	[MARK_ACTIONS] = {"ac", "1;31"}, // bold red
	[MARK_DROP] = {"dr", "34"},	 // blue
	[MARK_LEARN] = {"le", "31"},	 // red
	[MARK_PARAM] = {"pm", "36"},	 // cyan
	[MARK_PAREN] = {"pr", "35"},	 // magenta
	[MARK_SPECIAL] = {"sp", "33"},	 // yellow
	[MARK_VALUE] = {"vl", "32"},	 // green
};

// "ac=1;31:dr=34": those with a name that is known and a rendition of digits and semicolons; others
// leave what was there.
static void read_capabilities(char *list, const char *renditions[N_MARKS])
{
	for (char *one; (one = strsep(&list, ":"));) {
		char *value = strchr(one, '=');
		if (!value)
			continue;
		*value++ = '\0';
		for (int i = 0; i < N_MARKS; i++)
			if (!strcmp(one, marks[i].capability) &&
			    !value[strspn(value, "0123456789;")])
				renditions[i] = value;
	}
}

bool color_parse_when(const char *text, enum color_when *when)
{
	static const struct {
		const char *word;
		enum color_when when;
	} words[] = {
		{"always", COLOR_ALWAYS}, {"yes", COLOR_ALWAYS}, {"force", COLOR_ALWAYS},
		{"never", COLOR_NEVER},	  {"no", COLOR_NEVER},	 {"none", COLOR_NEVER},
		{"auto", COLOR_AUTO},	  {"tty", COLOR_AUTO},	 {"if-tty", COLOR_AUTO},
	};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcasecmp(text, words[i].word)) {
			*when = words[i].when;
			return true;
		}
	return false;
}

bool color_wanted(enum color_when when)
{
	const char *terminal = getenv("TERM");
	if (when != COLOR_AUTO)
		return when == COLOR_ALWAYS;
	return isatty(STDOUT_FILENO) && terminal && strcmp(terminal, "dumb");
}

void color_style_init(struct str_style *style)
{
	const char *renditions[N_MARKS], *wishes = getenv("OVS_COLORS");
	char *list = xstrdup(wishes ? wishes : "");
	for (int i = 0; i < N_MARKS; i++)
		renditions[i] = marks[i].rendition;
	read_capabilities(list, renditions);
	// "Select graphic rendition", then "erase to the end of the line", so that a background
	// does not spill into what the terminal scrolls in.
	for (int i = 0; i < N_MARKS; i++)
		style->before[i] = xasprintf("\033[%sm\033[K", renditions[i]);
	style->after = "\033[m\033[K";
	free(list);
}

/* SPDX-License-Identifier: Apache-2.0 */
// Files of flows: line by line, and as the messages that carry them.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cmd/ovs-ofctl/ofctl.h"

LOG_MODULE_AS(match_log, "ofp_match");
LOG_MODULE_AS(actions_log, "ofp_actions");
LOG_MODULE_AS(fields_log, "meta_flow");

// What cannot be read again from where it begins, as a pipe, into memory.
static void keep_in_memory(struct flow_file *f)
{
	enum { PIECE = 64 * 1024 };
	struct buf b = BUF_INIT;
	size_t n;
	do {
		buf_reserve(&b, PIECE);
		n = fread(b.data + b.len, 1, PIECE, f->in);
		b.len += n;
	} while (n);
	f->kept = b.data;
	f->in = b.len ? fmemopen(b.data, b.len, "r") : fopen("/dev/null", "r");
	if (!f->in)
		command_die("%s: open failed (%s)", f->name, strerror(errno));
}

void flow_file_read(struct flow_file *f, const char *name)
{
	*f = (struct flow_file){.name = name, .in = strcmp(name, "-") ? fopen(name, "r") : stdin};
	if (!f->in)
		command_die("%s: open failed (%s)", name, strerror(errno));
	f->start = ftello(f->in);
	if (f->start < 0) {
		f->start = 0;
		keep_in_memory(f);
	}
}

void flow_file_done(struct flow_file *f)
{
	if (f->in != stdin)
		fclose(f->in);
	free(f->kept);
	free(f->text);
}

void flow_file_rewind(struct flow_file *f)
{
	f->seen = f->line > f->seen ? f->line : f->seen;
	f->line = 0;
	if (fseeko(f->in, f->start, SEEK_SET))
		command_die("%s: seek (%s)", f->name, strerror(errno));
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

char *flow_file_next(struct flow_file *f)
{
	for (ssize_t n; (n = getline(&f->text, &f->cap, f->in)) >= 0;) {
		char *start = f->text, *end = memchr(start, '#', (size_t)n);
		f->line++;
		if (!end)
			end = start + n;
		end = start + strnlen(start, (size_t)(end - start));
		while (end > start && is_blank(end[-1]))
			end--;
		while (start < end && is_blank(*start))
			start++;
		if (start == end)
			continue;
		*end = '\0';
		return start;
	}
	return NULL;
}

void flow_file_die(const struct flow_file *f, struct error *e)
{
	static char *text; // lives until the end
	text = error_take_text(e);
	if (f)
		command_die("%s:%u: %s", f->name, f->line, text);
	command_die("%s", text);
}

static void log_normalised(const struct match *before, const struct match *after)
{
	struct str pre = STR_INIT, post = STR_INIT;
	match_format(before, &pre, -1, NULL, NULL);
	match_format(after, &post, -1, NULL, NULL);
	log_write(&match_log, LVL_INFO, "normalization changed ofp_match, details:");
	log_write(&match_log, LVL_INFO, " pre: %s", str_cstr(&pre));
	log_write(&match_log, LVL_INFO, "post: %s", str_cstr(&post));
	str_done(&pre);
	str_done(&post);
}

void flow_parse_or_die(struct ofctl *o, struct port_names *names, char *text, int command,
		       const struct flow_file *from, struct ofp_flow_mod *fm, uint32_t *protocols)
{
	struct ofpact_text t = port_names_to_parse(names);
	char *note = NULL;
	struct error *e = flow_mod_parse(text, command, &t, fm, protocols, &note);
	if (note)
		log_write(strstr(note, " field ") ? &fields_log : &actions_log, LVL_WARN, "%s",
			  note);
	if (e)
		flow_file_die(from, e);
	free(note);
	struct match before = fm->match;
	bool seen = from && from->line <= from->seen;
	if (match_normalize(&fm->match) && !seen)
		log_normalised(&before, &fm->match);
}

// A connection speaks the newest version; of the formats of 1.0 the simplest is tried first. Only
// in bundles, which need the newer versions, the newest format is.
static uint32_t best_protocol(const struct ofctl *o, uint32_t usable)
{
	uint32_t allowed = usable & o->protocols;
	return o->bundle && allowed ? 1u << (31 - __builtin_clz(allowed)) : allowed & -allowed;
}

// False: a flow cannot be carried in what was best before it, or is the first that nothing can
// carry.
static bool encode_all(struct flow_file *f, struct ofctl *o, struct port_names *names, int command,
		       struct flow_messages *m)
{
	struct ofp_flow_mod fm = {0};
	uint32_t protocol = best_protocol(o, m->usable), protocols;
	bool same = true;
	buf_clear(&m->bytes);
	m->protocol = (enum ofp_protocol)protocol;
	m->too_long = false;
	flow_file_rewind(f);
	for (char *text; same && (text = flow_file_next(f));) {
		size_t before = m->bytes.len;
		flow_parse_or_die(o, names, text, command, f, &fm, &protocols);
		m->usable &= protocols;
		same = best_protocol(o, m->usable) == protocol;
		if (same && protocol)
			ofp_encode_flow_mod(&m->bytes, &fm, m->protocol, 0);
		m->too_long |= same && protocol && m->bytes.len == before;
	}
	ofp_flow_mod_done(&fm);
	return same;
}

void flow_file_encode(struct flow_file *f, struct ofctl *o, struct port_names *names, int command,
		      uint32_t candidates, struct flow_messages *m)
{
	m->usable = candidates;
	while (!encode_all(f, o, names, command, m)) // each beginning anew has fewer choices
		;
}

void flow_messages_check(const struct flow_messages *m)
{
	if (m->too_long)
		command_die("a flow does not fit into an OpenFlow message");
}

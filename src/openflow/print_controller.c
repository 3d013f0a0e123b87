/* SPDX-License-Identifier: Apache-2.0 */
// Printing what a switch says of its controllers.
#include <ctype.h>
#include <errno.h>

#include "openflow/print_row.h"

const char *const print_controller_reasons[OFPCSR_N] = {
	"request",  "channel_status", "role", "controller_added", "controller_removed",
	"short_id", "experimenter",
};

static void print_uri(struct str *s, const struct ofp_controller_status *cs)
{
	str_add(s, " uri=");
	for (size_t i = 0; i < cs->uri_len; i++) {
		uint8_t byte = (uint8_t)cs->uri[i];
		if (isgraph(byte) && byte != '\\')
			str_addc(s, (char)byte);
		else
			str_addf(s, "\\%03o", byte);
	}
}

static void print_one(struct str *s, const struct ofp_controller_status *cs)
{
	if (cs->uri)
		print_uri(s, cs);
	if (cs->short_id != OFPCID_UNDEFINED)
		str_addf(s, " short_id=%u", cs->short_id);
	str_addf(s, " role=%s reason=%s channel=%s", ofp_role_name(cs->role),
		 cs->reason < OFPCSR_N ? print_controller_reasons[cs->reason] : "(unknown)",
		 cs->channel == OFPCT_STATUS_UP	    ? "up"
		 : cs->channel == OFPCT_STATUS_DOWN ? "down"
						    : "(unknown)");
}

int print_controller_status(struct str *s, const struct ofp_msg *m,
			    const struct ofp_print_options *o)
{
	struct ofp_controller_status cs;
	struct cursor body = m->body;
	int error = ofp_controller_status_pull(&body, &cs);
	if (error || cursor_left(&body))
		return error ? error : OFPBRC_BAD_LEN;
	print_one(s, &cs);
	return 0;
}

int print_controller_status_reply(struct str *s, const struct ofp_msg *m,
				  const struct ofp_print_options *o)
{
	struct ofp_controller_status cs;
	struct cursor body = m->body;
	int error;
	str_addc(s, '\n');
	while (!(error = ofp_controller_status_pull(&body, &cs))) {
		print_one(s, &cs);
		str_addc(s, '\n');
	}
	return error == -ENODATA ? 0 : error;
}

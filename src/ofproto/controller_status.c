/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/controller_status.h"

#include <string.h>

#include "base/str.h"
#include "ofproto/conn.h"
#include "ofproto/controllers.h"

// A connection URI has a port in any case, and calls TLS by its name (OpenFlow 1.5.1, 6.3.1).
static void add_uri(struct str *s, const char *name)
{
	bool tls = !strncmp(name, "ssl:", 4);
	if (!tls && strncmp(name, "tcp:", 4)) {
		str_add(s, name);
		return;
	}
	const char *host = name + 4, *bracket = *host == '[' ? strchr(host, ']') : NULL;
	const char *colon = strchr(bracket ? bracket : host, ':');
	bool bare_ipv6 = colon && strchr(colon + 1, ':');
	str_addf(s, bare_ipv6 ? "%s:[%s]" : "%s:%s", tls ? "tls" : "tcp", host);
	if (!colon || bare_ipv6)
		str_addf(s, ":%u", OFP_PORT_TCP);
}

// The struct borrows what is in the string.
static struct ofp_controller_status status_of(const struct conn *c,
					      enum ofp_controller_reason reason,
					      enum ofp_channel_status channel, struct str *uri)
{
	str_truncate(uri, 0);
	add_uri(uri, ofconn_name(c->of));
	return (struct ofp_controller_status){
		.short_id = c->short_id,
		.role = c->role,
		.reason = (uint8_t)reason,
		.channel = (uint8_t)channel,
		.uri = uri->s,
		.uri_len = uri->len,
	};
}

// --- News.

struct news {
	const struct conn *about;
	enum ofp_controller_reason reason;
	enum ofp_channel_status channel;
};

static void tell(struct conn *c, const void *news_)
{
	const struct news *news = news_;
	if (c == news->about || ofconn_version(c->of) < OFP15 ||
	    !conn_wants(c, OFPASYNC_CONT_STATUS, news->reason))
		return;
	struct str uri = STR_INIT;
	struct buf b = BUF_INIT;
	struct ofp_controller_status cs = status_of(news->about, news->reason, news->channel, &uri);
	ofp_encode_controller_status(&b, &cs);
	conn_send_news(c, &b);
	buf_done(&b);
	str_done(&uri);
}

void controller_status_news(const struct conn *about, enum ofp_controller_reason reason,
			    enum ofp_channel_status channel)
{
	if (about->visitor)
		return;
	struct news news = {.about = about, .reason = reason, .channel = channel};
	controllers_for_each_conn(about->owner, tell, &news);
}

void controller_status_came(struct conn *c)
{
	c->announced = true;
	controller_status_news(c, OFPCSR_CHANNEL_STATUS, OFPCT_STATUS_UP);
}

void controller_status_goes(struct conn *c)
{
	if (c->announced)
		controller_status_news(c, OFPCSR_CHANNEL_STATUS, OFPCT_STATUS_DOWN);
	c->announced = false;
}

// --- The question.

struct answer {
	struct ofp_replies replies;
	struct str uri;
};

static void append(const struct conn *c, void *answer_)
{
	struct answer *a = answer_;
	if (c->visitor)
		return;
	bool up = ofconn_is_connected(c->of);
	struct ofp_controller_status cs =
		status_of(c, OFPCSR_REQUEST, up ? OFPCT_STATUS_UP : OFPCT_STATUS_DOWN, &a->uri);
	ofp_append_controller_status(&a->replies, &cs);
}

int controller_status_request(struct conn *c, const struct ofp_msg *msg)
{
	struct answer a = {.uri = STR_INIT};
	ofp_replies_init(&a.replies, msg);
	controllers_for_each_peer(c->owner, append, &a);
	conn_send_replies(c, &a.replies, true);
	ofp_replies_done(&a.replies);
	str_done(&a.uri);
	return 0;
}

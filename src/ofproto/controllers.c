/* SPDX-License-Identifier: Apache-2.0 */
// What the configuration asks for is a list of remotes: one that connects has one connection, one
// that listens has as many as were accepted. The bridge's own management socket is a remote that is
// always there.
//
// Fail mode: with primary controllers configured (those that we connect to), fail mode standalone
// and none of them reachable for three probe intervals, a hidden flow above all others makes the
// bridge an ordinary learning switch, until one is back.
#include "ofproto/controllers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/dirs.h"
#include "base/log.h"
#include "ofproto/conn.h"
#include "ofproto/controller_status.h"
#include "ofproto/flow_mod.h"
#include "ofproto/guests.h"
#include "ofproto/snoop.h"

LOG_MODULE(rconn);

enum { DEFAULT_PROBE_MS = 5000, SERVICE_PROBE_MS = 0, FAIL_AFTER_PROBES = 3 };

struct remote {
	struct controllers *owner;
	char *target;
	struct ofproto_controller config; // its target is the above
	struct conn *conn;		  // that connects; NULL for listeners
	struct stream_listener *listener;
	char *error; // why it cannot even try
	bool keep;   // while the configuration is compared
};

struct controllers {
	struct ofproto *ofproto;
	uint32_t versions;
	enum ofproto_fail_mode fail_mode;
	struct remote *mgmt;
	struct snoopers *snoopers;
	VEC(struct remote *) remotes;
	struct guests *guests; // accepted by the remotes that listen

	bool have_generation_id;
	uint64_t generation_id;

	struct loop_timer fail_timer;
	bool want_misses;
	int64_t last_contact; // when a primary controller was last connected, or configured
	bool fail_open;
};

static struct ofconn_options of_options(const struct controllers *cs,
					const struct ofproto_controller *c)
{
	return (struct ofconn_options){
		.versions = cs->versions,
		.probe_interval = c->probe_interval_ms,
		.max_backoff = c->max_backoff_ms,
		.default_port = OFP_PORT_TCP,
		.dscp = c->dscp,
	};
}

static struct conn_options conn_options(const struct ofproto_controller *c, bool service)
{
	return (struct conn_options){
		.service = service,
		.async_wanted = c->async_msgs,
		.rate_limit = c->rate_limit,
		.burst_limit = c->burst_limit,
		.queue_size = c->max_rate_queue,
	};
}

// --- Remotes.

static void on_accept(void *r_, struct stream *stream)
{
	struct remote *r = r_;
	struct controllers *cs = r->owner;
	struct ofconn_options oo = of_options(cs, &r->config);
	struct conn_options co = conn_options(&r->config, true);
	co.visitor = r == cs->mgmt;
	guests_accept(cs->guests, r, r->target, stream, &oo, &co);
}

static struct error *remote_start(struct remote *r)
{
	struct controllers *cs = r->owner;
	struct loop *loop = cs->ofproto->system->loop;
	if (stream_is_passive_name(r->target))
		return stream_listen(loop, r->target, OFP_PORT_TCP, on_accept, r, &r->listener);
	struct ofconn_options oo = of_options(cs, &r->config);
	struct conn_options co = conn_options(&r->config, r->config.service);
	return conn_connect(cs, cs->ofproto, r->target, &oo, &co, &r->conn);
}

static struct remote *remote_new(struct controllers *cs, const struct ofproto_controller *config)
{
	struct remote *r = XNEW(struct remote);
	r->owner = cs;
	r->target = xstrdup(config->target);
	r->config = *config;
	r->config.target = r->target;
	r->keep = true;
	struct error *e = remote_start(r);
	if (e) {
		r->error = error_take_text(e);
		log_err("%s: cannot use controller %s: %s", cs->ofproto->name, r->target, r->error);
	}
	return r;
}

static void remote_free(struct remote *r)
{
	struct controllers *cs = r->owner;
	guests_drop_host(cs->guests, r);
	stream_listener_free(r->listener);
	if (r->conn)
		snoopers_forget(cs->snoopers, r->conn);
	conn_free(r->conn);
	free(r->error);
	free(r->target);
	free(r);
}

static bool is_primary(const struct remote *r)
{
	return r->conn && !r->config.service;
}

bool controllers_has_primary(const struct controllers *cs)
{
	VEC_FOREACH (&cs->remotes, i)
		if (is_primary(cs->remotes.v[i]))
			return true;
	return false;
}

// --- Fail mode.

static bool primary_connected(const struct controllers *cs)
{
	VEC_FOREACH (&cs->remotes, i)
		if (is_primary(cs->remotes.v[i]) && ofconn_is_connected(cs->remotes.v[i]->conn->of))
			return true;
	return false;
}

static int64_t fail_after_ms(const struct controllers *cs)
{
	int64_t probe = 0;
	VEC_FOREACH (&cs->remotes, i)
		if (is_primary(cs->remotes.v[i]) &&
		    cs->remotes.v[i]->config.probe_interval_ms > probe)
			probe = cs->remotes.v[i]->config.probe_interval_ms;
	return FAIL_AFTER_PROBES * (probe ? probe : DEFAULT_PROBE_MS);
}

static void update_fail_open(void *cs_)
{
	struct controllers *cs = cs_;
	int64_t now = clock_ms();
	bool guarded = cs->fail_mode == OFPROTO_FAIL_STANDALONE && controllers_has_primary(cs);
	if (primary_connected(cs) || !guarded)
		cs->last_contact = now;
	bool want = guarded && now - cs->last_contact >= fail_after_ms(cs);
	if (want && !cs->fail_open)
		log_warn("%s: no controller for %lld seconds, failing open", cs->ofproto->name,
			 (long long)((now - cs->last_contact) / 1000));
	else if (!want && cs->fail_open)
		log_warn("%s: no longer in fail-open mode", cs->ofproto->name);
	if (want != cs->fail_open) {
		cs->fail_open = want;
		flows_set_fail_open(cs->ofproto, want);
	}
	if (guarded && !want && !primary_connected(cs))
		loop_timer_set(&cs->fail_timer, cs->last_contact + fail_after_ms(cs));
	else
		loop_timer_cancel(&cs->fail_timer);
}

void controllers_set_fail_mode(struct controllers *cs, enum ofproto_fail_mode mode)
{
	cs->fail_mode = mode;
	update_fail_open(cs);
}

enum ofproto_fail_mode controllers_fail_mode(const struct controllers *cs)
{
	return cs->fail_mode;
}

bool controllers_in_fail_open(const struct controllers *cs)
{
	return cs->fail_open;
}

// --- Whom to watch.

static int snoop_preference(const struct conn *c)
{
	return c->role == OFPCR_PRIMARY ? 3 : c->role == OFPCR_EQUAL ? 2 : 1;
}

// One of the controllers that we connect to: best the primary one, last a secondary one.
static struct conn *choose_to_snoop(void *cs_)
{
	const struct controllers *cs = cs_;
	struct conn *best = NULL;
	VEC_FOREACH (&cs->remotes, i) {
		struct conn *c = cs->remotes.v[i]->conn;
		if (c && (!best || snoop_preference(c) > snoop_preference(best)))
			best = c;
	}
	return best;
}

// --- News of single controllers.

// A guest goes without having closed its connection.
static void drop_guest(struct controllers *cs, size_t i)
{
	controller_status_goes(guests_conn(cs->guests, i));
	guests_drop(cs->guests, i);
}

static void tell_removed(const struct remote *r)
{
	struct controllers *cs = r->owner;
	if (r->conn)
		controller_status_news(r->conn, OFPCSR_CONTROLLER_REMOVED, OFPCT_STATUS_DOWN);
	for (size_t i = guests_count(cs->guests); i-- > 0;)
		if (guests_host(cs->guests, i) == r)
			drop_guest(cs, i);
}

// --- Life and configuration.

struct controllers *controllers_new(struct ofproto *p)
{
	struct controllers *cs = XNEW(struct controllers);
	cs->ofproto = p;
	cs->versions = OFP_VERSIONS_SUPPORTED;
	cs->last_contact = clock_ms();
	cs->guests = guests_new(cs, p);
	loop_timer_init(&cs->fail_timer, p->system->loop, update_fail_open, cs);
	char *target = xasprintf("punix:%s/%s.mgmt", dir_run(), p->name);
	struct ofproto_controller mgmt = {.target = target,
					  .service = true,
					  .async_msgs = true,
					  .probe_interval_ms = SERVICE_PROBE_MS};
	cs->mgmt = remote_new(cs, &mgmt);
	free(target);
	cs->snoopers = snoopers_new(p, choose_to_snoop, cs);
	return cs;
}

void controllers_free(struct controllers *cs)
{
	if (!cs)
		return;
	loop_timer_cancel(&cs->fail_timer);
	VEC_FOREACH (&cs->remotes, i)
		remote_free(cs->remotes.v[i]);
	vec_done(&cs->remotes);
	remote_free(cs->mgmt);
	snoopers_free(cs->snoopers);
	guests_free(cs->guests);
	free(cs);
}

static struct remote *find_remote(const struct controllers *cs, const char *target)
{
	VEC_FOREACH (&cs->remotes, i)
		if (!strcmp(cs->remotes.v[i]->target, target))
			return cs->remotes.v[i];
	return NULL;
}

static void reconfigure_remote(struct remote *r, const struct ofproto_controller *config)
{
	struct controllers *cs = r->owner;
	r->keep = true;
	r->config = *config;
	r->config.target = r->target;
	struct ofconn_options oo = of_options(cs, &r->config);
	struct conn_options co = conn_options(&r->config, r->config.service);
	if (r->conn) {
		r->conn->service = config->service;
		conn_configure(r->conn, &oo, &co);
	}
	co.service = true;
	for (size_t i = guests_count(cs->guests); i-- > 0;) // some may be dropped
		if (guests_host(cs->guests, i) == r)
			conn_configure(guests_conn(cs->guests, i), &oo, &co);
}

static void add_remote(struct controllers *cs, const struct ofproto_controller *config)
{
	struct remote *r = remote_new(cs, config);
	vec_push(&cs->remotes, r);
	if (r->conn)
		controller_status_news(r->conn, OFPCSR_CONTROLLER_ADDED, OFPCT_STATUS_DOWN);
}

bool controllers_configure(struct controllers *cs, const struct ofproto_controller *configs,
			   unsigned int n)
{
	bool had = controllers_has_primary(cs);
	VEC_FOREACH (&cs->remotes, i)
		cs->remotes.v[i]->keep = false;
	for (unsigned int i = 0; i < n; i++) {
		// The bridge's own socket may be named in the configuration, too.
		if (!strcmp(configs[i].target, cs->mgmt->target))
			continue;
		struct remote *r = find_remote(cs, configs[i].target);
		if (r)
			reconfigure_remote(r, &configs[i]);
		else
			add_remote(cs, &configs[i]);
	}
	for (size_t i = cs->remotes.n; i-- > 0;)
		if (!cs->remotes.v[i]->keep) {
			struct remote *r = cs->remotes.v[i];
			tell_removed(r);
			vec_remove(&cs->remotes, i);
			remote_free(r);
		}
	controllers_wishes_changed(cs);
	bool has = controllers_has_primary(cs);
	if (has && !had)
		cs->last_contact = clock_ms();
	update_fail_open(cs);
	return had != has;
}

void controllers_set_versions(struct controllers *cs, uint32_t versions)
{
	cs->versions = versions ? versions & OFP_VERSIONS_SUPPORTED : OFP_VERSIONS_SUPPORTED;
	VEC_FOREACH (&cs->remotes, i) {
		struct remote *r = cs->remotes.v[i];
		if (!r->conn)
			continue;
		struct ofconn_options oo = of_options(cs, &r->config);
		ofconn_set_options(r->conn->of, &oo);
		if (ofconn_is_connected(r->conn->of) &&
		    !(cs->versions & 1u << ofconn_version(r->conn->of)))
			conn_reconnect(r->conn);
	}
	for (size_t i = guests_count(cs->guests); i-- > 0;) {
		uint8_t version = ofconn_version(guests_conn(cs->guests, i)->of);
		if (version && !(cs->versions & 1u << version))
			drop_guest(cs, i);
	}
}

void controllers_reconnect(struct controllers *cs)
{
	VEC_FOREACH (&cs->remotes, i)
		if (cs->remotes.v[i]->conn)
			conn_reconnect(cs->remotes.v[i]->conn);
	while (guests_count(cs->guests))
		drop_guest(cs, guests_count(cs->guests) - 1);
	controllers_wishes_changed(cs);
}

// --- Events of connections.

static bool wants_misses(const struct conn *c)
{
	return ofconn_is_connected(c->of) && ofconn_version(c->of) < OFP13 && !c->controller_id &&
	       conn_wants(c, OFPASYNC_PACKET_IN, OFPR_NO_MATCH);
}

void controllers_wishes_changed(struct controllers *cs)
{
	bool want = false;
	VEC_FOREACH (&cs->remotes, i)
		want |= cs->remotes.v[i]->conn && wants_misses(cs->remotes.v[i]->conn);
	for (size_t i = 0; i < guests_count(cs->guests); i++)
		want |= wants_misses(guests_conn(cs->guests, i));
	if (want != cs->want_misses)
		snapshot_invalidate(cs->ofproto);
	cs->want_misses = want;
}

bool controllers_want_misses(const struct controllers *cs)
{
	return cs->want_misses;
}

static void tell_news(const struct controllers *cs)
{
	const struct ofproto_system *system = cs->ofproto->system;
	if (system->on_controllers)
		system->on_controllers(system->on_controllers_arg);
}

void controllers_connected(struct controllers *cs, struct conn *c)
{
	c->greeted = true;
	if (c->service)
		log_dbg("%s<->%s: connected", cs->ofproto->name, ofconn_name(c->of));
	else
		log_info("%s<->%s: connected", cs->ofproto->name, ofconn_name(c->of));
	controllers_wishes_changed(cs);
	update_fail_open(cs);
	tell_news(cs);
	controller_status_came(c);
}

void controllers_disconnected(struct controllers *cs, struct conn *c, int error)
{
	if (!c->service && !c->greeted)
		log_warn_rl("%s<->%s: connection failed (%s)", cs->ofproto->name,
			    ofconn_name(c->of), error > 0 ? strerror(error) : "closed by peer");
	else if (!c->service && error > 0)
		log_warn_rl("%s<->%s: connection dropped (%s)", cs->ofproto->name,
			    ofconn_name(c->of), strerror(error));
	else if (!c->service)
		log_info_rl("%s<->%s: connection closed by peer", cs->ofproto->name,
			    ofconn_name(c->of));
	c->greeted = false;
	for (size_t i = 0; i < guests_count(cs->guests); i++)
		if (guests_conn(cs->guests, i) == c) {
			guests_drop(cs->guests, i);
			break;
		}
	controllers_wishes_changed(cs);
	update_fail_open(cs);
	tell_news(cs);
}

// --- Everybody connected, in a list that survives changes made by what is called.

void controllers_for_each_conn(struct controllers *cs, void (*cb)(struct conn *, const void *arg),
			       const void *arg)
{
	VEC_FOREACH (&cs->remotes, i)
		if (cs->remotes.v[i]->conn && ofconn_is_connected(cs->remotes.v[i]->conn->of))
			cb(cs->remotes.v[i]->conn, arg);
	for (size_t i = 0; i < guests_count(cs->guests); i++)
		if (ofconn_is_connected(guests_conn(cs->guests, i)->of))
			cb(guests_conn(cs->guests, i), arg);
}

void controllers_for_each_peer(const struct controllers *cs,
			       void (*cb)(const struct conn *, void *arg), void *arg)
{
	VEC_FOREACH (&cs->remotes, i)
		if (cs->remotes.v[i]->conn)
			cb(cs->remotes.v[i]->conn, arg);
	for (size_t i = 0; i < guests_count(cs->guests); i++)
		cb(guests_conn(cs->guests, i), arg);
}

// --- Roles.

struct demotion {
	const struct conn *primary;
	uint64_t generation_id;
};

static void demote(struct conn *c, const void *d_)
{
	const struct demotion *d = d_;
	if (c == d->primary || c->role != OFPCR_PRIMARY)
		return;
	c->role = OFPCR_SECONDARY; // its wishes are counted below, by who asked
	controller_status_news(c, OFPCSR_ROLE, OFPCT_STATUS_UP);
	struct buf b = BUF_INIT;
	ofp_encode_role_status(&b, OFPCR_SECONDARY, OFPCRR_PRIMARY_REQUEST, d->generation_id,
			       ofconn_version(c->of));
	if (b.len)
		conn_send_news(c, &b);
	buf_done(&b);
}

// The role alone, and what follows from it for others.
static int change_role(struct controllers *cs, struct conn *c,
		       const struct ofp_role_request *request)
{
	enum ofp_role before = c->role;
	if (request->have_generation_id && request->role != OFPCR_EQUAL) {
		// A circle of numbers: "older" is less than half a turn behind.
		if (cs->have_generation_id &&
		    (int64_t)(request->generation_id - cs->generation_id) < 0)
			return OFPRRFC_STALE;
		cs->have_generation_id = true;
		cs->generation_id = request->generation_id;
	}
	c->role = request->role;
	struct demotion d = {.primary = c, .generation_id = cs->generation_id};
	if (c->role == OFPCR_PRIMARY)
		controllers_for_each_conn(cs, demote, &d);
	if (c->role != before)
		controller_status_news(c, OFPCSR_ROLE, OFPCT_STATUS_UP);
	controllers_wishes_changed(cs);
	tell_news(cs);
	return 0;
}

struct claim {
	const struct conn *by;
	uint16_t short_id;
	bool taken;
};

static void look_for_id(const struct conn *c, void *claim_)
{
	struct claim *claim = claim_;
	if (c != claim->by && c->short_id == claim->short_id)
		claim->taken = true;
}

int controllers_set_role(struct controllers *cs, struct conn *c,
			 const struct ofp_role_request *request, struct ofp_role_request *reply)
{
	struct claim claim = {.by = c, .short_id = request->short_id};
	if (request->short_id != OFPCID_UNDEFINED)
		controllers_for_each_peer(cs, look_for_id, &claim);
	if (claim.taken)
		return OFPRRFC_ID_IN_USE;
	int error = request->role == OFPCR_NOCHANGE ? 0 : change_role(cs, c, request);
	if (error)
		return error;
	if (request->short_id != OFPCID_UNDEFINED && request->short_id != c->short_id) {
		c->short_id = request->short_id;
		controller_status_news(c, OFPCSR_SHORT_ID, OFPCT_STATUS_UP);
	}
	*reply = (struct ofp_role_request){
		.role = c->role,
		.have_generation_id = cs->have_generation_id,
		.generation_id = cs->have_generation_id ? cs->generation_id : UINT64_MAX,
		.short_id = c->short_id,
	};
	return 0;
}

// --- Status.

static const char *role_name(const struct conn *c)
{
	switch (c->role) {
	case OFPCR_PRIMARY:
		return "master";
	case OFPCR_SECONDARY:
		return "slave";
	case OFPCR_EQUAL:
	case OFPCR_NOCHANGE:
		break;
	}
	return "other";
}

static int64_t seconds_since(int64_t then, int64_t now)
{
	return then < 0 ? -1 : (now - then) / 1000;
}

// Has the listener a connection?
static bool has_accepted(const struct controllers *cs, const struct remote *r)
{
	for (size_t i = 0; i < guests_count(cs->guests); i++)
		if (guests_host(cs->guests, i) == r &&
		    ofconn_is_connected(guests_conn(cs->guests, i)->of))
			return true;
	return false;
}

void controllers_for_each(const struct controllers *cs,
			  void (*cb)(void *arg, const struct ofproto_controller_status *),
			  void *arg)
{
	int64_t now = clock_ms();
	VEC_FOREACH (&cs->remotes, i) {
		const struct remote *r = cs->remotes.v[i];
		bool visited = has_accepted(cs, r);
		struct ofproto_controller_status s = {
			.target = r->target,
			.is_connected = visited,
			.role = visited ? "other" : NULL,
			.state = visited ? "ACTIVE" : NULL,
			.last_error = r->error,
			.sec_since_connect = -1,
			.sec_since_disconnect = -1,
		};
		if (r->conn) {
			const struct ofconn *of = r->conn->of;
			const struct reconnect *fsm = ofconn_reconnect(of);
			int error = ofconn_last_error(of);
			s.is_connected = ofconn_is_connected(of);
			s.role = s.is_connected ? role_name(r->conn) : NULL;
			s.state = ofconn_state_name(of);
			s.last_error = !error ? NULL : error > 0 ? strerror(error) : "End of file";
			s.sec_since_connect = seconds_since(fsm->connected_at, now);
			s.sec_since_disconnect = seconds_since(fsm->disconnected_at, now);
		}
		cb(arg, &s);
	}
}

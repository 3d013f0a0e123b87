/* SPDX-License-Identifier: Apache-2.0 */
#include "dp_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rcu.h"

static void keep(struct buf *b, const void *bytes, size_t n)
{
	buf_clear(b);
	if (n)
		buf_add(b, bytes, n);
}

static int upcall(void *arg, const struct dp_upcall *up, struct dp_upcall_result *result)
{
	struct fixture *f = arg;
	pthread_mutex_lock(&f->lock);
	f->key = *up->key;
	keep(&f->frame, up->frame, up->frame_len);
	keep(&f->userdata, up->userdata, up->userdata_len);
	if (up->type == DP_UPCALL_ACTION)
		f->n_actions++;
	else
		f->n_misses++;
	int r = f->result;
	if (f->on_upcall) {
		f->on_upcall(f, up, result);
	} else if (up->type == DP_UPCALL_MISS) {
		buf_add(&result->actions, f->actions.data, f->actions.len);
		result->mask = f->mask;
		result->install = f->install;
		if (f->install)
			result->cookie = (void *)++f->next_cookie;
	}
	pthread_mutex_unlock(&f->lock);
	return r;
}

static void flow_gone(void *arg, void *cookie, const struct dp_flow_stats *stats)
{
	struct fixture *f = arg;
	vec_push(&f->gone, ((struct fixture_gone){.cookie = cookie, .stats = *stats}));
}

static const struct dp_callbacks callbacks = {.upcall = upcall, .flow_gone = flow_gone};

void fixture_init(struct fixture *f, const char *type, const char *port_type)
{
	memset(f, 0, sizeof(*f));
	pthread_mutex_init(&f->lock, NULL);
	dp_enable_dummy();
	f->loop = loop_new();
	loop_use_rcu(f->loop);
	struct error *e = dp_open(f->loop, type, "ovs-netdev", &callbacks, f, &f->dp);
	if (e)
		fail_msg("%s", error_text(e));
	for (uint32_t i = 1; i <= FIXTURE_PORTS; i++) {
		char name[16];
		uint32_t number = DP_PORT_NONE;
		snprintf(name, sizeof(name), "p%u", i);
		f->port[i] = fake_netdev_new(name, port_type, 1500, 1);
		e = dp_port_add(f->dp, f->port[i], &number);
		if (e)
			fail_msg("%s", error_text(e));
		assert_int_equal(number, i);
	}
}

void fixture_done(struct fixture *f)
{
	dp_close(f->dp);
	for (uint32_t i = 1; i <= FIXTURE_PORTS; i++)
		fake_netdev_free(f->port[i]);
	loop_free(f->loop);
	buf_done(&f->actions);
	buf_done(&f->frame);
	buf_done(&f->userdata);
	vec_done(&f->gone);
	pthread_mutex_destroy(&f->lock);
}

void fixture_run(struct fixture *f)
{
	for (int i = 0; i < 20; i++)
		loop_run_once(f->loop, 0);
}

void fixture_settle(struct fixture *f)
{
	for (int i = 0; i < 3; i++) {
		fixture_run(f);
		rcu_barrier_all();
	}
	fixture_run(f);
}

struct dp_stats fixture_stats(const struct fixture *f)
{
	struct dp_stats s;
	dp_get_stats(f->dp, &s);
	return s;
}

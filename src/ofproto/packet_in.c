/* SPDX-License-Identifier: Apache-2.0 */
// One box per bridge, found by the bridge's id under the lock that also guards the boxes' contents:
// who gives a packet away never follows a pointer to a bridge that may be gone. A full box drops,
// so that a flood on one bridge costs a bounded amount of memory and the others nothing.
#include "ofproto/packet_in.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/counter.h"
#include "base/vec.h"
#include "ofproto/controllers.h"
#include "ofproto/internal.h"
#include "ofproto/packet_in_inbox.h"
#include "ofproto/recirc.h"

COUNTER(ofproto_packet_in_dropped);

enum { BOX_SIZE = 1024 };

struct letter {
	struct packet_in pin; // frame and userdata point behind it
	uint8_t bytes[];
};

struct box {
	uint64_t ofproto_id;
	VEC(struct letter *) letters;
};

struct packet_in_inbox {
	struct ofproto_system *system;
	struct loop_wake *wake;
	pthread_mutex_t lock;
	VEC(struct box) boxes; // guarded by the lock
};

static struct box *find_box(struct packet_in_inbox *in, uint64_t id)
{
	VEC_FOREACH (&in->boxes, i)
		if (in->boxes.v[i].ofproto_id == id)
			return &in->boxes.v[i];
	return NULL;
}

static struct letter *letter_new(const struct packet_in *pin)
{
	struct letter *l = xmalloc(sizeof(*l) + pin->frame_len + pin->userdata_len);
	l->pin = *pin;
	l->pin.frame = l->bytes;
	l->pin.userdata = l->bytes + pin->frame_len;
	memcpy(l->bytes, pin->frame, pin->frame_len);
	if (pin->userdata_len)
		memcpy(l->bytes + pin->frame_len, pin->userdata, pin->userdata_len);
	l->pin.paused = pin->paused ? recirc_try_ref(pin->paused) : NULL;
	return l;
}

static void letter_free(struct letter *l)
{
	recirc_unref(l->pin.paused);
	free(l);
}

bool packet_in_enqueue(struct ofproto_system *system, uint64_t ofproto_id,
		       const struct packet_in *pin)
{
	struct packet_in_inbox *in = system->packet_ins;
	struct letter *l = letter_new(pin);
	pthread_mutex_lock(&in->lock);
	struct box *box = find_box(in, ofproto_id);
	bool taken = box && box->letters.n < BOX_SIZE;
	if (taken)
		vec_push(&box->letters, l);
	pthread_mutex_unlock(&in->lock);
	if (taken) {
		loop_wake(in->wake);
	} else {
		letter_free(l);
		counter_inc(ofproto_packet_in_dropped);
	}
	return taken;
}

// Takes a box's letters away to send them without the lock: what sending causes may give more
// packets away.
static void deliver(struct packet_in_inbox *in, struct ofproto *p)
{
	VEC(struct letter *) letters = {0};
	pthread_mutex_lock(&in->lock);
	struct box *box = find_box(in, p->id);
	if (box && box->letters.n) {
		letters.v = box->letters.v;
		letters.n = box->letters.n;
		letters.cap = box->letters.cap;
		memset(&box->letters, 0, sizeof(box->letters));
	}
	pthread_mutex_unlock(&in->lock);
	VEC_FOREACH (&letters, i) {
		controllers_packet_in(p->controllers, &letters.v[i]->pin);
		letter_free(letters.v[i]);
	}
	vec_done(&letters);
}

static void on_wake(void *in_)
{
	struct packet_in_inbox *in = in_;
	VEC_FOREACH (&in->system->bridges, i)
		deliver(in, in->system->bridges.v[i]);
}

struct packet_in_inbox *packet_in_inbox_new(struct ofproto_system *system)
{
	struct packet_in_inbox *in = XNEW(struct packet_in_inbox);
	in->system = system;
	pthread_mutex_init(&in->lock, NULL);
	in->wake = loop_wake_new(system->loop, on_wake, in);
	return in;
}

void packet_in_inbox_free(struct packet_in_inbox *in)
{
	loop_wake_free(in->wake);
	vec_done(&in->boxes);
	pthread_mutex_destroy(&in->lock);
	free(in);
}

void packet_in_inbox_add(struct packet_in_inbox *in, uint64_t ofproto_id)
{
	pthread_mutex_lock(&in->lock);
	vec_push(&in->boxes, ((struct box){.ofproto_id = ofproto_id}));
	pthread_mutex_unlock(&in->lock);
}

void packet_in_inbox_remove(struct packet_in_inbox *in, uint64_t ofproto_id)
{
	pthread_mutex_lock(&in->lock);
	struct box *box = find_box(in, ofproto_id);
	if (box) {
		VEC_FOREACH (&box->letters, i)
			letter_free(box->letters.v[i]);
		vec_done(&box->letters);
		vec_swap_remove(&in->boxes, (size_t)(box - in->boxes.v));
	}
	pthread_mutex_unlock(&in->lock);
}

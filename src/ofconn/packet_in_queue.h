/* SPDX-License-Identifier: Apache-2.0 */
// A token bucket for packets to the controller: up to `burst` at once, `rate` a second on average;
// what comes faster waits in one queue per input port, served in turn, so that a flood on one port
// does not starve the others; when all queues together are full, the longest loses its oldest.
// Pure: the time is an argument.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct packet_in_queue;

// rate 0: no limit, everything passes.
struct packet_in_queue *packet_in_queue_new(unsigned int rate, unsigned int burst);
void packet_in_queue_free(struct packet_in_queue *);
void packet_in_queue_configure(struct packet_in_queue *, unsigned int rate, unsigned int burst);

typedef void packet_in_send_cb(void *arg, const void *msg, size_t n);
// Sends the message now if the bucket allows, else keeps a copy.
void packet_in_queue_add(struct packet_in_queue *, uint32_t in_port, const void *msg, size_t n,
			 int64_t now, packet_in_send_cb *, void *arg);
// Sends what the bucket allows by now.
void packet_in_queue_run(struct packet_in_queue *, int64_t now, packet_in_send_cb *, void *arg);
// When packet_in_queue_run() should be called; INT64_MAX: nothing waits.
int64_t packet_in_queue_deadline(const struct packet_in_queue *, int64_t now);
void packet_in_queue_flush(struct packet_in_queue *);

struct packet_in_queue_stats {
	unsigned int n_queued;
	uint64_t n_bypassed, n_limited, n_dropped; // sent at once, had to wait, lost
};
struct packet_in_queue_stats packet_in_queue_stats(const struct packet_in_queue *);

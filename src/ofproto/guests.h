/* SPDX-License-Identifier: Apache-2.0 */
// The OpenFlow connections that a bridge's listeners accepted. A listener, the host, has so many at
// most, and all bridges together half of the process's file descriptors: whoever opens connections
// by the thousand takes nothing from other listeners, ports and commands. Where it is full, whoever
// has not even said hello for the longest time goes for who comes new, so that mute connections
// keep nobody out; where all have, who comes new is refused. Both are counted, and the log says so
// once. Main thread.
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct conn;
struct conn_options;
struct controllers;
struct guests;
struct ofconn_options;
struct ofproto;
struct stream;

enum { GUESTS_PER_HOST = 1000 };

struct guests *guests_new(struct controllers *, struct ofproto *);
void guests_free(struct guests *); // NULL is allowed; closes all
// Takes the stream. `host` is the caller's key for the listener, `target` its name.
void guests_accept(struct guests *, const void *host, const char *target, struct stream *,
		   const struct ofconn_options *, const struct conn_options *);
size_t guests_count(const struct guests *);
struct conn *guests_conn(const struct guests *, size_t i);
const void *guests_host(const struct guests *, size_t i);
// Closes it and frees it; the last one takes its number.
void guests_drop(struct guests *, size_t i);
void guests_drop_host(struct guests *, const void *host); // all of the listener, which is forgotten

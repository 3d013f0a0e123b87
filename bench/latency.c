/* SPDX-License-Identifier: Apache-2.0 */
// Sends frames at an even rate through a device, and says how long each took to come out of another
// one of the same machine.
//
//	latency send DEV RATE SECONDS		frames of 64 bytes that carry the time at which they
// left
//	latency receive DEV SECONDS		waits for them, that long after the first; prints
// percentiles in microseconds as JSON
//	latency replay DEV RATE SECONDS PCAP	the frames of a capture file instead, again and
// again
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/alloc.h"
#include "base/byteorder.h"
#include "base/vec.h"
#include "packet/headers.h"
#include "packet/pcap.h"

enum {
	FRAME = 60,
	ETHERTYPE_STAMP = 0x88b5 /* IEEE 802: local experiments */,
	STAMP_AT = 14,
	SPIN_NS = 50000
};

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int open_device(const char *name, uint16_t type)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET,
				      .sll_protocol = htons(type),
				      .sll_ifindex = (int)if_nametoindex(name)};
	int fd = socket(AF_PACKET, SOCK_RAW, htons(type));
	if (fd < 0 || !address.sll_ifindex ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		fprintf(stderr, "latency: %s: %s\n", name, strerror(errno));
		exit(1);
	}
	return fd;
}

static void wait_until_ns(uint64_t when)
{
	uint64_t now = now_ns();
	if (now + SPIN_NS < when) {
		struct timespec t = {.tv_sec = (time_t)((when - SPIN_NS) / 1000000000),
				     .tv_nsec = (long)((when - SPIN_NS) % 1000000000)};
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
	}
	while (now_ns() < when)
		;
}

struct frames {
	VEC(struct buf) of;
};

static void read_frames(const char *path, struct frames *frames)
{
	struct pcap_file *file;
	struct error *e = pcap_file_open(path, &file);
	for (bool end = false; !e && !end;) {
		struct buf frame = BUF_INIT;
		e = pcap_file_read(file, &frame, NULL, &end);
		if (!e && !end)
			vec_push(&frames->of, frame);
	}
	if (e || !frames->of.n) {
		fprintf(stderr, "latency: %s: %s\n", path, e ? error_text(e) : "no frames");
		exit(1);
	}
	pcap_file_close(file);
}

static int transmit(const char *device, double rate, double seconds, const struct frames *frames)
{
	int fd = open_device(device, 0);
	uint8_t frame[FRAME] = {0x02, 0, 0, 0, 0, 0x22, 0x02, 0, 0, 0, 0, 0x11};
	put_be16(frame + 12, ETHERTYPE_STAMP);
	uint64_t start = now_ns(), n = (uint64_t)(rate * seconds);
	for (uint64_t i = 0; i < n; i++) {
		wait_until_ns(start + (uint64_t)((double)i * 1e9 / rate));
		if (frames) {
			const struct buf *b = &frames->of.v[i % frames->of.n];
			(void)!send(fd, b->data, b->len, 0);
			continue;
		}
		uint64_t stamp = now_ns();
		memcpy(frame + STAMP_AT, &stamp, sizeof(stamp));
		(void)!send(fd, frame, sizeof(frame), 0);
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static int receive(const char *device, double seconds)
{
	int fd = open_device(device, ETHERTYPE_STAMP);
	VEC(uint64_t) took = {0};
	uint64_t end = now_ns() + 10000000000;
	for (uint64_t now; (now = now_ns()) < end;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		uint8_t frame[FRAME];
		uint64_t stamp;
		if (poll(&p, 1, (int)((end - now) / 1000000) + 1) <= 0 ||
		    recv(fd, frame, sizeof(frame), 0) < STAMP_AT + 8)
			continue;
		now = now_ns();
		memcpy(&stamp, frame + STAMP_AT, sizeof(stamp));
		if (!took.n)
			end = now + (uint64_t)(seconds * 1e9);
		if (stamp < now)
			vec_push(&took, now - stamp);
	}
	if (!took.n)
		return 1;
	qsort(took.v, took.n, sizeof(took.v[0]), compare);
	static const double percent[] = {50, 90, 99, 99.9};
	printf("{\"n\": %zu", took.n);
	for (size_t i = 0; i < sizeof(percent) / sizeof(percent[0]); i++)
		printf(", \"%g\": %.1f", percent[i],
		       (double)took.v[(size_t)((double)(took.n - 1) * percent[i] / 100)] / 1000);
	printf("}\n");
	vec_done(&took);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	if (!strcmp(what, "send") && argc == 5)
		return transmit(argv[2], atof(argv[3]), atof(argv[4]), NULL);
	if (!strcmp(what, "receive") && argc == 4)
		return receive(argv[2], atof(argv[3]));
	if (!strcmp(what, "replay") && argc == 6) {
		struct frames frames = {0};
		read_frames(argv[5], &frames);
		return transmit(argv[2], atof(argv[3]), atof(argv[4]), &frames);
	}
	fprintf(stderr, "usage: latency send DEV RATE SECONDS | receive DEV SECONDS | replay DEV "
			"RATE SECONDS PCAP\n");
	return 1;
}

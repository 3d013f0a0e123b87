/* SPDX-License-Identifier: Apache-2.0 */
// Printing how queues are configured.
#include <errno.h>
#include <stdlib.h>

#include "base/vec.h"
#include "openflow/print_row.h"
#include "openflow/queue_config.h"

int print_queue_config_request(struct str *s, const struct ofp_msg *m,
			       const struct ofp_print_options *o)
{
	uint32_t port, queue;
	int error = ofp_decode_queue_config_request(m, &port, &queue);
	if (error)
		return error;
	str_add(s, " port=");
	print_port(s, port, o);
	if (queue != OFPQ_ALL)
		str_addf(s, " queue=%u", queue);
	return 0;
}

static void print_rate(struct str *s, const char *name, uint16_t rate)
{
	if (rate == UINT16_MAX)
		return;
	if (rate <= 1000)
		str_addf(s, " %s:%u.%u%%", name, rate / 10, rate % 10);
	else
		str_addf(s, " %s:(disabled)", name);
}

static int compare_queues(const void *pa, const void *pb)
{
	const struct ofp_queue_config *a = pa, *b = pb;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	return a->queue < b->queue ? -1 : a->queue > b->queue;
}

int print_queue_config_reply(struct str *s, const struct ofp_msg *m,
			     const struct ofp_print_options *o)
{
	struct cursor body = m->body;
	VEC(struct ofp_queue_config) queues = {0};
	struct ofp_queue_config q;
	uint32_t port, last = 0;
	int error = ofp_queue_config_reply_port(m, &body, &port);
	while (!error && !(error = ofp_queue_config_pull(&body, m->version, port, &q)))
		vec_push(&queues, q);
	if (queues.n)
		qsort(queues.v, queues.n, sizeof(queues.v[0]), compare_queues);
	if (queues.n)
		str_addc(s, ' ');
	VEC_FOREACH (&queues, i) {
		if (queues.v[i].port != last) {
			last = queues.v[i].port;
			str_add(s, "port=");
			print_port(s, last, o);
			str_addc(s, '\n');
		}
		str_addf(s, "queue %u:", queues.v[i].queue);
		print_rate(s, "min_rate", queues.v[i].min_rate);
		print_rate(s, "max_rate", queues.v[i].max_rate);
		str_addc(s, '\n');
	}
	vec_done(&queues);
	return error == -ENODATA ? 0 : error;
}

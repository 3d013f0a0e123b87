/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/dpact.h"

#include <assert.h>
#include <string.h>

void *dpact_add(struct buf *b, enum dpact_type type, size_t len)
{
	assert(len >= sizeof(struct dpact) && len <= UINT16_MAX - 7);
	struct dpact *a = buf_add_zeros(b, (len + 7) & ~(size_t)7);
	a->type = (uint16_t)type;
	a->len = (uint16_t)len;
	return a;
}

void dpact_add_output(struct buf *b, uint32_t port)
{
	struct dpact_output *a = dpact_add(b, DPACT_OUTPUT, sizeof(*a));
	a->port = port;
}

void dpact_add_userspace(struct buf *b, const void *userdata, size_t n)
{
	struct dpact_userspace *a = dpact_add(b, DPACT_USERSPACE, sizeof(*a) + n);
	a->userdata_len = (uint16_t)n;
	if (n)
		memcpy(a->userdata, userdata, n);
}

size_t dpact_nest_begin(struct buf *b, enum dpact_type type, size_t header)
{
	size_t start = b->len;
	dpact_add(b, type, header);
	return start;
}

bool dpact_nest_end(struct buf *b, size_t start)
{
	size_t len = b->len - start;
	if (len > UINT16_MAX - 7) {
		b->len = start;
		return false;
	}
	((struct dpact *)(void *)(b->data + start))->len = (uint16_t)len;
	return true;
}

static const char *const drop_reasons[DP_DROP_N_REASONS] = {
	[DP_DROP_NO_ACTIONS] = "no_actions", [DP_DROP_TRANSLATION] = "translation",
	[DP_DROP_NO_PORT] = "no_port",	     [DP_DROP_TX] = "tx",
	[DP_DROP_UPCALL] = "upcall",	     [DP_DROP_MTU] = "mtu",
	[DP_DROP_MALFORMED] = "malformed",   [DP_DROP_RECIRC] = "recirc",
	[DP_DROP_METER] = "meter",	     [DP_DROP_NO_BUFFER] = "no_buffer",
	[DP_DROP_BUDGET] = "upcall_budget",  [DP_DROP_DECAP] = "nsh_decap",
};

const char *dp_drop_reason_name(enum dp_drop_reason reason)
{
	return (unsigned int)reason < DP_DROP_N_REASONS ? drop_reasons[reason] : "unknown";
}

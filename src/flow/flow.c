/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow.h"

#include "packet/headers.h"

bool flow_equal_masked(const struct flow *a, const struct flow *b, const struct flow *mask)
{
	const uint64_t *x = flow_words_const(a), *y = flow_words_const(b), *m = flow_words_const(mask);
	for (unsigned int i = 0; i < FLOW_WORDS; i++)
		if ((x[i] ^ y[i]) & m[i])
			return false;
	return true;
}

void flow_mask(struct flow *out, const struct flow *f, const struct flow *mask)
{
	uint64_t *o = flow_words(out);
	const uint64_t *x = flow_words_const(f), *m = flow_words_const(mask);
	for (unsigned int i = 0; i < FLOW_WORDS; i++)
		o[i] = x[i] & m[i];
}

void flow_set_vlan_tci(struct flow *flow, uint16_t tci)
{
	flow->vlan[0].tci = htobe16(tci);
	if (!(tci & VLAN_CFI))
		flow->vlan[0].tpid = 0;
	else if (!flow->vlan[0].tpid)
		flow->vlan[0].tpid = BE16(ETHERTYPE_VLAN_8021Q);
}

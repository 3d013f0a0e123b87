/* SPDX-License-Identifier: Apache-2.0 */
// The headers of set actions as rows, and the parts of datapath text that keys and actions share:
// internal to dpact_*.c and dpkey_*.c.
#pragma once
#include "flow/dpact.h"
#include "flow/dpfields.h"

struct dpact_header_row {
	const char *name;
	const struct dpfield *fields; // NULL: neither a struct of simple values
};
extern const struct dpact_header_row dpact_header_rows[DPH_N_HEADERS];
extern const struct dpfield dpact_tunnel_fields[];
extern const struct dpfield dpact_nsh_fields[];

// "tun_id=0x5,src=...,flags(df|key)". Zero values are left out when `mask` is NULL: a header to be
// set. Options of Geneve where there are some: what key->options says of these bytes; NULL: they
// are not known.
void dptunnel_format(struct str *, const struct flow_tunnel *key, const struct flow_tunnel *mask,
		     const uint8_t *options, const uint8_t *options_mask, bool verbose);
// Back, up to and over ")". With options NULL there must be none.
bool dptunnel_parse(const char **text, struct flow_tunnel *key, struct flow_tunnel *mask,
		    uint8_t *options, uint8_t *options_mask);
// "geneve({class=0x1234,type=0,len=4,0xa/0xff})" of n bytes as they are in the header.
void dpoptions_format(struct str *, const uint8_t *options, const uint8_t *mask, size_t n);
// Back, from behind "geneve(" up to and over ")".
bool dpoptions_parse(const char **text, uint8_t options[FLOW_OPTIONS_BYTES],
		     uint8_t mask[FLOW_OPTIONS_BYTES], size_t *n);
// "label=5,tc=0,ttl=64,bos=1" of one entry; with masks "label=5/0xff,tc=0/0,ttl=64/0x0,bos=1/1".
void dpmpls_format(struct str *, uint32_t lse, uint32_t mask);
// One entry; stops before what follows "bos=N".
bool dpmpls_parse(const char **text, uint32_t *lse, uint32_t *mask);
struct buf;
struct str;
// The actions "push_nsh(flags=0,ttl=63,mdtype=1,np=3,spi=0x1,si=255,c1=0x0,...)", and
// "push_eth(src=..,dst=..)".
void dpact_push_nsh_format(struct str *, const struct dpact_push_nsh *);
bool dpact_push_nsh_parse(struct buf *,
			  const char **text); // behind the parenthesis, up to and over ")"
void dpact_push_eth_format(struct str *, const struct dpact_push_eth *);
bool dpact_push_eth_parse(struct buf *, const char **text);
// "vid=5,pcp=3"; ",cfi=0" when the bit is not set. Parts that are zero in value and mask are left
// out unless `verbose`.
void dpvlan_format(struct str *, uint16_t tci, uint16_t mask, bool verbose);
// Back, up to and over ")".
bool dpvlan_parse(const char **text, uint16_t *tci, uint16_t *mask);

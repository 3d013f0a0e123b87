/* SPDX-License-Identifier: Apache-2.0 */
// In-band control: the connections to controllers and managers run through the very bridge that
// they control. Hidden rules, above all that a controller can say, let through what these
// connections need: DHCP and ARP of the bridge's local port, ARP and TCP of the controllers, ARP of
// the neighbour through which they are reached. Main thread.
#pragma once
struct in_band;
struct ofproto;
struct ofproto_peer;

struct in_band *in_band_new(struct ofproto *);
void in_band_free(struct in_band *); // NULL is allowed; before the tables go
// Who is to be reached; none: off. Those whose target is not tcp: or ssl: with an IPv4 address are
// left out.
void in_band_set_peers(struct in_band *, const struct ofproto_peer *, unsigned int n);
// The tables were flushed: the rules are put back.
void in_band_restore(struct in_band *);

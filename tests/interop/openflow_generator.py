# SPDX-License-Identifier: Apache-2.0
"""Random flows in the text of ovs-ofctl: matches after test_flow_text's, and every action of ovs-actions(7), mostly valid, with
arguments that are sometimes not."""
import random

from test_flow_text import Flows

PORTS = ["1", "2", "65279", "LOCAL", "in_port"]
WRITABLE = {  # field: how many bits
    "reg0": 32, "reg15": 32, "xreg3": 64, "xxreg1": 128, "metadata": 64, "tun_id": 64, "pkt_mark": 32, "in_port": 16,
    "tun_src": 32, "tun_dst": 32, "tun_ipv6_src": 128, "tun_gbp_id": 16, "tun_gbp_flags": 8, "tun_flags": 1,
    "eth_src": 48, "eth_dst": 48, "vlan_tci": 16,
}
BY_KIND = {
    "ip": {"ip_src": 32, "nw_dst": 32, "nw_ttl": 8, "nw_ecn": 2, "ip_dscp": 6}, "ipv6": {"ipv6_src": 128, "ipv6_dst": 128, "ipv6_label": 20, "nw_ttl": 8},
    "tcp": {"tcp_src": 16, "tcp_dst": 16, "nw_src": 32}, "udp": {"udp_src": 16, "udp_dst": 16}, "sctp": {"sctp_src": 16},
    "arp": {"arp_op": 16, "arp_spa": 32, "arp_tha": 48}, "icmp": {"icmp_type": 8, "icmp_code": 8}, "tcp6": {"tcp_dst": 16, "ipv6_dst": 128},
    "icmp6": {"icmpv6_type": 8}, "mpls": {"mpls_label": 20, "mpls_tc": 3, "mpls_ttl": 8}, "": {}, "vlan": {"vlan_vid": 12, "vlan_pcp": 3},
    "nsh": {"nsh_flags": 8, "nsh_ttl": 6, "nsh_spi": 24, "nsh_si": 8, "nsh_c1": 32, "nsh_c4": 32},
    "nd": {"nd_target": 128, "nd_sll": 48, "nd_reserved": 32, "nd_options_type": 8},
}
MATCH_OF = {"vlan": "dl_vlan=7", "nsh": "dl_type=0x894f", "nd": "icmp6,icmpv6_type=135,icmpv6_code=0"}
READABLE = {"ct_state": 32, "ct_zone": 16, "dp_hash": 32, "eth_type": 16, "ct_label": 128, "ct_mark": 32}
HASH = ["eth_src", "symmetric_l4", "symmetric_l3l4", "symmetric_l3l4+udp", "nw_src", "nw_dst", "symmetric_l3"]


class Generator(Flows):
    def subfield(self, fields, bits=None, odd=0.02):
        """A field or some of its bits; exactly `bits` of them when that is given."""
        r = self.r
        choices = [f for f in fields if fields[f] >= (bits or 1)] or ["reg0"]
        name = r.choice(choices)
        width = fields.get(name, 32)
        shown = r.choice([name, name, name.upper()]) if r.random() < odd else name
        n = bits or r.choice([width, width, 1, r.randint(1, width)])
        if n == width:
            return shown + r.choice(["", "[]", "[0..%d]" % (width - 1)]), n
        start = r.randint(0, width - n)
        if r.random() < odd:
            start = width - n + 1
        return "%s[%s]" % (shown, "%d" % start if n == 1 and r.random() < 0.7 else "%d..%d" % (start, start + n - 1)), n

    def fields(self, kind):
        return {**WRITABLE, **BY_KIND.get(kind, {})}

    def value(self, name, bits):
        r = self.r
        if name in ("eth_src", "eth_dst", "arp_tha", "nd_sll"):
            return self.masked(self.mac(), self.mac()) if name != "nd_sll" else self.mac()
        if name in ("ip_src", "nw_src", "nw_dst", "arp_spa", "tun_src", "tun_dst"):
            return self.masked(self.ip(), "24", "255.0.255.0")
        if name in ("ipv6_src", "ipv6_dst", "tun_ipv6_src", "nd_target"):
            return self.masked(self.ip6(), "64")
        if name == "tun_flags":
            return r.choice(["oam", "0", "+oam"])
        if name == "in_port":
            return r.choice(PORTS)
        if name == "vlan_vid":
            return "%d" % (0x1000 | r.randrange(4096))
        if name in ("nw_ttl", "nw_ecn", "ip_dscp", "arp_op", "icmp_type", "icmp_code", "icmpv6_type", "mpls_label", "mpls_tc", "mpls_ttl", "vlan_pcp",
                    "nsh_ttl", "nsh_spi", "nsh_si", "nd_reserved", "nd_options_type"):
            return "%d" % r.getrandbits(min(bits, 8))
        return self.masked("0x%x" % r.getrandbits(bits), "0x%x" % r.getrandbits(bits))

    def set_field(self, kind):
        fields = self.fields(kind)
        name = self.r.choice(list(fields))
        return "set_field:%s->%s" % (self.value(name, fields[name]), name)

    def load(self, kind):
        dst, n = self.subfield(self.fields(kind))
        r = self.r
        value = r.getrandbits(n) if r.random() < 0.97 else 1 << n
        return "load:%s->%s" % (r.choice(["0x%x" % value, "%d" % value if n <= 64 else "0x%x" % value]), dst)

    def move(self, kind):
        dst, n = self.subfield(self.fields(kind))
        src, n = self.subfield({**self.fields(kind), **READABLE}, n)
        return "move:%s->%s" % (src, dst)

    def learn(self, kind):
        r = self.r
        words = []
        for word in ("table=%d" % r.randrange(254), "idle_timeout=%d" % r.randrange(65536), "hard_timeout=60", "fin_idle_timeout=5", "fin_hard_timeout=9",
                     "priority=%d" % r.randrange(65536), "send_flow_rem", "delete_learned", "cookie=0x%x" % r.getrandbits(64), "limit=%d" % r.randrange(3),
                     "result_dst=reg0[%d]" % r.randrange(32)):
            if r.random() < 0.25:
                words.append(word)
        if r.random() < 0.5:
            words.append("eth_type=0x800")
            words.append(r.choice(["nw_src=1.2.3.4", "ip_dst=ip_src" if kind in ("ip", "tcp", "udp") else "nw_dst=9.9.9.9", "nw_proto=6"]))
        for _ in range(r.randrange(4)):
            dst, n = self.subfield(WRITABLE)
            src, n = self.subfield(self.fields(kind), n)
            words.append(r.choice(["%s=%s" % (dst, src), dst, "load:%s->%s" % (src, dst), "load:0x%x->%s" % (r.getrandbits(n), dst),
                                   "output:" + src, "reg%d[3..9]=%d" % (r.randrange(16), r.randrange(130)), "metadata=0x%x" % r.getrandbits(64),
                                   "vlan_tci[0..11]", "eth_dst=eth_src"]))
        return "learn(%s)" % ",".join(words)

    def nat(self):
        r = self.r
        if r.random() < 0.3:
            return "nat"
        words = [r.choice(["src", "dst", "src=10.0.0.1", "dst=10.0.0.1-10.0.0.9", "src=10.0.0.1:80", "src=10.0.0.1-10.0.0.9:1000-2000", "dst=10.0.0.9-10.0.0.1",
                           "src=10.0.0.1:0", "src=fe80::1", "dst=[fe80::1]:80", "src=[fe80::1]-[fe80::9]:1-2", "src=fe80::1-fe80::9", "src=10.0.0.1:5-3",
                           "src=10.0.0.1:5-5", "dst=10.0.0.1-10.0.0.1"])]
        words += [w for w in ("persistent", "hash", "random") if r.random() < 0.15]
        return "nat(%s)" % ",".join(words)

    def ct(self, kind):
        r = self.r
        commit = r.random() < 0.6
        words = ["commit"] if commit else []
        if r.random() < 0.2:
            words.append("force")
        if r.random() < 0.4:
            words.append(r.choice(["zone=%d" % r.randrange(65536), "zone=reg0[0..15]", "zone=NXM_NX_REG3[16..31]", "zone=tun_gbp_id"]))
        if r.random() < 0.4:
            words.append("table=%d" % r.randrange(256))
        if r.random() < 0.2:
            words.append("alg=" + r.choice(["ftp", "tftp"]))
        if r.random() < 0.4:
            words.append(self.nat() if commit else "nat")
        if commit and r.random() < 0.4:
            words.append("exec(%s)" % ",".join(r.choice(["load:0x%x->NXM_NX_CT_MARK[]" % r.getrandbits(32), "set_field:0x%x/0x%x->ct_mark" % (r.getrandbits(8), r.getrandbits(8)),
                                                          "set_field:0x%x->ct_label" % r.getrandbits(100), "move:NXM_NX_REG0[]->NXM_NX_CT_MARK[]",
                                                          "load:1->NXM_NX_CT_LABEL[64..127]"]) for _ in range(r.randint(1, 3))))
        return r.choice(["ct(%s)" % ",".join(words)] * 9 + ["ct_clear"])

    def encap(self, kind):
        r = self.r
        return r.choice(["encap(nsh(md_type=1))", "encap(nsh)", "encap(nsh(md_type=2,tlv(0x%x,%d,0x%s)))" % (r.getrandbits(16), r.randrange(256), bytes([r.randint(16, 255)]).hex() + r.randbytes(r.randrange(20)).hex()),
                         "encap(ethernet)", "encap(mpls)", "encap(mpls_mc)", "decap", "decap()", "decap(packet_type(ns=%d,type=0x%x))" % (r.randrange(2), r.getrandbits(16)), "dec_nsh_ttl"])

    def controller(self, kind):
        r = self.r
        words = [w for w in ("reason=" + r.choice(["action", "no_match", "invalid_ttl", "action_set", "group", "packet_out"]), "max_len=%d" % r.randrange(65536),
                             "id=%d" % r.randrange(65536), "userdata=" + ".".join("%02x" % r.randrange(256) for _ in range(r.randint(1, 12))), "pause",
                             "meter_id=%d" % r.randint(1, 9)) if r.random() < 0.35]
        return "controller(%s)" % ",".join(words) if words else "controller"

    def output(self, kind):
        r = self.r
        return r.choice(["output:" + r.choice(PORTS), r.choice(PORTS), "NORMAL", "FLOOD", "all", "CONTROLLER:%d" % r.randrange(65536), "output:reg0[0..15]", "output:NXM_NX_REG2[]",
                         "output(port=%s,max_len=%d)" % (r.choice(PORTS), r.choice([13, 14, 100, 1 << 20])), "enqueue:%s:%d" % (r.choice(PORTS), r.randrange(9)),
                         "enqueue(3,7)", "group:%d" % r.randrange(1 << 31), "resubmit:%s" % r.choice(["1", "LOCAL"]), "resubmit(,%d)" % r.randrange(255), "resubmit(4,5)",
                         "resubmit(,9,ct)"])

    def bundle(self, kind):
        r = self.r
        members = ",".join(r.choice(["1", "2", "LOCAL", "NONE", "65279"]) for _ in range(r.randrange(6)))
        head = "%s,%d,%s,ofport" % (r.choice(HASH), r.randrange(65536), r.choice(["hrw", "active_backup"]))
        return r.choice(["bundle(%s,%s:%s)" % (head, r.choice(["members", "slaves"]), members), "bundle_load(%s,%s,members:%s)" % (head, self.subfield(WRITABLE, 16)[0], members)])

    def multipath(self, kind):
        r = self.r
        n = r.choice([1, 2, 16, 65536])
        return "multipath(%s,%d,%s,%d,%d,%s)" % (r.choice(HASH), r.randrange(65536), r.choice(["modulo_n", "hash_threshold", "hrw", "iter_hash"]), n, r.randrange(20),
                                                 self.subfield(WRITABLE, r.choice([16, 17, 32]))[0])

    def sample(self, kind):
        r = self.r
        return "sample(probability=%d%s)" % (r.randint(1, 65535), "".join(w for w in (",collector_set_id=%d" % r.randrange(99), ",obs_domain_id=7", ",obs_point_id=4294967295",
                                                                                     ",sampling_port=%s" % r.choice(["1", "LOCAL"]), r.choice([",ingress", ",egress"])) if r.random() < 0.4))

    def legacy(self, kind):
        r = self.r
        return r.choice(["mod_vlan_vid:%d" % r.randrange(4096), "mod_vlan_pcp:%d" % r.randrange(8), "set_vlan_vid:%d" % r.randrange(4096), "set_vlan_pcp:3", "strip_vlan", "pop_vlan",
                         "push_vlan:" + r.choice(["0x8100", "0x88a8"]), "mod_dl_src:" + self.mac(), "mod_dl_dst:" + self.mac(), "mod_nw_src:" + self.ip(),
                         "mod_nw_dst:" + self.ip(), "mod_nw_tos:%d" % (r.randrange(64) * 4), "mod_nw_ecn:%d" % r.randrange(4), "mod_nw_ttl:%d" % r.randrange(256),
                         "mod_tp_src:%d" % r.randrange(65536), "mod_tp_dst:%d" % r.randrange(65536), "dec_ttl", "dec_ttl(%d,%d)" % (r.randrange(9), r.randrange(65536)),
                         "set_tunnel:0x%x" % r.getrandbits(32), "set_tunnel64:0x%x" % r.getrandbits(64), "set_tunnel:0x%x" % r.getrandbits(60), "set_queue:%d" % r.randrange(99),
                         "pop_queue", "push_mpls:" + r.choice(["0x8847", "0x8848"]), "pop_mpls:" + r.choice(["0x0800", "0x86dd", "0x8847"]), "dec_mpls_ttl",
                         "set_mpls_label:%d" % r.randrange(1 << 20), "set_mpls_tc:%d" % r.randrange(8), "set_mpls_ttl:%d" % r.randrange(256)])

    def other(self, kind):
        r = self.r
        dst = self.subfield(WRITABLE)[0]
        return r.choice(["push:" + self.subfield({**self.fields(kind), **READABLE})[0], "pop:" + dst, "note:" + ".".join("%02x" % r.randrange(256) for _ in range(r.randrange(20))),
                         "exit", "fin_timeout(idle_timeout=%d,hard_timeout=%d)" % (r.randrange(99), r.randrange(99)), "fin_timeout(idle_timeout=5)",
                         "check_pkt_larger(%d)->%s" % (r.randrange(65536), self.subfield(WRITABLE, 1)[0])])

    def action(self, kind, depth=0):
        r = self.r
        kinds = [self.set_field, self.set_field, self.load, self.load, self.move, self.learn, self.encap, self.controller, self.output, self.output, self.bundle,
                 self.multipath, self.sample, self.legacy, self.legacy, self.legacy, self.other]
        if kind in ("ip", "tcp", "udp", "icmp", "tcp6", "ipv6", "sctp", "icmp6") or r.random() < 0.02:
            kinds += [self.ct, self.ct]
        if depth < 2 and r.random() < 0.1:
            return "clone(%s)" % self.actions(kind, depth + 1)
        return r.choice(kinds)(kind)

    def actions(self, kind, depth=0):
        r = self.r
        if not depth and r.random() < 0.03:
            return ",".join("conjunction(%d,%d/%d)" % (r.randrange(1 << 31), r.randint(1, 3), r.randint(3, 5)) for _ in range(r.randint(1, 3)))
        words = [self.action(kind, depth) for _ in range(r.choice([0, 1, 1, 1, 2, 2, 3]))]
        if not depth:
            words = ["meter:%d" % r.randint(1, 9)] * (r.random() < 0.03) + words
            words += ["clear_actions"] * (r.random() < 0.05)
            if r.random() < 0.06:
                words.append("write_actions(%s)" % self.actions(kind, 1))
            words += ["write_metadata:0x%x/0x%x" % (r.getrandbits(64), r.getrandbits(64))] * (r.random() < 0.04)
            words += ["goto_table:%d" % r.randint(1, 254)] * (r.random() < 0.05)
        return ",".join(words) or "drop"

    def with_actions(self):
        """A flow whose match is simple and whose actions are not."""
        kind = self.r.choice(list(BY_KIND))
        terms = [t for t in [MATCH_OF.get(kind, kind)] if t]
        if self.r.random() < 0.2:
            terms.append(self.r.choice(["in_port=1", "reg0=5", "dl_vlan=3", "ct_state=+trk+est", "priority=7", "table=3", "cookie=0x5", "idle_timeout=9", "send_flow_rem"]))
        return ",".join(terms + ["actions=" + self.actions(kind)])

    def with_match(self):
        return ",".join([w for w in [self.flow()] if w] + ["actions=drop"])

    def any_flow(self):
        return self.with_match() if self.r.random() < 0.3 else self.with_actions()

# SPDX-License-Identifier: Apache-2.0
"""What os-ken can ask a switch, in each version that it has: every request class, and flows with every match field, action and instruction
class. Each case is a name and a list of messages."""
import inspect

from os_ken.ofproto import nx_match

ANY, ALL_GROUPS, GROUP_ANY = 0xFFFFFFFF, 0xFFFFFFFC, 0xFFFFFFFF
PACKET = bytes.fromhex("0000000000020000000000010800" "4500001c0000000040116acf0a0000010a000002" "003500350008e5ea") + bytes(18)
TCP, UDP, SCTP, ICMP, ICMP6 = 6, 17, 132, 1, 58

# What a field needs around it, by the beginning of its name.
PREREQUISITES = [
    (("tcp_",), {"eth_type": 0x800, "ip_proto": TCP}), (("udp_",), {"eth_type": 0x800, "ip_proto": UDP}), (("sctp_",), {"eth_type": 0x800, "ip_proto": SCTP}),
    (("icmpv4_",), {"eth_type": 0x800, "ip_proto": ICMP}), (("arp_",), {"eth_type": 0x806}), (("icmpv6_",), {"eth_type": 0x86DD, "ip_proto": ICMP6}),
    (("ipv6_nd_target", "ipv6_nd_sll", "nd_target", "nd_sll"), {"eth_type": 0x86DD, "ip_proto": ICMP6, "icmpv6_type": 135}),
    (("ipv6_nd_tll", "nd_tll"), {"eth_type": 0x86DD, "ip_proto": ICMP6, "icmpv6_type": 136}), (("ipv6_",), {"eth_type": 0x86DD}),
    (("ipv4_", "ip_", "nw_"), {"eth_type": 0x800}), (("mpls_",), {"eth_type": 0x8847}), (("vlan_pcp",), {"vlan_vid": 0x1005}), (("nsh_",), {"eth_type": 0x894F}),
    (("pbb_",), {"eth_type": 0x88E7}), (("ct_nw", "ct_tp"), {"eth_type": 0x800}),
]
VALUES = {"vlan_vid": 0x1005, "eth_type": 0x800, "eth_type_nxm": 0x800, "ip_dscp": 9, "ip_ecn": 1, "ip_ecn_nxm": 1, "vlan_pcp": 3, "mpls_tc": 3, "mpls_bos": 1, "in_port": 1,
          "in_port_nxm": 1, "tcp_flags": 2, "tcp_flags_nxm": 2, "ip_frag": 1, "ip_proto": TCP, "nsh_mdtype": 1, "actset_output": 1, "nw_tos": 32, "ct_state": 1,
          "arp_op": 2, "arp_op_nxm": 2, "vlan_tci": 0x1005}


def prerequisites(name, known):
    for starts, fields in PREREQUISITES:
        if name.startswith(starts):
            return {k: v for k, v in fields.items() if k in known}
    return {}


def value(name, kind):
    """One that fits, as os-ken writes it."""
    if name in VALUES:
        return VALUES[name]
    n = kind.size if hasattr(kind, "size") else 4
    text = type(kind).__name__ + str(kind)
    if "MacAddr" in text:
        return "00:00:00:00:00:05"
    if "IPv4Addr" in text:
        return "10.0.0.5"
    if "IPv6Addr" in text:
        return "fd00::5"
    return 5 & ((1 << 8 * n) - 1)


def ones(v):
    return {str: lambda: "ff:ff:ff:ff:ff:ff" if v.count(":") == 5 else "255.255.255.255" if "." in v else "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}.get(
        type(v), lambda: v)()


class Cases:
    def __init__(self, words, port_mac):
        self.port_mac = port_mac  # of port 2
        self.p, self.ofp, self.dp, self.wire = words.parser, words.ofp, words.proto, words.wire

    # --- Flows.

    def output(self, port=2):
        return self.p.OFPActionOutput(port)

    def flow(self, match=None, actions=None, instructions=None, **kw):
        p, ofp = self.p, self.ofp
        if self.wire == 1:
            return p.OFPFlowMod(self.dp, match or p.OFPMatch(), actions=[self.output()] if actions is None else actions, **kw)
        if instructions is None:
            instructions = [p.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, [self.output()] if actions is None else actions)]
        kw = {"out_port": ANY, "out_group": GROUP_ANY, "priority": 32768, **kw}
        return p.OFPFlowMod(self.dp, match=match or p.OFPMatch(), instructions=instructions, **kw)

    def ask_flows(self):
        p = self.p
        if self.wire == 1:
            return p.OFPFlowStatsRequest(self.dp, 0, p.OFPMatch(), 0xFF, 0xFFFF)
        if self.wire == 6:
            return p.OFPFlowDescStatsRequest(self.dp)
        return p.OFPFlowStatsRequest(self.dp)

    def delete(self):
        kw = {} if self.wire == 1 else {"table_id": 255}
        return self.flow(command=self.ofp.OFPFC_DELETE, actions=[], **kw)

    def looked_at(self, flow):
        """The flow goes in, is read, and goes."""
        return [flow, self.ask_flows(), self.delete()]

    def fields(self):
        p = self.p
        if self.wire == 1:
            match = {"in_port": 1, "dl_src": b"\0\0\0\0\0\5", "dl_dst": b"\0\0\0\0\0\6", "dl_vlan": 5, "dl_vlan_pcp": 3, "dl_type": 0x800, "nw_tos": 32, "nw_proto": 6,
                     "nw_src": 0x0A000001, "nw_dst": 0x0A000002, "tp_src": 5, "tp_dst": 6}
            for name, v in match.items():
                alone = p.OFPMatch(**{name: v})
                needs = {"dl_type": 0x800, "nw_proto": 6} if name.startswith(("nw_", "tp_")) else {"dl_vlan": 5} if name == "dl_vlan_pcp" else {}
                yield name, self.looked_at(self.flow(alone))
                yield f"{name} with what it needs", self.looked_at(self.flow(p.OFPMatch(**{**needs, name: v})))
            yield "all", self.looked_at(self.flow(p.OFPMatch(**match)))
            yield "prefixes", self.looked_at(self.flow(p.OFPMatch(dl_type=0x800, nw_src=0x0A000000, nw_src_mask=8, nw_dst=0x0A010000, nw_dst_mask=16)))
            return
        types = {t.name: t.type for t in self.ofp.oxm_types if not t.name.startswith("_")}
        for name, kind in types.items():
            v = value(name, kind)
            for what, fields in ((name, {}), (f"{name} with what it needs", prerequisites(name, types))):
                yield what, self.looked_at(self.flow(p.OFPMatch(**{**fields, name: v})))
            yield f"{name}, masked", self.looked_at(self.flow(p.OFPMatch(**{**prerequisites(name, types), name: (v, ones(v))})))

    # --- Actions.

    def standard_actions(self):
        p, mac = self.p, b"\0\0\0\0\0\7"
        if self.wire == 1:
            return [self.output(), p.OFPActionOutput(0xFFFD, 100), p.OFPActionVlanVid(5), p.OFPActionVlanPcp(3), p.OFPActionStripVlan(), p.OFPActionSetDlSrc(mac),
                    p.OFPActionSetDlDst(mac), p.OFPActionSetNwSrc("10.0.0.9"), p.OFPActionSetNwDst("10.0.0.9"), p.OFPActionSetNwTos(32), p.OFPActionSetTpSrc(9),
                    p.OFPActionSetTpDst(9), p.OFPActionEnqueue(2, 7), p.OFPActionEnqueue(9999, 7), p.OFPActionVlanVid(5000), p.OFPActionVlanPcp(9),
                    p.OFPActionSetNwTos(33)]
        actions = [self.output(), p.OFPActionOutput(0xFFFFFFFD, 100), p.OFPActionOutput(0), p.OFPActionOutput(0xFFFFFF05), p.OFPActionGroup(1), p.OFPActionGroup(99),
                   p.OFPActionSetQueue(7), p.OFPActionPushVlan(0x8100), p.OFPActionPushVlan(0x88A8), p.OFPActionPushVlan(0x9100), p.OFPActionPopVlan(),
                   p.OFPActionPushMpls(0x8847), p.OFPActionPushMpls(0x800), p.OFPActionPopMpls(0x800), p.OFPActionSetMplsTtl(9), p.OFPActionDecMplsTtl(),
                   p.OFPActionSetNwTtl(9), p.OFPActionDecNwTtl(), p.OFPActionCopyTtlOut(), p.OFPActionCopyTtlIn(), p.OFPActionSetField(eth_dst="00:00:00:00:00:09"),
                   p.OFPActionSetField(ipv4_src="10.0.0.9"), p.OFPActionSetField(tcp_dst=9), p.OFPActionSetField(vlan_vid=0x1005), p.OFPActionSetField(in_port=5),
                   p.OFPActionSetField(eth_type=0x800)]
        if self.wire >= 4:
            actions += [p.OFPActionPushPbb(0x88E7), p.OFPActionPopPbb(), p.OFPActionSetField(tunnel_id=9), p.OFPActionSetField(reg3=9)]
        if self.wire == 6:
            ids = [p.OFPOxmId("eth_src"), p.OFPOxmId("eth_dst")]
            actions += [p.OFPActionCopyField(48, 0, 0, ids), p.OFPActionCopyField(16, 8, 0, ids), p.OFPActionCopyField(49, 0, 0, ids), p.OFPActionMeter(1),
                        p.OFPActionMeter(99)]
        return actions

    def extensions(self):
        p = self.p
        if not hasattr(p, "NXActionRegLoad"):
            return []
        learn = [p.NXFlowSpecMatch(src=("eth_src_nxm", 0), dst=("eth_dst_nxm", 0), n_bits=48), p.NXFlowSpecMatch(src=0x800, dst=("eth_type_nxm", 0), n_bits=16),
                 p.NXFlowSpecLoad(src=("in_port_nxm", 0), dst=("reg3", 0), n_bits=16), p.NXFlowSpecOutput(src=("in_port_nxm", 0), dst="", n_bits=16)]
        nat = [p.NXActionNAT(flags=1, range_ipv4_min="10.1.1.1", range_ipv4_max="10.1.1.9", range_proto_min=1000, range_proto_max=2000)]
        return [
            p.NXActionRegLoad(ofs_nbits=15, dst="reg0", value=5), p.NXActionRegLoad(ofs_nbits=4 << 6 | 7, dst="reg1", value=5),
            p.NXActionRegLoad2(dst="tunnel_id_nxm", value=5), p.NXActionRegMove("ipv4_src_nxm", "reg2", 32), p.NXActionRegMove("reg1", "reg2", 16, 16, 0),
            p.NXActionStackPush("reg2", 0, 32), p.NXActionStackPop("reg2", 0, 16), p.NXActionResubmit(5), p.NXActionResubmitTable(0xFFF8, 7),
            p.NXActionNote([1, 2, 3, 4, 5, 6]), p.NXActionNote([1]), p.NXActionExit(), p.NXActionFinTimeout(10, 20), p.NXActionConjunction(0, 2, 5),
            p.NXActionController(100, 7, 1), p.NXActionDecTtl(),
            p.NXActionDecTtlCntIds([1, 2]), p.NXActionPushMpls(0x8847), p.NXActionPopMpls(0x800), p.NXActionSetMplsTtl(9), p.NXActionDecMplsTtl(), p.NXActionSetMplsLabel(9),
            p.NXActionSetMplsTc(3), p.NXActionSetQueue(7), p.NXActionPopQueue(), p.NXActionSetTunnel(9), p.NXActionSetTunnel64(9),
            p.NXActionMultipath(0, 50, 0, 5, 0, 3, "reg3"), p.NXActionBundle(0, 0, 1, 2, 2, 0, 0, [1, 2]),
            p.NXActionBundleLoad(1, 0, 1, 2, 2, 15, "reg3", [1, 2]), p.NXActionOutputReg(15, "reg3", 100),
            p.NXActionOutputTrunc(2, 100), p.NXActionSample(5, 1, 2, 3), p.NXActionSample2(5, 1, 2, 3, 1),
            p.NXActionLearn(7, learn, idle_timeout=5, cookie=9, flags=1), p.NXActionDecNshTtl(),
            *nat]  # those of connection tracking are refused: no datapath tracks yet

    def actions(self):
        fields = {"eth_type": 0x800, "ip_proto": TCP}
        tcp = self.p.OFPMatch(dl_type=0x800, nw_proto=TCP) if self.wire == 1 else self.p.OFPMatch(**fields)
        for n, a in enumerate(self.standard_actions() + self.extensions()):
            name = f"{n} {type(a).__name__}"
            yield name, self.looked_at(self.flow(actions=[a]))
            yield f"{name} of TCP", self.looked_at(self.flow(tcp, actions=[a, self.output()]))

    def instructions(self):
        p, ofp = self.p, self.ofp
        if self.wire == 1:
            return
        cases = [p.OFPInstructionGotoTable(5), p.OFPInstructionGotoTable(0), p.OFPInstructionWriteMetadata(5, 0xFF), p.OFPInstructionWriteMetadata(5, (1 << 64) - 1),
                 p.OFPInstructionActions(ofp.OFPIT_WRITE_ACTIONS, [p.OFPActionPopVlan(), self.output()]), p.OFPInstructionActions(ofp.OFPIT_CLEAR_ACTIONS, []),
                 p.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, [])]
        if 4 <= self.wire < 6:
            cases += [p.OFPInstructionMeter(1), p.OFPInstructionMeter(99)]
        for n, i in enumerate(cases):
            yield f"{n} {type(i).__name__}", self.looked_at(self.flow(instructions=[i]))
        yield "all instructions", self.looked_at(self.flow(instructions=[cases[2], cases[4], cases[5], cases[0]]))

    # --- Other changes.

    def flow_commands(self):
        ofp = self.ofp
        flows = [self.flow(priority=n, cookie=n) for n in (1, 2, 3)]
        for command in (ofp.OFPFC_MODIFY, ofp.OFPFC_MODIFY_STRICT, ofp.OFPFC_DELETE, ofp.OFPFC_DELETE_STRICT, 77):
            yield f"command {command}", [*flows, self.flow(priority=2, command=command, actions=[self.output(3)]), self.ask_flows(), self.delete()]
        yield "timeouts", self.looked_at(self.flow(idle_timeout=10, hard_timeout=20, cookie=0x1234567890ABCDEF))
        for flags in (1, 2, 4, 8, 16, 32):
            yield f"flags {flags}", self.looked_at(self.flow(flags=flags))
        yield "overlap", [self.flow(), *self.looked_at(self.flow(match=self.p.OFPMatch(in_port=1), flags=2))]
        yield "buffer", self.looked_at(self.flow(buffer_id=5))
        if self.wire > 1:
            yield "table 254", self.looked_at(self.flow(table_id=254))
            yield "table 255", self.looked_at(self.flow(table_id=255))
            yield "by cookie", [*flows, self.flow(command=ofp.OFPFC_DELETE, cookie=2, cookie_mask=(1 << 64) - 1, actions=[]), self.ask_flows(), self.delete()]
            yield "by port", [*flows, self.flow(command=ofp.OFPFC_DELETE, out_port=3, actions=[]), self.ask_flows(), self.delete()]
        if self.wire >= 5:
            yield "importance", self.looked_at(self.flow(importance=7))

    def bucket(self, *actions, weight=0, port=ANY, group=GROUP_ANY, n=0):
        p = self.p
        if self.wire < 6:
            return p.OFPBucket(weight, port, group, list(actions))
        props = [p.OFPGroupBucketPropWeight(type_=0, weight=weight)] if weight else []
        props += [p.OFPGroupBucketPropWatch(type_=1, watch=port)] if port != ANY else []
        return p.OFPBucket(n, list(actions), props)

    def groups(self):
        p, ofp = self.p, self.ofp
        if self.wire == 1:
            return
        out = self.output()
        ask = [p.OFPGroupDescStatsRequest(self.dp), p.OFPGroupStatsRequest(self.dp), p.OFPGroupStatsRequest(self.dp, group_id=50), p.OFPGroupFeaturesStatsRequest(self.dp)]
        mod = lambda command, kind, group, buckets, **kw: p.OFPGroupMod(self.dp, command, kind, group, buckets=buckets, **kw)  # noqa: E731
        gone = mod(ofp.OFPGC_DELETE, 0, 50, [])
        yield "ask", ask
        for kind, buckets in ((ofp.OFPGT_ALL, [self.bucket(out), self.bucket(self.output(3), n=1)]), (ofp.OFPGT_SELECT, [self.bucket(out, weight=5)]),
                              (ofp.OFPGT_INDIRECT, [self.bucket(out)]), (ofp.OFPGT_FF, [self.bucket(out, port=2)]), (ofp.OFPGT_FF, [self.bucket(out)]),
                              (ofp.OFPGT_INDIRECT, [self.bucket(out), self.bucket(out, n=1)]), (9, [])):
            yield f"type {kind}, {len(buckets)}", [mod(ofp.OFPGC_ADD, kind, 50, buckets), *ask, self.flow(actions=[p.OFPActionGroup(50)]), self.ask_flows(), gone,
                                                   self.ask_flows()]
        yield "twice", [mod(ofp.OFPGC_ADD, 0, 50, []), mod(ofp.OFPGC_ADD, 0, 50, []), mod(ofp.OFPGC_MODIFY, 1, 50, []), mod(77, 1, 50, []), *ask, gone]
        yield "none", [mod(ofp.OFPGC_MODIFY, 0, 50, []), mod(ofp.OFPGC_ADD, 0, 0xFFFFFF05, []), gone]
        if self.wire == 6:
            first = [self.bucket(out, n=7)]
            for command, bucket_id in ((ofp.OFPGC_INSERT_BUCKET, 0xFFFFFFFE), (ofp.OFPGC_INSERT_BUCKET, 7), (ofp.OFPGC_INSERT_BUCKET, 9),
                                       (ofp.OFPGC_REMOVE_BUCKET, 7), (ofp.OFPGC_REMOVE_BUCKET, 9), (ofp.OFPGC_REMOVE_BUCKET, 0xFFFFFFFF)):
                buckets = [self.bucket(self.output(3), n=8)] if command == ofp.OFPGC_INSERT_BUCKET else []
                yield f"bucket command {command}, {bucket_id}", [mod(ofp.OFPGC_ADD, 0, 50, first), mod(command, 0, 50, buckets, command_bucket_id=bucket_id), *ask, gone]

    def meters(self):
        p, ofp = self.p, self.ofp
        if self.wire < 4:
            return
        desc = p.OFPMeterDescStatsRequest if self.wire == 6 else p.OFPMeterConfigStatsRequest
        ask = [desc(self.dp), desc(self.dp, meter_id=3), p.OFPMeterStatsRequest(self.dp), p.OFPMeterStatsRequest(self.dp, meter_id=3), p.OFPMeterFeaturesStatsRequest(self.dp)]
        mod = lambda command, bands, flags=ofp.OFPMF_KBPS, meter=3: p.OFPMeterMod(self.dp, command, flags, meter, bands)  # noqa: E731
        gone, drop = mod(ofp.OFPMC_DELETE, []), p.OFPMeterBandDrop(100, 10)
        yield "ask", ask[:4]
        for flags in (0, ofp.OFPMF_KBPS, ofp.OFPMF_PKTPS, ofp.OFPMF_KBPS | ofp.OFPMF_BURST, ofp.OFPMF_PKTPS | ofp.OFPMF_STATS, 3, 0x10):
            yield f"flags {flags}", [mod(ofp.OFPMC_ADD, [drop], flags), *ask[:4], gone]
        yield "bands", [mod(ofp.OFPMC_ADD, [drop, p.OFPMeterBandDrop(200, 0)]), *ask[:4], gone]
        yield "no bands", [mod(ofp.OFPMC_ADD, []), mod(ofp.OFPMC_ADD, [p.OFPMeterBandDrop(0, 0)]), *ask[:4], gone]
        yield "unknown bands", [mod(ofp.OFPMC_ADD, [p.OFPMeterBandExperimenter(5, 5, 0x2320)]), *ask[:4], gone]
        yield "commands", [mod(ofp.OFPMC_MODIFY, [drop]), mod(ofp.OFPMC_ADD, [drop]), mod(ofp.OFPMC_ADD, [drop]), mod(ofp.OFPMC_MODIFY, [drop], ofp.OFPMF_PKTPS),
                           mod(77, [drop]), *ask[:4], gone, gone]
        yield "numbers", [mod(ofp.OFPMC_ADD, [drop], meter=m) for m in (0, 0xFFFF0001, 0xFFFFFFFF)] + [p.OFPMeterMod(self.dp, ofp.OFPMC_DELETE, 0, 0xFFFFFFFF, [])]

    def ports_and_tables(self):
        p, ofp, dp = self.p, self.ofp, self.dp
        number = 2
        for mac in (self.port_mac, "00:00:00:00:00:99"):
            for bits in (ofp.OFPPC_NO_PACKET_IN, ofp.OFPPC_NO_RECV, ofp.OFPPC_NO_FWD, 1 << 9):
                on, off = (p.OFPPortMod(dp, number, mac, bits & config, bits) for config in (ANY, 0))
                yield f"port config {mac} {bits}", [on, *self.ask_ports(), off, *self.ask_ports()]
        yield "port config of none", [p.OFPPortMod(dp, 99, "00:00:00:00:00:99", 0, 1)]
        if self.wire >= 5:
            props = [p.OFPPortModPropEthernet(type_=0, advertise=5)]
            yield "advertise", [p.OFPPortMod(dp, number, self.port_mac, 0, 0, props)]
            for config in (0, 4, 8, 12):
                for props in ([], *([[p.OFPTableModPropEviction(type_=2, flags=1)]] if config & 4 else []), [p.OFPTableModPropVacancy(type_=3, vacancy_down=10, vacancy_up=90, vacancy=0)],
                              [p.OFPTableModPropVacancy(type_=3, vacancy_down=90, vacancy_up=10, vacancy=0)]):
                    yield f"table config {config}, {[type(x).__name__ for x in props]}", [p.OFPTableMod(dp, 7, config, props), p.OFPTableDescStatsRequest(dp),
                                                                                      p.OFPTableMod(dp, 7, 0, [])]
        elif self.wire > 1:
            for config in (0, 1, 2, 3):
                yield f"table config {config}", [p.OFPTableMod(dp, 7, config), p.OFPTableStatsRequest(dp), p.OFPTableMod(dp, 7, 0)]

    def ask_ports(self):
        p, dp = self.p, self.dp
        return [p.OFPFeaturesRequest(dp)] if self.wire < 4 else [p.OFPPortDescStatsRequest(dp)]

    # --- What is asked.

    def requests(self):
        p, dp, wire = self.p, self.dp, self.wire
        yield "echo", [p.OFPEchoRequest(dp, b"abc"), p.OFPEchoRequest(dp)]
        yield "switch", [p.OFPFeaturesRequest(dp), p.OFPGetConfigRequest(dp), p.OFPSetConfig(dp, 0, 100), p.OFPGetConfigRequest(dp), p.OFPSetConfig(dp, 0, 0)]
        yield "barrier", [p.OFPBarrierRequest(dp)]
        yield "flags of config", [p.OFPSetConfig(dp, 1, 0), p.OFPGetConfigRequest(dp), p.OFPSetConfig(dp, 3, 0), p.OFPGetConfigRequest(dp), p.OFPSetConfig(dp, 9, 0),
                                  p.OFPGetConfigRequest(dp), p.OFPSetConfig(dp, 0, 0)]
        flow = self.flow(priority=7)
        if wire == 1:
            match = p.OFPMatch()
            yield "statistics", [flow, p.OFPDescStatsRequest(dp, 0), p.OFPTableStatsRequest(dp, 0), p.OFPPortStatsRequest(dp, 0, 0xFFFF), p.OFPPortStatsRequest(dp, 0, 2),
                                 p.OFPPortStatsRequest(dp, 0, 99), p.OFPAggregateStatsRequest(dp, 0, match, 0xFF, 0xFFFF), p.OFPFlowStatsRequest(dp, 0, match, 7, 0xFFFF),
                                 p.OFPFlowStatsRequest(dp, 0, match, 0xFF, 3), p.OFPVendorStatsRequest(dp, 0, 0x2320, b"\0\0\0\x63\0\0\0\0"), self.delete()]
            yield "queues", [p.OFPQueueStatsRequest(dp, 0, 99, ANY), p.OFPQueueStatsRequest(dp, 0, 2, 5), p.OFPQueueGetConfigRequest(dp, 99)]
            yield "extensions", [p.NXTSetFlowFormat(dp, 2), p.NXTFlowModTableId(dp, 1), p.NXTSetPacketInFormat(dp, 1), p.NXTSetControllerId(dp, 5), p.NXTFlowAge(dp),
                                 p.NXTRoleRequest(dp, 0), p.NXTRoleRequest(dp, 9), p.NXTSetAsyncConfig(dp, [1, 2], [3, 4], [5, 6]), p.NXTSetPacketInFormat(dp, 9),
                                 p.NXTSetFlowFormat(dp, 0), p.NXTFlowModTableId(dp, 0)]
            yield "extended flows", [p.NXTSetFlowFormat(dp, 2), p.NXTFlowMod(dp, 5, 0, rule=nx_match.ClsRule(), actions=[self.output()]), p.NXFlowStatsRequest(dp, 0, 0xFFFF, 0xFF),
                                     p.NXAggregateStatsRequest(dp, 0, 0xFFFF, 0xFF), self.delete(), p.NXTSetFlowFormat(dp, 0)]
        else:
            match = p.OFPMatch()
            flows = p.OFPFlowDescStatsRequest if wire == 6 else p.OFPFlowStatsRequest  # what 1.5 calls so, stock does not know
            ask = [p.OFPDescStatsRequest(dp), p.OFPTableStatsRequest(dp, 0) if wire >= 5 else p.OFPTableStatsRequest(dp),
                   flows(dp, table_id=7), flows(dp, out_port=3), flows(dp, cookie=7, cookie_mask=ANY)]
            for number in (ANY, 2, 99):
                ask.append(p.OFPPortStatsRequest(dp, 0, number) if wire > 3 else p.OFPPortStatsRequest(dp, number))
            ask.append(p.OFPAggregateStatsRequest(dp, 0, 255, ANY, GROUP_ANY, 0, 0, match) if wire > 3 else p.OFPAggregateStatsRequest(dp))
            yield "statistics", [flow, *ask, self.delete()]
            for port, queue in ((99, ANY), (2, 5)):  # stock's dummy ports have queue 0, ours none
                kw = {"port_no": port, "queue_id": queue}
                yield f"queues {port}", [p.OFPQueueStatsRequest(dp, **kw), p.OFPQueueDescStatsRequest(dp, 0, 99, ANY) if wire >= 5 else p.OFPQueueGetConfigRequest(dp, 99)]
            yield "roles", [p.OFPRoleRequest(dp, role=role, generation_id=g) for role, g in ((0, 0), (1, 5), (3, 5), (1, 6), (3, 4), (2, 3), (9, 9), (1, 7))]
            yield "experimenter", [p.OFPExperimenter(dp, 0x2320, 99, b""), p.OFPExperimenter(dp, 77, 1, b"")]
        if wire >= 4:
            yield "ports", [p.OFPPortDescStatsRequest(dp), p.OFPTableFeaturesStatsRequest(dp)]
            yield "experimenter's statistics", [p.OFPExperimenterStatsRequest(dp, 0, 0x2320, 99, b""), p.OFPExperimenterStatsRequest(dp, 0, 77, 1, b"")]
            yield "format of packets in", [p.NXTSetPacketInFormatMsg(dp, 2), p.NXTSetPacketInFormatMsg(dp, 9), p.NXTSetPacketInFormatMsg(dp, 0)]
            masks = ([1, 2], [3, 4], [5, 6])
            sets = p.OFPSetAsync(dp, *masks) if wire == 4 else p.OFPSetAsync(dp, [p.OFPAsyncConfigPropReasons(type_=t, length=8, mask=t) for t in range(12)])
            yield "asynchronous", [p.OFPGetAsyncRequest(dp), sets, p.OFPGetAsyncRequest(dp)]
        if wire >= 5:
            yield "tables", [p.OFPTableDescStatsRequest(dp)]
            monitor = lambda command, n=1: p.OFPFlowMonitorRequest(dp, monitor_id=n, monitor_flags=3, command=command, match=p.OFPMatch())  # noqa: E731
            yield "monitors", [self.flow(priority=5), monitor(0), monitor(1), monitor(2), self.delete()]

    def packet_outs(self):
        p, dp = self.p, self.dp
        for what, kw in (("", {}), (" with a buffer", {"buffer_id": 5, "data": None}), (" to nowhere", {"actions": []})):
            kw = {"buffer_id": ANY, "data": PACKET, "actions": [self.output()], **kw}
            if self.wire == 6:
                yield f"packet out{what}", [p.OFPPacketOut(dp, match=p.OFPMatch(in_port=1), **kw)]
                continue
            for port in (1, 99, 0xFFFD if self.wire == 1 else 0xFFFFFFFD):
                yield f"packet out{what} of {port}", [p.OFPPacketOut(dp, in_port=port, **kw)]

    def bundles(self):
        p, dp = self.p, self.dp
        control = getattr(p, "OFPBundleCtrlMsg", None) or getattr(p, "ONFBundleCtrlMsg", None)
        add = getattr(p, "OFPBundleAddMsg", None) or getattr(p, "ONFBundleAddMsg", None)
        if not control:
            return
        ctl = lambda kind, n=1, flags=3: control(dp, n, kind, flags, [])  # noqa: E731
        put = lambda n=1, flags=3: add(dp, n, flags, self.flow(priority=9), [])  # noqa: E731
        bad = self.flow(actions=[p.OFPActionGroup(99)])
        yield "committed", [ctl(0), put(), ctl(2), ctl(4), self.ask_flows(), self.delete()]
        yield "discarded", [ctl(0), put(), ctl(6), self.ask_flows()]
        yield "failed", [ctl(0), put(), add(dp, 1, 3, bad, []), ctl(4), self.ask_flows()]
        yield "not opened", [put(), ctl(4), self.ask_flows(), self.delete()]
        yield "unknown", [ctl(2, 9), ctl(4, 9), ctl(6, 9)]
        yield "twice", [ctl(0), ctl(0), ctl(0), ctl(6)]
        yield "closed", [ctl(0), ctl(2), put(), ctl(2), ctl(0), ctl(2), ctl(2)]
        yield "other flags", [ctl(0), put(1, 1), ctl(0), ctl(2, 1, 1), ctl(0), ctl(4, 1, 2)]
        yield "a barrier inside", [ctl(0), add(dp, 1, 3, p.OFPBarrierRequest(dp), []), ctl(6)]

    def all(self):
        for part in (self.requests, self.fields, self.actions, self.instructions, self.flow_commands, self.groups, self.meters, self.ports_and_tables,
                     self.packet_outs, self.bundles):
            for name, messages in part():
                yield f"{part.__name__}: {name}", messages




def request_classes(parser):
    """Messages of the version that a controller sends."""
    told = ("Reply", "Status", "FeaturesReply", "SwitchFeatures", "ErrorMsg", "PacketIn", "PacketIn2", "FlowRemoved", "RequestForward", "Hello", "Base", "Header", "NiciraHeader")
    # ONFFlowMonitorStatsRequest is written without a match: an error, and stock's errors of flow monitors are none (docs/differences.md).
    # The reply to OFPMeterFeaturesStatsRequest is of 1.4's size in 1.5, in stock as in ours: os-ken does not read it.
    abstract = {*(["OFPMeterFeaturesStatsRequest"] if parser.__name__.endswith("v1_5_parser") else []), "ONFFlowMonitorStatsRequest", "OFPStatsRequest", "OFPMultipartRequest", "NXStatsRequest", "OFPVendor"}
    return {c.__name__ for c in vars(parser).values()
            if inspect.isclass(c) and getattr(c, "cls_msg_type", None) is not None and not c.__name__.endswith(told) and c.__name__ not in abstract}

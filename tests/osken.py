# SPDX-License-Identifier: Apache-2.0
"""Flows from another hand: matches and actions that ovs-ofctl reads as text become messages of os-ken's codecs, over the bridge's own socket.
What os-ken has no words for in a version raises Unspoken."""
import ipaddress
import re
import socket
import struct

from os_ken.ofproto import ofproto_parser, ofproto_protocol

WIRE = {"OpenFlow10": 1, "OpenFlow12": 3, "OpenFlow13": 4, "OpenFlow14": 5, "OpenFlow15": 6}


class Unspoken(Exception):
    """os-ken has no words for it."""


WORDS = {"ip": (0x800, None), "ipv6": (0x86dd, None), "arp": (0x806, None), "mpls": (0x8847, None), "tcp": (0x800, 6), "udp": (0x800, 17),
         "sctp": (0x800, 132), "icmp": (0x800, 1), "tcp6": (0x86dd, 6), "udp6": (0x86dd, 17), "sctp6": (0x86dd, 132), "icmp6": (0x86dd, 58)}
# As ovs-ofctl calls it: as OpenFlow 1.3 and os-ken do.
NAMES = {"dl_dst": "eth_dst", "dl_src": "eth_src", "dl_type": "eth_type", "nw_proto": "ip_proto", "dl_vlan_pcp": "vlan_pcp", "nw_ecn": "ip_ecn",
         "nw_src": "ipv4_src", "nw_dst": "ipv4_dst", "ip_src": "ipv4_src", "ip_dst": "ipv4_dst", "icmp_type": "icmpv4_type",
         "icmp_code": "icmpv4_code", "ipv6_label": "ipv6_flabel", "nd_target": "ipv6_nd_target", "nd_sll": "ipv6_nd_sll",
         "nd_tll": "ipv6_nd_tll", "tun_id": "tunnel_id", **{
             name: name for name in ("eth_dst", "eth_src", "vlan_vid", "vlan_pcp", "ip_dscp", "ip_ecn", "tcp_src", "tcp_dst", "udp_src", "udp_dst",
                                     "sctp_src", "sctp_dst", "arp_op", "arp_spa", "arp_tpa", "arp_sha", "arp_tha", "ipv6_src", "ipv6_dst", "icmpv6_type",
                                     "icmpv6_code", "mpls_label", "mpls_tc", "mpls_bos", "metadata", "in_port")}}
L4 = {6: "tcp", 17: "udp", 132: "sctp"}
NX_FIELDS = {"NXM_OF_IP_SRC": "ipv4_src_nxm", "NXM_OF_IP_DST": "ipv4_dst_nxm", "NXM_OF_ETH_SRC": "eth_src_nxm", "NXM_OF_ETH_DST": "eth_dst_nxm",
             "NXM_OF_TCP_SRC": "tcp_src_nxm", "NXM_OF_TCP_DST": "tcp_dst_nxm", **{f"NXM_NX_REG{n}": f"reg{n}" for n in range(8)}}


def plain(name, text):
    """A value as os-ken wants it."""
    if re.search(r"[.:]", text) or name.startswith(("eth_s", "eth_d", "ipv", "arp_s", "arp_t")) and not name.startswith("ipv6_f"):
        return text
    return int(text, 0)


def value(name, text):
    head, slash, mask = text.partition("/")
    if not slash:
        return plain(name, head)
    if mask.isdigit() and name.startswith(("ipv4", "ipv6_s", "ipv6_d", "arp_spa", "arp_tpa")):
        mask = str(ipaddress.ip_network(f"{head}/{mask}", strict=False).netmask)
    return plain(name, head), plain(name, mask)


def match_fields(text):
    """{name in OpenFlow 1.3: value or (value, mask)}"""
    fields, proto = {}, None
    for key, _, v in (term.partition("=") for term in text.split(",") if term):
        if key in WORDS:
            fields["eth_type"], proto = WORDS[key]
            if proto:
                fields["ip_proto"] = proto
        elif key == "dl_vlan":
            fields["vlan_vid"] = 0x1000 | int(v, 0)
        elif key == "vlan_tci":
            # The bits of the priority have a field of their own.
            tci, _, mask = v.partition("/")
            if v != "0" and int(mask or "0xffff", 0) & 0xe000:
                raise Unspoken(text)
            fields["vlan_vid"] = (int(tci, 0), int(mask, 0)) if mask else int(tci, 0)
        elif key == "nw_tos":
            fields["ip_dscp"] = int(v) >> 2
        elif key in ("tp_src", "tp_dst"):
            name = L4[fields["ip_proto"]] + key[2:]
            fields[name] = value(name, v)
        elif key in NAMES:
            fields[NAMES[key]] = value(NAMES[key], v)
        else:
            raise Unspoken(key)
    return fields


def match_1_0(parser, text):
    out = {}
    fields = match_fields(text)
    if fields.get("eth_type") in (0x86dd, 0x8847) or "ip_ecn" in fields:
        raise Unspoken(text)
    names = {"in_port": "in_port", "eth_dst": "dl_dst", "eth_src": "dl_src", "eth_type": "dl_type", "vlan_pcp": "dl_vlan_pcp", "ip_proto": "nw_proto",
             "tcp_src": "tp_src", "tcp_dst": "tp_dst", "udp_src": "tp_src", "udp_dst": "tp_dst", "icmpv4_type": "tp_src", "icmpv4_code": "tp_dst",
             "arp_op": "nw_proto", "arp_spa": "nw_src", "arp_tpa": "nw_dst", "ipv4_src": "nw_src", "ipv4_dst": "nw_dst"}
    for name, v in fields.items():
        if name in ("ipv4_src", "ipv4_dst", "arp_spa", "arp_tpa"):
            address, mask = v if isinstance(v, tuple) else (v, "255.255.255.255")
            bits = bin(int(ipaddress.ip_address(mask))).count("1")
            if int(ipaddress.ip_address(mask)) != (0xffffffff << (32 - bits)) & 0xffffffff:
                raise Unspoken(text)
            out[names[name]] = int(ipaddress.ip_address(address))
            out[names[name] + "_mask"] = bits
        elif isinstance(v, tuple):
            raise Unspoken(text)
        elif name == "ip_dscp":
            out["nw_tos"] = v << 2
        elif name == "vlan_vid":
            out["dl_vlan"] = v & 0xfff if v & 0x1000 else 0xffff
        elif name in names:
            out[names[name]] = bytes.fromhex(v.replace(":", "")) if name.startswith("eth_s") or name.startswith("eth_d") else v
        else:
            raise Unspoken(name)
    return parser.OFPMatch(**out)


def split(actions):
    """At commas outside of parentheses."""
    return re.findall(r"(?:[^,(]|\([^()]*(?:\([^()]*\)[^()]*)*\))+", actions)


def bits(text):
    name, _, rest = text.partition("[")
    if name not in NX_FIELDS:
        raise Unspoken(text)
    width = 48 if "eth" in NX_FIELDS[name] else 16 if "tcp" in NX_FIELDS[name] else 32
    first, _, last = rest.rstrip("]").partition("..")
    start = int(first) if first else 0
    return NX_FIELDS[name], start, int(last) - start + 1 if last else 1 if first else width


def nx_action(parser, text):
    name, _, arg = text.partition(":")
    if name == "load":
        v, _, dst = arg.partition("->")
        field, start, n = bits(dst)
        return parser.NXActionRegLoad(ofs_nbits=start << 6 | (n - 1), dst=field, value=int(v, 0))
    if name == "move":
        src, _, dst = arg.partition("->")
        (a, a_at, n), (b, b_at, _) = bits(src), bits(dst)
        return parser.NXActionRegMove(src_field=a, dst_field=b, n_bits=n, src_ofs=a_at, dst_ofs=b_at)
    if name == "output" and "[" in arg:
        field, start, n = bits(arg)
        return parser.NXActionOutputReg(ofs_nbits=start << 6 | (n - 1), src=field, max_len=0)
    if name.startswith("resubmit("):
        port, table = re.fullmatch(r"resubmit\((\d*),(\d+)\)", name).groups()
        return parser.NXActionResubmitTable(in_port=int(port or 0xfff8), table_id=int(table))
    if name == "exit":
        return parser.NXActionExit()
    if name == "note":
        return parser.NXActionNote(note=[int(b, 16) for b in arg.split(".")])
    raise Unspoken(text)


def action_1_0(parser, text, packet_proto):
    name, _, arg = text.partition(":")
    mac = lambda: bytes.fromhex(arg.replace(":", ""))  # noqa: E731
    makers = {
        "mod_dl_src": lambda: parser.OFPActionSetDlSrc(mac()), "mod_dl_dst": lambda: parser.OFPActionSetDlDst(mac()),
        "mod_vlan_vid": lambda: parser.OFPActionVlanVid(int(arg)), "mod_vlan_pcp": lambda: parser.OFPActionVlanPcp(int(arg)),
        "strip_vlan": parser.OFPActionStripVlan, "mod_nw_src": lambda: parser.OFPActionSetNwSrc(arg), "mod_nw_dst": lambda: parser.OFPActionSetNwDst(arg),
        "mod_nw_tos": lambda: parser.OFPActionSetNwTos(int(arg)), "mod_tp_src": lambda: parser.OFPActionSetTpSrc(int(arg)),
        "mod_tp_dst": lambda: parser.OFPActionSetTpDst(int(arg)), "set_queue": lambda: parser.NXActionSetQueue(queue_id=int(arg)),
        "enqueue": lambda: parser.OFPActionEnqueue(*map(int, arg.split(":"))),
    }
    if name == "output" and arg.isdigit():
        return parser.OFPActionOutput(int(arg))
    return makers[name]() if name in makers else nx_action(parser, text)


def action_1_3(parser, text, packet_proto):
    name, _, arg = text.partition(":")
    moved = {"mod_dl_src": "eth_src", "mod_dl_dst": "eth_dst", "mod_nw_src": "ipv4_src", "mod_nw_dst": "ipv4_dst", "mod_nw_ecn": "ip_ecn",
             "mod_tp_src": f"{packet_proto}_src", "mod_tp_dst": f"{packet_proto}_dst"}
    makers = {
        "mod_nw_tos": lambda: parser.OFPActionSetField(ip_dscp=int(arg) >> 2), "mod_nw_ttl": lambda: parser.OFPActionSetNwTtl(int(arg)),
        "dec_ttl": parser.OFPActionDecNwTtl, "push_vlan": lambda: parser.OFPActionPushVlan(int(arg, 0)), "pop_vlan": parser.OFPActionPopVlan,
        "strip_vlan": parser.OFPActionPopVlan, "push_mpls": lambda: parser.OFPActionPushMpls(int(arg, 0)),
        "pop_mpls": lambda: parser.OFPActionPopMpls(int(arg, 0)), "set_mpls_ttl": lambda: parser.OFPActionSetMplsTtl(int(arg)),
        "dec_mpls_ttl": parser.OFPActionDecMplsTtl, "group": lambda: parser.OFPActionGroup(int(arg)),
        "set_queue": lambda: parser.OFPActionSetQueue(int(arg)),
    }
    if name in moved:
        return parser.OFPActionSetField(**{moved[name]: value(moved[name], arg)})
    if name == "set_field":
        v, _, field = arg.partition("->")
        if field not in NAMES or "/" in v:
            raise Unspoken(text)
        return parser.OFPActionSetField(**{NAMES[field]: value(NAMES[field], v)})
    if name == "output" and arg.isdigit():
        return parser.OFPActionOutput(int(arg))
    return makers[name]() if name in makers else nx_action(parser, text)


class Words:
    """Of one version."""

    def __init__(self, version):
        self.wire = WIRE[version]
        self.proto = ofproto_protocol.ProtocolDesc(version=self.wire)
        self.ofp, self.parser = self.proto.ofproto, self.proto.ofproto_parser

    def instructions(self, actions, packet_proto):
        p, out, apply = self.parser, [], []
        for text in split(actions) if actions != "drop" else []:
            name, _, arg = text.partition(":")
            if name == "goto_table":
                out.append(p.OFPInstructionGotoTable(int(arg)))
            elif name == "write_metadata":
                out.append(p.OFPInstructionWriteMetadata(int(arg, 0), (1 << 64) - 1))
            elif name == "clear_actions":
                out.append(p.OFPInstructionActions(self.ofp.OFPIT_CLEAR_ACTIONS, []))
            elif name == "meter":
                out.append(p.OFPInstructionMeter(int(arg)))
            elif name.startswith("write_actions("):
                inner = [action_1_3(p, t, packet_proto) for t in split(text[len("write_actions("):-1])]
                out.append(p.OFPInstructionActions(self.ofp.OFPIT_WRITE_ACTIONS, inner))
            else:
                apply.append(action_1_3(p, text, packet_proto))
        return ([p.OFPInstructionActions(self.ofp.OFPIT_APPLY_ACTIONS, apply)] if apply else []) + out

    def flow(self, text, packet_proto="tcp"):
        """As ovs-ofctl add-flow has it: the message."""
        terms, _, actions = text.partition("actions=")
        rest, table, priority = [], 0, 32768
        for term in terms.split(","):
            if term.startswith("table="):
                table = int(term[6:])
            elif term.startswith("priority="):
                priority = int(term[9:])
            else:
                rest.append(term)
        match = ",".join(rest).strip(",")
        if self.wire == 1:
            if table:
                raise Unspoken("tables")
            acts = [action_1_0(self.parser, t, packet_proto) for t in (split(actions) if actions != "drop" else [])]
            return self.parser.OFPFlowMod(self.proto, match_1_0(self.parser, match), 0, self.ofp.OFPFC_ADD, priority=priority, actions=acts)
        return self.parser.OFPFlowMod(self.proto, table_id=table, priority=priority, match=self.parser.OFPMatch(**match_fields(match)),
                                      instructions=self.instructions(actions, packet_proto))

    def can_say(self, text, packet_proto="tcp"):
        try:
            message = self.flow(text, packet_proto)
        except Unspoken:
            return False
        message.set_xid(1)
        message.serialize()
        return True

def connected(path):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(10)
    s.connect(path)
    return s


class OsKen(Words):
    """A connection to a bridge's management socket, or one that a bridge has made."""

    def __init__(self, path, version, accepted=None):
        super().__init__(version)
        self.socket = accepted or connected(path)
        self.xid, self.data = 0, b""
        self.send(self.parser.OFPHello(self.proto))
        assert self.receive()[0] == self.ofp.OFPT_HELLO

    def close(self):
        self.socket.close()

    def send(self, message):
        self.xid += 1
        message.set_xid(self.xid)
        message.serialize()
        self.socket.sendall(bytes(message.buf))

    def receive(self):
        while True:
            if len(self.data) >= 8:
                _, kind, length, xid = struct.unpack("!BBHI", self.data[:8])
                if len(self.data) >= length:
                    message, self.data = self.data[:length], self.data[length:]
                    return kind, xid, message
            more = self.socket.recv(65536)
            assert more, "the switch hung up"
            self.data += more

    def barrier(self):
        self.send(self.parser.OFPBarrierRequest(self.proto))
        while True:
            kind, xid, message = self.receive()
            assert kind != self.ofp.OFPT_ERROR, f"error {ofproto_parser.msg(self.proto, self.wire, kind, len(message), xid, message)}"
            if kind == self.ofp.OFPT_BARRIER_REPLY and xid == self.xid:
                return

    def delete_all(self):
        match = self.parser.OFPMatch()
        if self.wire == 1:
            self.send(self.parser.OFPFlowMod(self.proto, match, 0, self.ofp.OFPFC_DELETE))
        else:
            self.send(self.parser.OFPFlowMod(self.proto, command=self.ofp.OFPFC_DELETE, table_id=self.ofp.OFPTT_ALL, match=match,
                                             out_port=self.ofp.OFPP_ANY, out_group=self.ofp.OFPG_ANY))

    def replace(self, flows, packet_proto="tcp"):
        """These instead of all there were."""
        self.delete_all()
        for flow in flows:
            self.send(self.flow(flow, packet_proto))
        self.barrier()

# SPDX-License-Identifier: Apache-2.0
"""Generated flow tables and packets through both switches' `ofproto/trace`: the verdicts must be the same."""
import ipaddress
import json
import os
import random
import re
import socket

import pytest

import harness
from harness import run, wait_until

N_TABLES, N_PACKETS = int(os.environ.get("TRACE_TABLES", "15")), 150
PORTS = [1, 2, 3, 4]
GROUPS = [
    "group_id=1,type=all,bucket=output:1,bucket=mod_dl_dst:00:00:00:00:00:07,output:2,bucket=output:3",
    "group_id=2,type=indirect,bucket=mod_dl_src:00:00:00:00:00:08,output:4",
    "group_id=3,type=ff,bucket=watch_port:77,output:1,bucket=watch_port:2,output:2,bucket=watch_port:3,output:3",
    "group_id=4,type=ff,bucket=watch_group:3,group:1,bucket=watch_port:4,output:4",
    "group_id=5,type=all,bucket=group:2,bucket=strip_vlan,output:1,bucket=resubmit(,3)",
    "group_id=6,type=ff,bucket=watch_port:77,output:1",
]


class Channel:
    """The command channel of a daemon, without a process per command."""

    def __init__(self, directory):
        with open(f"{directory}/ovs-vswitchd.pid") as f:
            pid = f.read().strip()
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(f"{directory}/ovs-vswitchd.{pid}.ctl")

    def call(self, *argv):
        self.socket.sendall(json.dumps({"id": 0, "method": argv[0], "params": list(argv[1:])}).encode())
        data = b""
        while True:
            more = self.socket.recv(1 << 20)
            assert more, f"the daemon is gone, after {argv}"
            data += more
            try:
                reply = json.loads(data)
            except ValueError:
                continue
            return reply["result"] if reply["error"] is None else "error: " + reply["error"]


def canonical(actions):
    """Ports of a flood come in any order: runs of plain outputs are sorted. Numbers of contexts are each switch's own affair."""
    actions = re.sub(r"dont_send=\d,continuation=0,recirc_id=\d+", "", actions)
    actions = re.sub(r"recirc\(0x\w+\)", "recirc(ID)", actions)
    parts, run_of_ports = [], []
    for part in re.findall(r"[^,(]+(?:\([^()]*(?:\([^()]*\)[^()]*)*\))?", actions):
        if re.fullmatch(r"\w+", part) and not part.startswith("pop_"):
            run_of_ports.append(part)
        else:
            parts += sorted(run_of_ports) + [part]
            run_of_ports = []
    return ",".join(parts + sorted(run_of_ports))


class Side:
    def __init__(self, tools, net):
        schema = None if tools is harness.ours else "/usr/share/openvswitch/vswitch.ovsschema"
        self.switch = harness.Switch(tools=tools, schema=schema, netns=net.namespace(tools.name[0]),
                                     vswitchd_args=["--enable-dummy"] + ([] if tools is harness.ours else ["--disable-system"]))
        args = ["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail_mode=secure"]
        for p in PORTS:
            args += ["--", "add-port", "br0", f"p{p}", "--", "set", "interface", f"p{p}", "type=dummy", f"ofport_request={p}"]
        self.switch.vsctl(*args)
        for group in GROUPS:
            self.switch.ofctl("-O", "OpenFlow13", "add-group", "br0", group)
        self.channel = Channel(self.switch.dir)
        self.names = {}
        for name, dp in re.findall(r"^ +(\S+) \d+/(\d+): \(dummy", self.channel.call("dpif/show"), re.M):
            self.names[dp] = name
        assert len(self.names) >= len(PORTS), self.channel.call("dpif/show")

    def load_acceptable(self, flows):
        """Not every random list of actions makes sense to OpenFlow 1.3: loads and returns those that do."""
        self.switch.ofctl("-O", "OpenFlow13", "del-flows", "br0")
        return [f for f in flows
                if self.switch.tool("ovs-ofctl", "-O", "OpenFlow13", "add-flow", "br0", f, check=False).returncode == 0]

    def trace(self, flow):
        text = self.channel.call("ofproto/trace", "br0", flow)
        actions = re.search(r"^Datapath actions: (.*)$", text, re.M)
        megaflow = re.search(r"^Megaflow: (.*)$", text, re.M)
        assert actions and megaflow, text
        # Port numbers of the datapath are each switch's own affair.
        named = re.sub(r"(?<![\w.:/=(\-])(\d+)(?=,|$)", lambda m: self.names.get(m.group(1), m.group(1)), actions.group(1))
        return canonical(named), megaflow.group(1), text


def mac(r):
    return f"00:00:00:00:00:0{r.randint(1, 3)}"


def ip(r):
    return f"10.{r.randint(0, 1)}.{r.randint(0, 2)}.{r.randint(1, 3)}"


def match(r):
    terms = []
    if r.random() < 0.4:
        terms.append(f"in_port={r.choice(PORTS)}")
    if r.random() < 0.25:
        terms.append(f"dl_src={mac(r)}")
    if r.random() < 0.25:
        terms.append(r.choice([f"dl_dst={mac(r)}", "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00"]))
    if r.random() < 0.3:
        terms.append(r.choice(["vlan_tci=0", f"dl_vlan={r.randint(1, 3)}", "vlan_tci=0x1000/0x1000", f"dl_vlan=2,dl_vlan_pcp={r.randint(0, 7)}"]))
    kind = r.choice(["", "ip", "tcp", "udp", "icmp", "arp", "ipv6", "tcp6", "udp6", "icmp6"])
    if kind:
        terms.append(kind)
    if kind in ("ip", "tcp", "udp", "icmp"):
        if r.random() < 0.5:
            terms.append(f"nw_src={ip(r)}{r.choice(['', '/8', '/16', '/24', '/255.0.255.0'])}")
        if r.random() < 0.5:
            terms.append(f"nw_dst={ip(r)}{r.choice(['', '/16', '/28'])}")
        if r.random() < 0.15:
            terms.append(r.choice(["nw_tos=32", "nw_ttl=64", "nw_ecn=1", "ip_frag=no", "ip_frag=first"] + (["ip_frag=later"] if kind == "ip" else [])))
    if kind in ("tcp", "udp", "tcp6", "udp6") and r.random() < 0.7:
        terms.append(f"tp_{r.choice(['src', 'dst'])}={r.choice(['80', '443', '0x50/0xfff0', '1024/0xfc00', '0x1000/0xf000', '64/0xffc0'])}")
    if kind == "tcp" and r.random() < 0.2:
        terms.append("tcp_flags=+syn-ack")
    if kind == "icmp" and r.random() < 0.5:
        terms.append("icmp_type=8")
    if kind == "arp" and r.random() < 0.6:
        terms.append(r.choice(["arp_op=1", f"arp_spa={ip(r)}", f"arp_tpa={ip(r)}/24"]))
    if kind in ("ipv6", "tcp6", "udp6", "icmp6") and r.random() < 0.5:
        terms.append(f"ipv6_{r.choice(['src', 'dst'])}=2001:db8::{r.randint(1, 3)}{r.choice(['', '/64', '/24', '/126'])}")
    if kind == "icmp6" and r.random() < 0.4:
        terms.append(r.choice(["icmp_type=135", "icmp_type=135,nd_target=2001:db8::1", "icmp_type=128"]))
    return terms, kind


def actions(r, table, kind):
    out = []
    for _ in range(r.randint(0, 4)):
        choices = [f"output:{r.choice(PORTS)}", "FLOOD", "ALL", "IN_PORT", "LOCAL", f"mod_dl_dst:{mac(r)}", f"mod_dl_src:{mac(r)}",
                   f"mod_vlan_vid:{r.randint(1, 3)}", "strip_vlan", f"mod_vlan_pcp:{r.randint(0, 7)}",
                   f"load:{r.randint(0, 3)}->NXM_NX_REG{r.randint(0, 2)}[]", f"set_field:{r.randint(0, 9)}->metadata",
                   "move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[]", "move:NXM_NX_REG0[0..15]->NXM_NX_REG1[16..31]"]
        choices += [f"output(port={r.choice(PORTS)},max_len={r.choice([14, 100])})", f"clone(mod_dl_src:{mac(r)},output:{r.choice(PORTS)})", "push:eth_src[],pop:eth_dst[]",
                    f"push:reg0[],load:{r.randint(0, 3)}->reg0[],output:{r.choice(PORTS)},pop:reg0[]", f"set_field:{mac(r)}/00:00:00:00:00:0f->eth_dst", "note:01.02",
                    f"bundle(eth_src,0,active_backup,ofport,members:77,{r.choice(PORTS)})", f"set_queue:{r.randint(0, 3)}", "pop_queue", "controller(max_len=64)",
                    f"load:{r.randint(0, 3)}->NXM_OF_IN_PORT[]", "output:NXM_NX_REG0[0..15]", "set_field:0x1000/0x1000->vlan_tci", f"set_field:{r.randint(1, 9)}->pkt_mark"]
        if r.random() < 0.05:
            choices = ["exit"]
        if "push_vlan:0x8100" not in out:  # two tags of its own and NORMAL are a matter of vlan-limit
            choices.append("push_vlan:0x8100")
        if table < 3:
            choices += [f"resubmit(,{r.randint(table + 1, 3)})"] * 3
        if kind in ("ip", "tcp", "udp", "icmp"):
            choices += [f"mod_nw_src:{ip(r)}", f"mod_nw_dst:{ip(r)}", "dec_ttl", "mod_nw_tos:64", "set_field:7->nw_ttl", f"set_field:{ip(r)}/0.0.255.0->ip_dst",
                        "move:ip_src[0..7]->ip_dst[0..7]", "dec_ttl(1,2)", "set_field:1->nw_ecn", f"clone(dec_ttl,output:{r.choice(PORTS)})"]
        if table < 3:
            choices.append(f"group:{r.randint(1, len(GROUPS))}")
        if kind in ("tcp", "udp"):
            choices += ["mod_tp_dst:8080", "mod_tp_src:99", f"move:{kind}_src[]->{kind}_dst[]"]
        if kind in ("ipv6", "tcp6", "udp6"):
            choices += ["set_field:2001:db8::9->ipv6_dst", "dec_ttl"]
        if kind == "arp":
            choices += [f"set_field:{ip(r)}->arp_tpa", "load:2->NXM_OF_ARP_OP[]"]
        out.append(r.choice(choices))
    if table == 0 and "push_vlan:0x8100" not in out and r.random() < 0.15:
        out.append("NORMAL")
    if table < 3 and r.random() < 0.1:
        out.append(r.choice([f"write_actions(set_field:{mac(r)}->eth_src,output:{r.choice(PORTS)})", f"write_actions(group:{r.randint(1, len(GROUPS))},output:1)", "clear_actions"]))
    if table < 3 and r.random() < 0.1:
        out.append(f"goto_table:{r.randint(table + 1, 3)}")
    return ",".join(out) or "drop"


def table_of_flows(r):
    flows = []
    for i in range(r.randint(5, 40)):
        table = r.choice([0, 0, 0, 1, 2, 3])
        terms, kind = match(r)
        if r.random() < 0.1:
            terms.append(f"reg{r.randint(0, 2)}={r.randint(0, 3)}")
        flows.append(",".join([f"table={table},priority={i + 1}", *terms]) + f",actions={actions(r, table, kind)}")
    flows.append("table=0,priority=0,actions=" + r.choice(["NORMAL", "drop", "resubmit(,1)", "output:1"]))
    return flows


def packet(r):
    terms = [f"in_port={r.choice(PORTS)}", f"dl_src={mac(r)}", f"dl_dst={r.choice([mac(r), mac(r), 'ff:ff:ff:ff:ff:ff', '01:80:c2:00:00:0e'])}"]
    if r.random() < 0.3:
        terms.append(f"dl_vlan={r.randint(1, 4)},dl_vlan_pcp={r.randint(0, 7)}")
    kind = r.choice(["tcp", "udp", "icmp", "arp", "tcp6", "udp6", "icmp6", "dl_type=0x88b5", "ip,nw_proto=50"])
    terms.append(kind)
    if kind in ("tcp", "udp", "icmp", "ip,nw_proto=50"):
        terms.append(f"nw_src={ip(r)},nw_dst={ip(r)},nw_ttl={r.choice([1, 2, 64])},nw_tos={r.choice([0, 32])}")
        if r.random() < 0.1:
            terms.append(f"ip_frag={r.choice(['first', 'later'])}")
    if kind in ("tcp6", "udp6", "icmp6"):
        terms.append(f"ipv6_src=2001:db8::{r.randint(1, 3)},ipv6_dst=2001:db8::{r.randint(1, 3)},nw_ttl={r.choice([1, 64])}")
    if "ip_frag=later" in terms:
        return ",".join(terms)
    if kind in ("tcp", "udp", "tcp6", "udp6"):
        l4 = kind.rstrip("6")
        terms.append(f"{l4}_src={r.choice([80, 81, 1025, 5000])},{l4}_dst={r.choice([80, 85, 443, 1030])}")
    if kind == "tcp" and r.random() < 0.5:
        terms.append("tcp_flags=syn")
    if kind == "icmp":
        terms.append(f"icmp_type={r.choice([0, 8])},icmp_code=0")
    if kind == "icmp6":
        terms.append(r.choice(["icmpv6_type=128,icmpv6_code=0", "icmpv6_type=135,icmpv6_code=0,nd_target=2001:db8::1"]))
    if kind == "arp":
        terms.append(f"arp_op={r.choice([1, 2])},arp_spa={ip(r)},arp_tpa={ip(r)}")
    return ",".join(terms)


# Words that stand for fields, with the bits of type and protocol that they mean.
WORDS = {"eth": 0, "ip": 1, "arp": 1, "ipv6": 1, "tcp": 3, "udp": 3, "icmp": 3, "tcp6": 3, "udp6": 3, "icmp6": 3, "sctp": 3, "sctp6": 3, "rarp": 1, "igmp": 3, "mpls": 1, "mplsm": 1}


WIDTHS = {"ipv6_label": 20, "metadata": 64, "tun_id": 64, "mpls_label": 20, "mpls_tc": 3, "mpls_ttl": 8, "mpls_bos": 1}


def number(text):
    if re.fullmatch(r"([0-9a-f]{2}:){5}[0-9a-f]{2}", text):
        return int(text.replace(":", ""), 16)
    if "." in text or ":" in text:
        return int(ipaddress.ip_address(text))
    return int(text, 0)


def mask_of(key, value):
    """The bits of the field that count."""
    if key in WIDTHS:
        return number(value.split("/")[1]) & (1 << WIDTHS[key]) - 1 if "/" in value else (1 << WIDTHS[key]) - 1
    exact = (1 << (128 if "ipv6" in key or key == "nd_target" else 48 if key.startswith("dl_") or key.endswith(("ha", "ll")) else 32)) - 1
    if key == "nw_frag":
        return {"no": 3, "yes": 1, "first": 3, "later": 3, "not_later": 2}[value]
    if "/" not in value:
        return exact
    mask = value.split("/")[1]
    if mask.isdigit() and not key.startswith(("dl_", "vlan")):  # a prefix
        bits = 128 if "ipv6" in key or key == "nd_target" else 32
        return exact ^ ((1 << (bits - int(mask))) - 1)
    return number(mask)


def mask_bits(megaflow):
    """What a megaflow matches on: {field: bits}."""
    bits = {"type": 0}
    for key, _, value in (term.partition("=") for term in megaflow.split(",")):
        if not value:
            bits["type"] |= WORDS[key]
        elif key in ("dl_type", "nw_proto", "arp_op"):
            bits["type"] |= 1 if key == "dl_type" else 2
        elif key in ("dl_vlan", "dl_vlan_pcp", "vlan_tci", "vlan_vid"):
            bits["vlan"] = bits.get("vlan", 0) | {"dl_vlan": 0x1fff, "dl_vlan_pcp": 0xf000, "vlan_vid": 0x1fff}.get(
                key, number(value.split("/")[1]) if "/" in value else 0xffff)
        elif key in ("tp_src", "tp_dst", "icmp_type", "icmp_code", "tcp_flags"):
            mask = value.split("/")[1] if "/" in value else "0xffff"
            bits[key] = number(mask) if mask[0].isdigit() else 0xffff
        elif key in ("nw_tos", "nw_ecn"):
            bits["tos"] = bits.get("tos", 0) | (0xfc if key == "nw_tos" else 3)
        else:
            bits[key] = mask_of(key, value)
    return bits


def looked_at_too(mine, stock):
    """Fields of which ours has bits that the stock switch's megaflow does not have."""
    theirs = mask_bits(stock)
    return {key for key, bits in mask_bits(mine).items() if bits & ~theirs.get(key, 0)}


def text_of(key, value):
    if BITS[key] == 128:
        return str(ipaddress.IPv6Address(value))
    if key.startswith(("nw_", "arp_")) and BITS[key] == 32:
        return str(ipaddress.IPv4Address(value))
    if BITS[key] == 48:
        return ":".join("%02x" % (value >> s & 255) for s in range(40, -1, -8))
    return "0x%x" % value


BITS = {"dl_src": 48, "dl_dst": 48, "nw_src": 32, "nw_dst": 32, "nw_ttl": 8, "arp_spa": 32, "arp_tpa": 32, "arp_sha": 48, "arp_tha": 48, "ipv6_src": 128, "ipv6_dst": 128,
        "ipv6_label": 20, "tp_src": 16, "tp_dst": 16, "pkt_mark": 32, "tun_id": 64, "mpls_label": 20, "mpls_tc": 3, "mpls_ttl": 8}
L4 = re.compile(r"(tcp|udp|sctp)_(src|dst)$")


def vary(r, packet, megaflow):
    """A packet that differs in bits that the megaflow does not look at. Its kind, tags and fragments stay."""
    looked_at = mask_bits(megaflow)
    terms = dict((word + "=").split("=")[:2] for word in packet.split(","))
    kind = next((w for w in terms if w in WORDS), "")
    keys = ["dl_src", "dl_dst", "pkt_mark", "tun_id"]
    if kind in ("ip", "tcp", "udp", "icmp", "sctp"):
        keys += ["nw_src", "nw_dst", "nw_ttl"]
    if kind in ("ipv6", "tcp6", "udp6", "icmp6"):
        keys += ["ipv6_src", "ipv6_dst", "nw_ttl", "ipv6_label"]
    if kind in ("tcp", "udp", "sctp", "tcp6", "udp6") and "frag=later" not in packet:
        keys += ["tp_src", "tp_dst"]
    if kind in ("arp", "rarp"):
        keys += ["arp_spa", "arp_tpa", "arp_sha", "arp_tha"]
    if kind.startswith("mpls"):
        keys += ["mpls_label", "mpls_tc", "mpls_ttl"]
    given = {L4.sub(r"tp_\2", k).replace("eth_", "dl_").replace("ip_", "nw_"): (k, v) for k, v in terms.items() if v}
    for key in keys:
        name, value = given.get(key, (key, "0"))
        if "/" in value:
            continue
        free = ~looked_at.get(key, 0) & (1 << BITS[key]) - 1
        new = number(value) & ~free | r.getrandbits(BITS[key]) & free
        terms[name] = text_of(key, new)
    return ",".join(k if not v and k in WORDS else f"{k}={v}" for k, v in terms.items())


def forgets_inner_tag(flow, mine, stock, text):
    """NORMAL sends on without an empty tag that was pushed; the oracle takes the packet's own tag below it off as well. See
    test_normal_keeps_the_tag_below_an_empty_one and docs/differences.md."""
    pushed = "push_vlan:" in text and re.search(r"^ +NORMAL$", text, re.M) and "dl_vlan=" in flow
    left = [sorted(part for part in side.split(",") if part != "pop_vlan") for side in (mine, stock)]
    return pushed and mine != stock and left[0] == left[1]


def same_but_for_form(mine, stock):
    """Ours writes only the bits of an address that change, and cuts a packet after it has got its headers, as ovs-actions(7) has it."""
    cut = [sorted(re.findall(r"trunc\(\d+\)", side)) for side in (mine, stock)]
    left = [re.sub(r"trunc\(\d+\),", "", re.sub(r"(src|dst)=[\d.]+/[\d.]+", r"\1", side)) for side in (mine, stock)]
    return cut[0] == cut[1] and left[0] == left[1]


@pytest.fixture(scope="module")
def sides():
    if not harness.is_root():
        pytest.skip("needs root: network namespaces")
    with harness.both_sides(Side) as made:
        yield made


@pytest.mark.parametrize("seed", range(1, 1 + int(os.environ.get("TRACE_SEEDS", "2"))))
def test_same_verdict(sides, seed):
    ours, theirs = sides
    for side in sides:
        side.channel.call("fdb/flush", "br0")
    r = random.Random(seed)
    wrong, wider, narrower, trades, total = [], 0, [], 0, 0
    for t in range(N_TABLES):
        flows = theirs.load_acceptable(table_of_flows(r))
        mine = ours.load_acceptable(flows)
        assert mine == flows, f"refused: {[f for f in flows if f not in mine]}"
        for _ in range(N_PACKETS):
            flow = packet(r)
            mine, mask, text = ours.trace(flow)
            stock, stock_mask, stock_text = theirs.trace(flow)
            total += 1
            if mine.count("push_vlan(") > 2 or text.count("push_vlan:") + ("dl_vlan=" in flow) > 2:
                continue  # the oracle forgets the innermost of three tags
            if forgets_inner_tag(flow, mine, stock, text) or mine != stock and same_but_for_form(mine, stock):
                continue
            if mine != stock:
                wrong.append((t, flow, mine, stock, text, stock_text))
            elif mask != stock_mask:
                extra, less = looked_at_too(mask, stock_mask), looked_at_too(stock_mask, mask)
                wider += not extra
                trades += bool(extra and less)
                if extra and not less:
                    narrower.append((extra, flow, mask, stock_mask, text))
    print(f"{total} packets, {len(wrong)} different verdicts; other masks: {wider} wider, {len(narrower)} narrower, {trades} with more "
          "of one field and less of another")
    for extra, flow, mask, stock_mask, text in narrower[:int(os.environ.get("TRACE_SHOW_MASKS", "0"))]:
        print(f"{extra}\n {flow}\n {mask}\n {stock_mask}\n{text}")
    for t, flow, mine, stock, text, stock_text in wrong[:int(os.environ.get("TRACE_SHOW", "3"))]:
        print(f"table {t}: {flow}\n ours:  {mine}\n stock: {stock}\n{text}\n--- stock\n{stock_text}")
    assert not wrong
    # At least as wide in 99% of the cases. The exceptions, each understood: pop_vlan looks at the whole tag even when nothing leaves after
    # it; a subtable is told to be out of the question by another prefix, or by an earlier stage, than with the stock switch (which may
    # also keep them in another order), as lookups stop at the first proof, not at the one that needs the fewest bits.
    assert len(narrower) <= total // 100, narrower[:5]
    understood = {"vlan", "nw_src", "nw_dst", "arp_spa", "arp_tpa", "nd_target", "ipv6_src", "ipv6_dst", "type", "tcp_flags"}
    assert all(extra <= understood for extra, *_ in narrower), [n for n in narrower if not n[0] <= understood][:3]


def test_normal_keeps_the_tag_below_an_empty_one(sides):
    ours, theirs = sides
    for side in sides:
        side.channel.call("fdb/flush", "br0")
        assert side.load_acceptable(["actions=push_vlan:0x8100,NORMAL"])
    packet = "in_port=1,dl_src=00:00:00:00:00:01,dl_dst=00:00:00:00:00:02,dl_vlan=3,dl_type=0x88b5"
    assert ours.trace(packet)[0] == "br0,p2,p3,p4"
    assert theirs.trace(packet)[0] == "pop_vlan,br0,p2,p3,p4"


@pytest.mark.parametrize("seed", range(1, 1 + int(os.environ.get("TRACE_SEEDS", "2"))))
def test_megaflows_hold(sides, seed):
    """No megaflow is too wide: packets that differ in nothing that it looks at get the same actions."""
    ours = sides[0]
    r = random.Random(1000 + seed)
    for t in range(N_TABLES):
        ours.channel.call("fdb/flush", "br0")
        flows = ours.load_acceptable([f for f in table_of_flows(r) if "NORMAL" not in f])  # what is learned changes what NORMAL does
        for _ in range(N_PACKETS // 10):
            flow = packet(r)
            actions, megaflow, text = ours.trace(flow)
            for _ in range(3):
                other = vary(r, flow, megaflow)
                got, _, other_text = ours.trace(other)
                assert got == actions, f"{flow}\n{other}\n{megaflow}\n{text}\n{other_text}\n" + "\n".join(flows)

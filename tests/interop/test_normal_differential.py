# SPDX-License-Identifier: Apache-2.0
"""NORMAL beside the stock switch: random VLAN modes, mirrors, snooping and port bits, and random packets through both. What leaves each
port must be the same; ours are allowed to look at more of the packet, where the stock switch looks at too little."""
import os
import random
import re
import socket
import struct

import pytest

import harness
from test_trace_differential import PORTS, Side

SCENARIOS, PACKETS = int(os.environ.get("NORMAL_SCENARIOS", "40")), 25
MODES = ["", "access", "trunk", "native-tagged", "native-untagged", "dot1q-tunnel"]


def effects(flow, actions):
    """What leaves each port: (port, tags, header changes, cut at), in any order."""
    tag = re.search(r"dl_vlan=(\d+),dl_vlan_pcp=(\d+)", flow)
    tags, sets, cut, out = [f"push_vlan(vid={tag[1]},pcp={tag[2]})"] if tag else [], {}, None, []
    for part in re.findall(r"[^,(]+(?:\([^()]*(?:\([^()]*\)[^()]*)*\))?", actions):
        if part == "pop_vlan":
            tags.pop()
        elif part.startswith("push_vlan("):
            tags.append(part)
        elif part.startswith("trunc("):
            cut = part
        elif part.startswith("set("):
            sets[part[4:].split("(")[0]] = part
        else:
            out.append((part, tuple(tags), tuple(sorted(sets.items())), cut))
            cut = None
    return sorted(out, key=str)


def vlans(r, n=3):
    return ",".join(str(v) for v in sorted(r.sample([0, 10, 20, 30], r.randint(1, n))))


def port_settings(r):
    mode = r.choice(MODES)
    words = [f"vlan_mode={mode}" if mode else "vlan_mode=[]"]
    tagged = mode in ("access", "native-tagged", "native-untagged", "dot1q-tunnel") or (not mode and r.random() < 0.5)
    words.append(f"tag={r.choice([10, 20])}" if tagged else "tag=[]")
    words.append(f"trunks=[{vlans(r)}]" if mode != "access" and r.random() < 0.5 else "trunks=[]")
    words.append(f"cvlans=[{vlans(r)}]" if mode == "dot1q-tunnel" and r.random() < 0.5 else "cvlans=[]")
    words.append(f"protected={r.choice(['true', 'false', 'false'])}")
    other = {"priority-tags": r.choice(["never", "if-nonzero", "always"])}
    if mode == "dot1q-tunnel":
        other["qinq-ethtype"] = r.choice(["802.1ad", "802.1q"])
    for key in ("mcast-snooping-flood", "mcast-snooping-flood-reports"):
        if r.random() < 0.2:
            other[key] = "true"
    words += [f"other_config:{k}={v}" for k, v in other.items()]
    return words


def mirror(r):
    words = [r.choice(["select_all=true", "select_all=false"])]
    for side in ("src", "dst"):
        words.append(f"select_{side}_port=" + ",".join(f"@p{p}" for p in r.sample(PORTS, r.randint(0, 2))) if r.random() < 0.7
                     else f"select_{side}_port=[]")
    if r.random() < 0.3:
        words.append(f"select_vlan={vlans(r)}")
    words.append(r.choice([f"output_port=@p{r.choice(PORTS)}", f"output_port=@p{r.choice(PORTS)}", "output_vlan=30"]))
    if "output_port" in words[-1] and r.random() < 0.3:
        words.append("snaplen=100")
    return [w for w in words if not w.endswith("=")]


def configure(sides, r):
    snoop, unregistered = r.random() < 0.4, r.random() < 0.5
    mirrors = [mirror(r) for _ in range(r.choice([0, 1]))]  # of several, the order of their UUIDs would matter
    args = ["set", "open_vswitch", ".", f"other_config:vlan-limit={r.choice([0, 1, 2])}", "--", "clear", "bridge", "br0", "mirrors",
            "--", "set", "bridge", "br0", f"mcast_snooping_enable={str(snoop).lower()}",
            f"other_config:mcast-snooping-disable-flood-unregistered={str(unregistered).lower()}",
            f"other_config:forward-bpdu={r.choice(['true', 'false', 'false'])}",
            f"flood_vlans=[{'20' if r.random() < 0.2 else ''}]"]
    for p in PORTS:
        words = port_settings(r)
        if any(f"output_port=@p{p}" in m for m in mirrors):  # reserved, but for the stock switch's multicast
            words = [w for w in words if "mcast" not in w]
        args += ["--", "clear", "port", f"p{p}", "other_config", "--", "set", "port", f"p{p}", *words]
    for p in PORTS:
        args += ["--", f"--id=@p{p}", "get", "port", f"p{p}"]
    for i, words in enumerate(mirrors):
        args += ["--", f"--id=@m{i}", "create", "mirror", f"name=m{i}", *words]
    if mirrors:
        args += ["--", "set", "bridge", "br0", "mirrors=" + ",".join(f"@m{i}" for i in range(len(mirrors)))]
    bits = [(p, r.choice(["no-flood", "flood", "flood", "no-forward", "forward"])) for p in PORTS]
    for side in sides:
        side.switch.vsctl(*args)
        for p, bit in bits:
            for b in ("flood", "forward", bit):
                side.switch.ofctl("mod-port", "br0", f"p{p}", b)
        side.channel.call("fdb/flush", "br0")
        side.channel.call("mdb/flush")
    return args + [str(bits)]


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def igmp(r, vlan):
    """A report, of one version or another, a farewell or a query, as hexadecimal digits."""
    group = socket.inet_aton(r.choice(["225.0.0.1", "225.0.0.2"]))
    kind = r.choice(["v1", "v2", "v2", "v3", "v3 none", "leave", "query"])
    if kind.startswith("v3"):
        body = struct.pack("!BBHHHBBH", 0x22, 0, 0, 0, 1, 4 if kind == "v3" else 3, 0, 0) + group
    else:
        body = struct.pack("!BBH", {"v1": 0x12, "v2": 0x16, "leave": 0x17, "query": 0x11}[kind], 0, 0) + group
    body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0, 1, 2, 0, socket.inet_aton("10.0.0.1"), group)
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    tag = struct.pack("!HH", 0x8100, vlan) if vlan else b""
    return (bytes.fromhex("01005e000001000000000009") + tag + b"\x08\x00" + ip + body).hex()


def members(side):
    return sorted(line[:line.rindex(" ")] for line in side.channel.call("mdb/show", "br0").splitlines())


def snoop(sides, r):
    """Lets both hear the same. False: they do not know the same afterwards, as the stock switch sometimes takes nothing in for a while after
    a change of its configuration."""
    messages = [(f"p{r.choice(PORTS)}", igmp(r, r.choice([0, 10, 20]))) for _ in range(r.randint(3, 8))]
    for _ in range(3):
        for side in sides:
            side.channel.call("dpctl/del-flows")  # megaflows from before snooping was on
            side.channel.call("mdb/flush")
            for port, frame in messages:
                side.channel.call("netdev-dummy/receive", port, frame)
        try:
            harness.wait_until(lambda: members(sides[0]) == members(sides[1]), timeout=0.3)
            return True
        except AssertionError:
            pass
    return False


def packet(r):
    terms = [f"in_port={r.choice(PORTS + ['LOCAL'])}", f"dl_src=00:00:00:00:00:0{r.randint(1, 4)}"]
    if r.random() < 0.6:
        terms.append(f"dl_vlan={r.choice([0, 10, 20, 30])},dl_vlan_pcp={r.choice([0, 3])}")
    group = r.choice(["225.0.0.1", "225.0.0.2", "224.0.0.5"])
    terms.append(r.choice([
        f"dl_dst=00:00:00:00:00:0{r.randint(1, 4)},dl_type=0x88b5", f"dl_dst=00:00:00:00:00:0{r.randint(1, 4)},udp",
        "dl_dst=ff:ff:ff:ff:ff:ff,arp", "dl_dst=01:80:c2:00:00:02,dl_type=0x88b5", "dl_dst=01:00:0c:cc:cc:cc,dl_type=0x88b5",
        f"dl_dst=01:00:5e:00:00:01,udp,nw_dst={group}", f"dl_dst=01:00:5e:00:00:01,ip,nw_proto=2,nw_dst={group}",
        "dl_dst=33:33:00:00:00:01,udp6,ipv6_dst=ff05::1", "dl_dst=33:33:00:00:00:01,icmp6,icmpv6_type=131,ipv6_dst=ff05::1",
        "dl_dst=33:33:00:00:00:01,icmp6,icmpv6_type=130,ipv6_dst=ff02::1"]))
    return ",".join(terms)


def forgets_customer_tag(config, flow):
    """Behind a dot1q-tunnel, the stock switch loses the customer's tag with vlan-limit=1, and always one that has no VLAN. Ours does not."""
    return ("dl_vlan=" in flow and any("dot1q-tunnel" in word for word in config) and
            ("dl_vlan=0," in flow or "other_config:vlan-limit=1" in config))


@pytest.fixture(scope="module")
def sides():
    if not harness.is_root():
        pytest.skip("needs root: network namespaces")
    with harness.both_sides(Side) as made:
        for side in made:
            side.load_acceptable(["priority=0,actions=NORMAL", "priority=9,dl_type=0x88b5,dl_vlan=30,actions=output:2,NORMAL"])
        yield made


def test_same_outputs(sides):
    r = random.Random(int(os.environ.get("NORMAL_SEED", "1")))
    wrong, total, n_snooped = [], 0, 0
    for _ in range(SCENARIOS):
        config = configure(sides, r)
        if "mcast_snooping_enable=true" in config:
            agreed = snoop(sides, r)
            n_snooped += agreed
            if not agreed:
                continue
        for _ in range(PACKETS):
            flow = packet(r)
            # The stock switch dies of a made-up MLD message.
            learn = ["-generate"] if r.random() < 0.3 and "icmp6" not in flow and "nw_proto=2" not in flow else []
            texts = []
            for side in sides:
                text = side.channel.call("ofproto/trace", "br0", flow, *learn)
                found = re.search(r"^Datapath actions: (.*)$", text, re.M)
                assert found, text
                named = re.sub(r"(?<![\w.:/=(\-])(\d+)(?=,|$)", lambda m: side.names.get(m.group(1), m.group(1)), found.group(1))
                texts.append((effects(flow, named), text))
            total += 1
            if forgets_customer_tag(config, flow):
                continue
            if texts[0][0] != texts[1][0]:
                wrong.append(f"{' '.join(config)}\n{flow} {learn}\n{texts[0][1]}\n--- stock\n{texts[1][1]}")
    print(f"{total} packets, {len(wrong)} different; {n_snooped} scenarios with snooping")
    assert n_snooped >= SCENARIOS // 10
    assert not wrong, "\n\n".join(wrong[:int(os.environ.get("NORMAL_SHOW", "3"))])

# SPDX-License-Identifier: Apache-2.0
"""Packets that go through the datapath more than once: labels that hid something, hashes, actions that ask for it."""
import collections
import re

import pytest
from scapy.contrib.mpls import MPLS
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Dot1Q, Ether

import harness
from dummy import DummySwitch

A, B = "00:00:00:00:00:0a", "00:00:00:00:00:0b"
ETHER = Ether(src=A, dst=B)


class Switch(DummySwitch):
    def sent(self, port):
        self.call("version")  # what was received before is through then
        return super().sent(port)


@pytest.fixture
def s():
    switch = Switch()
    yield switch
    switch.close()


def flows(s, *lines):
    s.ofctl("-O", "OpenFlow13", "del-flows", "br0")
    for line in lines:
        s.ofctl("-O", "OpenFlow13", "add-flow", "br0", line)


def counts(s):
    """n_packets by match of the flows."""
    found = {}
    for line in s.call("bridge/dump-flows", "br0").splitlines():  # ovs-ofctl does not know debug actions
        m = re.search(r"n_packets=(\d+), n_bytes=(\d+), (?:priority=\d+,?)?(\S*?),?actions=", line)
        table = re.match(r"table_id=(\d+)", line)
        found[f"{table.group(1) if table else 0}:{m.group(3)}"] = (int(m.group(1)), int(m.group(2)))
    return found


def labelled(inner, *labels, ether=ETHER):
    stack = ether / MPLS(label=labels[0], s=int(len(labels) == 1), ttl=64)
    for i, label in enumerate(labels[1:]):
        stack = stack / MPLS(label=label, s=int(i == len(labels) - 2), ttl=64)
    return stack / inner


def udp(dst="10.0.0.2", dport=53, n=0):
    return IP(src=f"10.0.0.{1 + n % 200}", dst=dst, ttl=9) / UDP(sport=1000 + n, dport=dport) / b"some payload that is long enough"


def test_fields_behind_a_label(s):
    """Matched, read and written behind the label, in what follows pop_mpls; each rule counts each packet once."""
    flows(s, "table=0,mpls,actions=pop_mpls:0x0800,load:7->NXM_NX_REG3[],resubmit(,1),output:4",
          "table=1,udp,nw_dst=10.0.0.2,tp_dst=53,reg3=7,actions=dec_ttl,mod_nw_src:1.2.3.4,mod_tp_dst:54,output:2",
          "table=1,priority=1,actions=output:3")
    frames = [labelled(udp(dport=53 if i % 3 else 99, n=i), 5) for i in range(9)]
    s.send(1, *frames)
    for got, sent in zip(s.sent(2), [f for i, f in enumerate(frames) if i % 3], strict=True):
        want = ETHER / sent[IP].copy()
        want[IP].src, want[IP].ttl, want[UDP].dport = "1.2.3.4", 8, 54
        del want[IP].chksum, want[UDP].chksum
        assert got == bytes(want)
    assert s.sent(3) == [bytes(ETHER / f[IP]) for i, f in enumerate(frames) if not i % 3]
    assert len(s.sent(4)) == 9
    got = counts(s)
    n = len(bytes(frames[0]))
    assert got["0:mpls"] == (9, 9 * n)
    assert got["1:udp,reg3=0x7,nw_dst=10.0.0.2,tp_dst=53"] == (6, 6 * (n - 4))
    assert got["1:"] == (3, 3 * (n - 4))
    dump = s.call("dpctl/dump-flows")
    assert re.search(r"^recirc_id\(0\),.*eth_type\(0x8847\).*actions:pop_mpls\(eth_type=0x800\),recirc\(0x(\w+)\)$", dump, re.M), dump
    assert len(re.findall(r"^recirc_id\(0x1\),", dump, re.M)) >= 2, dump


def test_inner_labels_and_tags(s):
    """Two labels, of which one goes; a tag in front of labels; a packet too short for what follows."""
    flows(s, "mpls,mpls_bos=0,actions=pop_mpls:0x8847,set_field:9->mpls_label,output:2",
          "mpls,mpls_bos=1,actions=pop_mpls:0x86dd,resubmit(,1)",
          "table=1,ipv6,actions=output:3", "table=1,priority=0,actions=output:4")
    s.send(1, labelled(udp(), 5, 6))
    assert s.sent(2) == [bytes(ETHER / MPLS(label=9, s=1, ttl=64) / udp())]
    tagged = labelled(udp(), 6, ether=ETHER / Dot1Q(vlan=5))
    s.send(1, tagged)
    want = bytearray(bytes(ETHER / Dot1Q(vlan=5, type=0x86dd)) + bytes(udp()))
    assert s.sent(3) == [bytes(want)] and not s.sent(4)  # what the action says it is, it is
    s.send(1, bytes(ETHER / MPLS(label=5, s=1, ttl=1)) + b"\x60")
    assert len(s.sent(3)) == 1


def test_what_comes_after_goes_on_unharmed(s):
    """clone, buckets and patch ports: the packet outside is as it was, though the one inside comes back later."""
    s.ofctl("-O", "OpenFlow13", "add-group", "br0", "group_id=1,type=all,bucket=pop_mpls:0x0800,dec_ttl,output:3,bucket=output:4")
    flows(s, "in_port=1,mpls,actions=clone(pop_mpls:0x0800,mod_nw_dst:9.9.9.9,output:2),group:1,set_field:7->mpls_label,IN_PORT")
    frame = labelled(udp(), 5)
    s.send(1, frame, frame)
    want = ETHER / udp()
    want[IP].dst = "9.9.9.9"
    assert s.sent(2) == [bytes(want)] * 2
    want = ETHER / udp()
    want[IP].ttl -= 1
    assert s.sent(3) == [bytes(want)] * 2
    assert s.sent(4) == [bytes(frame)] * 2
    assert s.sent(1) == [bytes(labelled(udp(), 7))] * 2


def test_patch_port_with_a_label_off(s):
    s.vsctl("add-br", "br1", "--", "set", "bridge", "br1", "datapath_type=dummy", "fail_mode=secure",
            "--", "add-port", "br1", "q", "--", "set", "interface", "q", "type=patch", "options:peer=r", "ofport_request=7",
            "--", "add-port", "br1", "p9", "--", "set", "interface", "p9", "type=dummy", f"options:tx_pcap={s.pcap(9)}", "ofport_request=9",
            "--", "add-port", "br0", "r", "--", "set", "interface", "r", "type=patch", "options:peer=q", "ofport_request=8")
    s.read[9] = 24
    flows(s, "mpls,actions=pop_mpls:0x0800,output:8,output:2")
    s.ofctl("add-flow", "br1", "in_port=7,udp,tp_dst=53,actions=output:9")
    s.send(1, labelled(udp(), 5), labelled(udp(dport=54), 5))
    assert s.sent(9) == [bytes(ETHER / udp())]
    assert s.sent(2) == [bytes(ETHER / udp()), bytes(ETHER / udp(dport=54))]


def test_state_is_kept(s):
    """Registers, metadata, stack and action set, over two recirculations, one of them within a resubmit."""
    flows(s, "in_port=1,actions=set_field:0x1234->metadata,load:5->NXM_NX_REG1[],push:NXM_NX_REG1[],"
          "resubmit(,1),output:2,write_actions(set_field:00:00:00:00:00:77->eth_dst,output:3),goto_table:4",
          "table=1,actions=debug_recirc,pop:NXM_NX_REG2[],resubmit(,2),debug_recirc",
          "table=2,metadata=0x1234,reg1=5,reg2=5,in_port=1,actions=output:4,IN_PORT",
          "table=4,actions=debug_recirc")
    frame = bytes(ETHER / udp())
    s.send(1, frame)
    assert [s.sent(p) for p in (4, 1, 2)] == [[frame]] * 3
    assert s.sent(3) == [bytes.fromhex("000000000077") + frame[6:]]
    assert {k: v[0] for k, v in counts(s).items()} == {"0:in_port=1": 1, "1:": 1, "2:reg1=0x5,reg2=0x5,metadata=0x1234,in_port=1": 1,
                                                       "4:": 1}


def test_changes_reach_recirculated_megaflows(s):
    flows(s, "in_port=1,actions=debug_recirc,resubmit(,1)", "table=1,udp,actions=output:2")
    frame = bytes(ETHER / udp())
    s.send(1, frame, frame)
    assert len(s.sent(2)) == 2
    s.ofctl("mod-flows", "br0", "table=1,udp,actions=output:3")
    s.send(1, frame)
    assert s.sent(3) == [frame] and not s.sent(2)
    # The first pass: another state, another context. The old one goes.
    s.ofctl("mod-flows", "br0", "in_port=1,actions=load:1->NXM_NX_REG0[],debug_recirc,resubmit(,1),output:4")
    s.send(1, frame)
    assert s.sent(3) == [frame] and s.sent(4) == [frame]
    # A bridge that is gone: nothing of it stays.
    s.vsctl("del-br", "br0")
    assert "recirc" not in s.call("dpctl/dump-flows") if "no datapaths" not in s.channel.request("dpctl/dump-flows")[1] else True


def test_a_loop_through_recirculation_ends(s):
    flows(s, "in_port=1,actions=output:2,debug_recirc,resubmit(1,0)")
    s.send(1, bytes(ETHER / udp()))
    assert 4 <= len(s.sent(2)) <= 9
    assert "datapath_drop_recirc_error" in s.call("coverage/show")
    assert s.call("ofproto/trace", "br0", "in_port=1,udp").count("=" * 79) <= 20


def test_debug_actions_want_dummies(net):
    plain = harness.Switch(netns=net.namespace("sw"))
    try:
        plain.vsctl("add-br", "br0")
        for action in ("debug_recirc", "debug_slow"):
            done = plain.tool("ovs-ofctl", "add-flow", "br0", f"actions={action}", check=False)
            assert done.returncode == 1 and "OFPBAC_BAD_VENDOR_TYPE" in done.stderr
    finally:
        plain.close()


def hashed(s, n, **kw):
    """How many of n connections left through each port."""
    frames = [bytes(ETHER / IP(src=f"10.{i >> 8}.{i & 255}.1", dst="10.0.0.2") / TCP(sport=1024 + i * 7 % 60000, dport=80)) for i in range(n)]
    s.send(1, *frames)
    return {p: s.sent(p) for p in (2, 3, 4)}


@pytest.mark.parametrize("method", ["selection_method=dp_hash", "selection_method=dp_hash,selection_method_param=7",
                                    "selection_method=dp_hash,selection_method_param=0x100000000"])
def test_datapath_hash(s, method):
    """The weights hold, a connection stays where it is, and thousands of connections have few megaflows."""
    s.ofctl("-O", "OpenFlow15", "add-group", "br0",
            f"group_id=1,type=select,{method},bucket=weight:1,output:2,bucket=weight:2,output:3,bucket=weight:5,output:4")
    flows(s, "in_port=1,ip,actions=load:5->NXM_NX_REG0[],group:1")
    n = 2000
    first, second = hashed(s, n), hashed(s, n)
    assert first == second
    shares = {p: len(v) / n for p, v in first.items()}
    assert all(abs(shares[p] - want) < 0.04 for p, want in {2: 1 / 8, 3: 2 / 8, 4: 5 / 8}.items()), shares
    dump = s.call("dpctl/dump-flows")
    kind = "hash(sym_l4(0))" if "0x1" in method else "hash(l4(7))" if "param=7" in method else "hash(l4(0))"
    assert f"actions:{kind},recirc(" in dump, dump
    assert 10 < len(dump.splitlines()) < 140, dump
    stats = s.ofctl("-O", "OpenFlow13", "dump-group-stats", "br0", "group_id=1")
    assert [int(x) for x in re.findall(r"packet_count=(\d+)", stats)] == [2 * n] + [2 * len(first[p]) for p in (2, 3, 4)]
    assert counts(s)["0:ip,in_port=1"][0] == 2 * n
    # A trace says where a connection goes.
    trace = s.call("ofproto/trace", "br0", "in_port=1,tcp,nw_src=10.0.5.1,nw_dst=10.0.0.2,tp_src=1059,tp_dst=80")
    went = [p for p, frames in first.items() if any(f[26:30] == bytes([10, 0, 5, 1]) for f in frames)]
    assert re.findall(r"^Datapath actions: (.*)$", trace, re.M)[-1] == str(went[0]), trace


def test_symmetric_hash(s):
    s.ofctl("-O", "OpenFlow15", "add-group", "br0",
            "group_id=1,type=select,selection_method=dp_hash,selection_method_param=0x100000000,bucket=output:3,bucket=output:4")
    flows(s, "actions=group:1")
    went = collections.Counter()
    for i in range(20):
        there = ETHER / IP(src="10.0.0.1", dst=f"10.0.0.{i + 2}") / TCP(sport=1000 + i, dport=80)
        back = ETHER / IP(dst="10.0.0.1", src=f"10.0.0.{i + 2}") / TCP(dport=1000 + i, sport=80)
        s.send(1, there)
        one = {p: len(s.sent(p)) for p in (3, 4)}
        s.send(2, back)
        assert {p: len(s.sent(p)) for p in (3, 4)} == one
        went.update(one)
    assert went[3] and went[4]


def test_groups_behind_one_another(s):
    """Two groups that hash differently: the packet is hashed twice. With equal hashes once."""
    s.ofctl("-O", "OpenFlow15", "add-group", "br0",
            "group_id=2,type=select,selection_method=dp_hash,selection_method_param=3,bucket=output:2,bucket=output:3")
    s.ofctl("-O", "OpenFlow15", "add-group", "br0", "group_id=1,type=select,selection_method=dp_hash,bucket=group:2,bucket=output:4")
    s.ofctl("-O", "OpenFlow15", "add-group", "br0", "group_id=3,type=select,selection_method=dp_hash,bucket=group:4,bucket=output:4")
    s.ofctl("-O", "OpenFlow15", "add-group", "br0", "group_id=4,type=select,selection_method=dp_hash,bucket=output:2,bucket=output:3")
    for group, kinds in ((1, {"hash(l4(0))", "hash(l4(3))"}), (3, {"hash(l4(0))"})):
        flows(s, f"in_port=1,ip,actions=group:{group}")
        got = {p: len(v) for p, v in hashed(s, 400).items()}
        assert sum(got.values()) == 400 and 150 < got[4] < 250 and 50 < got[2] < 150, got
        assert set(re.findall(r"hash\(l4\(\d\)\)", s.call("dpctl/dump-flows"))) == kinds
        s.call("dpctl/del-flows")


def test_group_of_the_dead(s):
    """A bucket whose port is down: its share goes to the others, whose own stays where it was."""
    s.ofctl("-O", "OpenFlow15", "add-group", "br0", "group_id=1,type=select,selection_method=dp_hash,"
            "bucket=watch_port:2,output:2,bucket=watch_port:3,output:3,bucket=watch_port:4,output:4")
    flows(s, "in_port=1,ip,actions=group:1")
    before = hashed(s, 600)
    s.call("netdev-dummy/set-admin-state", "p3", "down")
    after = hashed(s, 600)
    shares = [{p: len(v) for p, v in x.items()} for x in (before, after)]
    assert not after[3], shares
    assert all(set(before[p]) <= set(after[p]) and len(after[p]) > len(before[p]) for p in (2, 4)), shares


def test_many_contexts_are_bounded(s):
    """Each packet freezes another state: contexts come and go, and those of packets that are done with are freed."""
    flows(s, "in_port=1,ip,actions=move:NXM_OF_IP_SRC[]->NXM_NX_REG0[],debug_recirc,output:2")
    n = 3000
    frames = [bytes(ETHER / IP(src=f"10.1.{i >> 8}.{i & 255}", dst="10.0.0.2") / UDP()) for i in range(n)]
    s.send(1, *frames)
    assert len(s.sent(2)) == n
    s.ofctl("del-flows", "br0")
    s.call("dpctl/del-flows")
    assert not s.call("dpctl/dump-flows")


def test_slow_path_meter(s):
    """Packets that must be seen one by one: a meter keeps most of them from it, and the flow counts all."""
    flows(s, "in_port=1,actions=debug_slow,mod_dl_src:00:00:00:00:00:77,output:2")
    frame = bytes(ETHER / udp())
    changed = frame[:6] + bytes.fromhex("000000000077") + frame[12:]
    s.send(1, *[frame] * 3)
    assert s.sent(2) == [changed] * 3 and not s.call("dpctl/dump-flows")
    s.ofctl("-O", "OpenFlow13", "add-meter", "br0", "meter=slowpath pktps burst bands=type=drop rate=1 burst_size=5")
    s.send(1, *[frame] * 50)
    got = s.sent(2)
    assert 4 <= len(got) <= 8 and set(got) == {changed}
    dump = s.call("dpctl/dump-flows")
    assert re.search(r"actions:meter\(\d+\),userspace\(pid=0,slow_path\(action\)\)$", dump, re.M), dump
    assert counts(s)["0:in_port=1"][0] == 53
    stats = s.ofctl("-O", "OpenFlow13", "meter-stats", "br0", "meter=slowpath")
    assert [int(n) for n in re.findall(r"packet(?:_in)?_count:(\d+)", stats)] == [50, 50 - len(got)]
    # The flow changes, and is none for the slow path any more; then it is again, without the meter.
    s.ofctl("mod-flows", "br0", "in_port=1,actions=output:3")
    s.send(1, *[frame] * 50)
    assert len(s.sent(3)) == 50
    s.ofctl("mod-flows", "br0", "in_port=1,actions=debug_slow,output:4")
    s.ofctl("-O", "OpenFlow13", "del-meters", "br0")
    s.send(1, *[frame] * 50)
    assert len(s.sent(4)) == 50 and "slow_path" not in s.call("dpctl/dump-flows")


def test_on_real_ports(net):
    """Threads, devices, many labels and connections: what comes in goes out, each connection through one port."""
    switch = harness.Switch(netns=net.namespace("sw"))
    try:
        switch.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "fail-mode=secure")
        hosts = [harness.Host(net, switch.netns, f"h{i}", f"10.9.0.{i}") for i in (1, 2, 3)]
        for i, host in enumerate(hosts, 1):
            switch.vsctl("add-port", "br0", host.port, "--", "set", "interface", host.port, f"ofport_request={i}")
        switch.ofctl("-O", "OpenFlow15", "add-group", "br0", "group_id=1,type=select,selection_method=dp_hash,bucket=output:2,bucket=output:3")
        for flow in ("in_port=1,mpls,actions=pop_mpls:0x0800,resubmit(,1)", "table=1,udp,nw_dst=10.0.0.2,actions=dec_ttl,group:1"):
            switch.ofctl("-O", "OpenFlow13", "add-flow", "br0", flow)
        n = 300
        frames = [bytes(labelled(udp(n=i), 5 + i % 3)).hex() for i in range(n)] * 2
        script = ("import socket, sys, time\ns = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)\ns.bind(('eth0', 0))\n"
                  "for line in sys.stdin:\n    s.send(bytes.fromhex(line))\n    time.sleep(0.0002)\n")
        listen = ("import socket\ns = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x0008)\ns.bind(('eth0', 0x0800))\ns.settimeout(3)\n"
                  "s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)\nprint('ready', flush=True)\n"
                  "try:\n    while True: print(s.recv(2000).hex(), flush=True)\nexcept TimeoutError: pass\n")
        ears = [host.popen("/usr/bin/python3", "-c", listen, stdout=-1, text=True) for host in hosts[1:]]
        for ear in ears:
            assert ear.stdout.readline() == "ready\n"
        hosts[0].run("/usr/bin/python3", "-c", script, stdin="\n".join(frames))
        heard = [collections.Counter(f for f in ear.communicate()[0].split() if "0a000002" in f) for ear in ears]
        assert sum(sum(h.values()) for h in heard) == 2 * n
        assert not set(heard[0]) & set(heard[1]) and all(len(h) > n / 4 for h in heard)
        assert set(heard[0].values()) == {2} and all(bytes.fromhex(f)[22] == 8 for f in heard[0])
        text = switch.ofctl("dump-flows", "br0")
        assert re.findall(r"n_packets=(\d+)", text) == [str(2 * n)] * 2, text
    finally:
        switch.close()

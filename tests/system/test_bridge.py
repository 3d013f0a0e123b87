# SPDX-License-Identifier: Apache-2.0
"""A bridge with hosts on veth ports: VLANs, learning, flows, large and malformed frames, idleness, TCP."""
import json
import os
import re
import struct
import subprocess
import tempfile
import time

import pytest
from scapy.all import ARP, ICMP, IP, IPv6, TCP, UDP, Dot1Q, Ether, Raw, fragment, raw

import harness
from harness import run, wait_until


def send(host, frames, dev="eth0"):
    """Sends raw frames from a host's namespace."""
    code = ("import socket,sys,json\n"
            "s=socket.socket(socket.AF_PACKET,socket.SOCK_RAW)\n"
            f"s.bind(('{dev}',0))\n"
            "[s.send(bytes.fromhex(x)) for x in json.load(sys.stdin)]\n")
    host.run("python3", "-c", code, stdin=json.dumps([raw(f).hex() for f in frames]))


class Capture:
    """Frames that arrive at a host's interface, in order."""

    def __init__(self, host, dev="eth0", bpf="inbound"):
        self.file = tempfile.TemporaryFile()  # a pipe would fill up
        self.process = host.popen("tcpdump", "--immediate-mode", "-U", "-w", "-", "-Q", "in", "-i", dev, "-s", "4096", "-B", "32768", *bpf.split()[1:],
                                  stdout=self.file, stderr=subprocess.PIPE)
        line = self.process.stderr.readline()
        assert b"listening" in line, line

    def stop(self, settle=0.4):
        time.sleep(settle)
        self.process.terminate()
        self.process.communicate(timeout=5)
        self.file.seek(0)
        out = self.file.read()
        self.file.close()
        frames, at = [], 24
        while at + 16 <= len(out):
            caplen = struct.unpack_from("<I", out, at + 8)[0]
            frames.append(out[at + 16:at + 16 + caplen])
            at += 16 + caplen
        return frames


def test_ping_both_ways(hosts):
    a, b = hosts
    wait_until(lambda: a.ping(b.address), what="ping")
    assert b.ping(a.address, count=3)


@pytest.mark.parametrize("size", [18, 100, 1472, 8000, 60000])
def test_ping_sizes(hosts, size):
    a, b = hosts
    wait_until(lambda: a.ping(b.address), what="ping")
    assert a.run("ping", "-n", "-c", 3, "-i", "0.2", "-W", 2, "-s", size, b.address).returncode == 0


def test_tcp_carries_large_segments_intact(hosts, switch):
    a, b = hosts
    wait_until(lambda: a.ping(b.address), what="ping")
    server = b.popen("python3", "-c",
                     "import socket,hashlib\ns=socket.create_server(('',5001))\nprint('up',flush=True)\nc,_=s.accept()\n"
                     "h=hashlib.sha1()\nn=0\nwhile (d:=c.recv(1<<20)):\n  h.update(d); n+=len(d)\nprint(n,h.hexdigest())",
                     stdout=subprocess.PIPE, text=True)
    assert server.stdout.readline() == "up\n"
    client = a.run("python3", "-c",
                   "import socket,hashlib,os\nc=socket.create_connection(('192.168.10.101',5001))\nh=hashlib.sha1()\n"
                   "for i in range(200):\n  d=os.urandom(1<<19); h.update(d); c.sendall(d)\nprint(200<<19,h.hexdigest())")
    assert server.communicate(timeout=20)[0] == client.stdout


def test_vlan_access_and_trunk(net, switch):
    """An access port's frames carry its tag on a trunk, and only members of the VLAN see them."""
    ports = [harness.Host(net, switch.netns, f"p{i}", f"192.168.10.10{i}", f"00:00:00:00:01:0{i}") for i in range(4)]
    switch.vsctl("add-port", "br0", "p0", "tag=5", "--", "add-port", "br0", "p1", "tag=5", "--",
                 "add-port", "br0", "p2", "tag=6", "--", "add-port", "br0", "p3", "trunks=5,7")
    wait_until(lambda: ports[0].ping("192.168.10.101"), what="ping within the VLAN")
    captures = [Capture(p) for p in ports]
    broadcast = Ether(src="00:00:00:00:01:00", dst="ff:ff:ff:ff:ff:ff", type=0x88B5) / Raw(b"v" * 50)
    send(ports[0], [broadcast])
    got = [c.stop() for c in captures]
    assert raw(broadcast) in got[1]
    assert not [f for f in got[2] if b"vvvv" in f]
    tagged = raw(Ether(src="00:00:00:00:01:00", dst="ff:ff:ff:ff:ff:ff") / Dot1Q(vlan=5, type=0x88B5) / Raw(b"v" * 50))
    assert [f for f in got[3] if b"vvvv" in f] == [tagged]

    # And back: tagged frames of the trunk's VLANs come out of the access ports without a tag; others go nowhere.
    captures = [Capture(p) for p in ports[:3]]
    send(ports[3], [Ether(src="00:00:00:00:01:03", dst="ff:ff:ff:ff:ff:ff") / Dot1Q(vlan=5, type=0x88B5) / Raw(b"five" * 12),
                    Ether(src="00:00:00:00:01:03", dst="ff:ff:ff:ff:ff:ff") / Dot1Q(vlan=6, type=0x88B5) / Raw(b"six!" * 12)])
    got = [c.stop() for c in captures]
    plain = raw(Ether(src="00:00:00:00:01:03", dst="ff:ff:ff:ff:ff:ff", type=0x88B5) / Raw(b"five" * 12))
    assert [f for f in got[0] if b"five" in f] == [plain]
    assert [f for f in got[1] if b"five" in f] == [plain]
    assert not [f for g in got for f in g if b"six!" in f]


def test_learning_and_ageing(hosts, switch):
    a, b = hosts
    switch.vsctl("set", "bridge", "br0", "other_config:mac-aging-time=15")
    wait_until(lambda: a.ping(b.address), what="ping")
    fdb = switch.appctl("fdb/show", "br0")
    assert fdb.startswith(" port  VLAN  MAC                Age\n")
    assert re.search(r"^    1     0  00:00:00:00:01:00 +\d+$", fdb, re.M), fdb
    assert re.search(r"^    2     0  00:00:00:00:01:01 +\d+$", fdb, re.M), fdb
    switch.appctl("fdb/flush", "br0")
    assert switch.appctl("fdb/show", "br0").count("\n") == 1
    send(a, [Ether(src="00:00:00:00:01:00", dst="00:00:00:00:01:01", type=0x88B5) / Raw(b"x" * 50)])
    wait_until(lambda: "00:00:00:00:01:00" in switch.appctl("fdb/show", "br0"), what="learned again")
    switch.appctl("time/stop")
    switch.appctl("time/warp", "20000", "1000")
    wait_until(lambda: "00:00:00:00:01:00" not in switch.appctl("fdb/show", "br0"), what="aged out")


def test_flow_counters_are_exact(hosts, switch):
    a, b = hosts
    switch.ofctl("del-flows", "br0")
    switch.ofctl("add-flow", "br0", "table=0,priority=5,in_port=p0,actions=resubmit(,1)")
    switch.ofctl("add-flow", "br0", "table=1,udp,tp_dst=1000,actions=output:p1")
    frames = [Ether(src="00:00:00:00:01:00", dst="00:00:00:00:01:01") / IP(src="1.1.1.1", dst="2.2.2.2") /
              UDP(sport=i % 7, dport=1000) / Raw(b"y" * 100) for i in range(500)]
    size = len(raw(frames[0]))
    capture = Capture(b, bpf="inbound udp port 1000")
    send(a, frames)
    assert len(capture.stop()) == 500
    expected = f"n_packets=500, n_bytes={500 * size}"
    wait_until(lambda: expected in switch.ofctl("dump-flows", "br0", "table=1"), timeout=5, what="all counted")
    # Also after the megaflows are gone, and not twice.
    switch.ofctl("mod-flows", "br0", "table=1,udp,tp_dst=1000,actions=drop")
    send(a, frames[:10])
    expected = f"n_packets=510, n_bytes={510 * size}"
    wait_until(lambda: expected in switch.ofctl("dump-flows", "br0", "table=1"), timeout=5, what="counted after the change")


def test_rewriting_and_vlan_actions(hosts, switch):
    a, b = hosts
    switch.ofctl("del-flows", "br0")
    switch.ofctl("-O", "OpenFlow13", "add-flow", "br0", "in_port=p0,udp,actions=mod_dl_dst:02:00:00:00:00:09,mod_nw_src:9.9.9.9,mod_tp_dst:53,dec_ttl,"
                 "push_vlan:0x8100,set_field:4105->vlan_vid,output:p1")
    frame = (Ether(src="00:00:00:00:01:00", dst="00:00:00:00:01:01") / IP(src="1.2.3.4", dst="2.2.2.2", ttl=64, id=7) /
             UDP(sport=5, dport=1000) / Raw(b"z" * 61))
    wanted = (Ether(src="00:00:00:00:01:00", dst="02:00:00:00:00:09") / Dot1Q(vlan=9) /
              IP(src="9.9.9.9", dst="2.2.2.2", ttl=63, id=7) / UDP(sport=5, dport=53) / Raw(b"z" * 61))
    capture = Capture(b)
    send(a, [frame, frame])
    got = [f for f in capture.stop() if b"zzzz" in f]
    assert got == [raw(wanted)] * 2, [Ether(f).summary() for f in got]


def test_fragments_and_malformed_frames(hosts, switch):
    """Frames that lie about themselves pass or are dropped, unchanged; the switch lives."""
    a, b = hosts
    switch.ofctl("del-flows", "br0")
    switch.ofctl("add-flow", "br0", "priority=5,in_port=p0,udp,tp_dst=9,actions=drop")
    switch.ofctl("add-flow", "br0", "priority=1,in_port=p0,actions=output:p1")
    eth = Ether(src="00:00:00:00:01:00", dst="00:00:00:00:01:01")
    good = eth / IP(src="1.1.1.1", dst="2.2.2.2") / UDP(sport=1, dport=8) / Raw(b"m" * 64)
    frames = fragment(eth / IP(src="1.1.1.1", dst="2.2.2.2", id=99) / UDP(sport=1, dport=8) / Raw(b"m" * 3000), 1000)
    whole = raw(good)
    for cut in range(14, len(whole)):
        frames.append(Raw(whole[:cut] + (b"m" * (60 - cut) if cut < 60 else b"")))
    lies = [(16, 2, b"\xff\xff"), (16, 2, b"\x00\x05"), (14, 1, b"\x4f"), (14, 1, b"\x41"), (14, 1, b"\x65"), (38, 2, b"\xff\xff"),
            (38, 2, b"\x00\x00"), (20, 2, b"\x1f\xff"), (12, 2, b"\x81\x00"), (12, 2, b"\x86\xdd"), (12, 2, b"\x88\x47"),
            (12, 2, b"\x00\x20"), (12, 2, b"\x08\x06")]
    for at, n, value in lies:
        frames.append(Raw(whole[:at] + value + whole[at + n:]))
    for header in range(0, 256, 5):
        frames.append(eth / IPv6(src="fe80::1", dst="fe80::2", nh=header) / Raw(bytes([header, 255]) + b"m" * 60))
    capture = Capture(b)
    send(a, frames)
    got = capture.stop(1.0)
    sent = [raw(f) for f in frames]
    assert [f for f in got if f not in sent] == []
    assert len(got) >= len(sent) - 2, (len(got), len(sent))
    assert switch.switch.poll() is None


def test_controller_action_reaches_monitor(hosts, switch):
    a, _ = hosts
    switch.ofctl("del-flows", "br0")
    switch.ofctl("add-flow", "br0", "in_port=p0,actions=controller")
    monitor = subprocess.Popen([switch.tools("ovs-ofctl"), "monitor", "br0", "65534"], env=switch.env, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
    try:
        time.sleep(0.5)
        send(a, [Ether(src="00:00:00:00:01:00", dst="00:00:00:00:01:01") / IP(src="1.1.1.1", dst="2.2.2.2") / UDP(sport=1, dport=2) / Raw(b"c" * 18)])
        line = ""
        while "PACKET_IN" not in line:
            line = monitor.stdout.readline()
            assert line
        assert re.match(r"(NXT|OFPT)_PACKET_IN2? \(.*xid=0x0\): cookie=0x0 total_len=60 in_port=1 \(via action\) data_len=60 \(unbuffered\)", line), line
        assert monitor.stdout.readline().startswith("udp,vlan_tci=0x0000,dl_src=00:00:00:00:01:00,dl_dst=00:00:00:00:01:01,nw_src=1.1.1.1,")
    finally:
        monitor.terminate()
        monitor.wait()


def test_packet_out(hosts, switch):
    _, b = hosts
    frame = Ether(src="00:00:00:00:01:55", dst="00:00:00:00:01:01", type=0x88B5) / Raw(b"out" * 20)
    capture = Capture(b)
    switch.ofctl("packet-out", "br0", f"in_port=local,packet={raw(frame).hex()},actions=output:2")
    assert raw(frame) in capture.stop()


def test_idle_switch_sleeps(net, switch):
    for i in range(10):
        net.pair(switch.netns, f"p{i}", switch.netns, f"q{i}")
        switch.vsctl("add-port", "br0", f"p{i}")
    switch.ofctl("add-flow", "br0", "priority=1,actions=drop")
    time.sleep(3)

    def ticks():
        fields = open(f"/proc/{switch.switch.pid}/stat").read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])
    before = ticks()
    time.sleep(10)
    used = (ticks() - before) / os.sysconf("SC_CLK_TCK")
    assert used < 0.1, f"{used} s of processor time in 10 s"


def test_bad_input_is_answered_as_stock_does(switch):
    for program, args, code, text in [
        ("ovs-vsctl", ["add-port", "nosuch", "p"], 1, "ovs-vsctl: no bridge named nosuch\n"),
        ("ovs-vsctl", ["add-br", "br0"], 1, "ovs-vsctl: cannot create a bridge named br0 because a bridge named br0 already exists\n"),
        ("ovs-vsctl", ["frobnicate"], 1, "ovs-vsctl: unknown command 'frobnicate'; use --help for help\n"),
        ("ovs-vsctl", ["br-exists", "nosuch"], 2, ""),
        ("ovs-vsctl", ["set", "bridge", "br0", "nocolumn=1"], 1, "ovs-vsctl: Bridge does not contain a column whose name matches \"nocolumn\"\n"),
        ("ovs-ofctl", ["add-flow", "br0", "bogus=1,actions=drop"], 1, "ovs-ofctl: unknown keyword bogus\n"),
        ("ovs-ofctl", ["add-flow", "br0", "in_port=1"], 1, "ovs-ofctl: must specify an action\n"),
        ("ovs-ofctl", ["dump-flows", "nosuch"], 1, "ovs-ofctl: nosuch is not a bridge or a socket\n"),
        ("ovs-appctl", ["nosuch/command"], 2, None),
    ]:
        done = switch.tool(program, *(["--db=unix:" + switch.dir + "/db.sock"] if program == "ovs-vsctl" else []), *args, check=False)
        assert done.returncode == code, (program, args, done)
        if text is not None:
            assert done.stderr == text, (program, args, done.stderr)


def test_missing_device_is_an_error_the_user_sees(switch):
    done = switch.tool("ovs-vsctl", f"--db=unix:{switch.dir}/db.sock", "add-port", "br0", "nosuchdev", check=False)
    assert "Error detected while setting up 'nosuchdev'" in done.stderr, done
    assert "nosuchdev" in switch.vsctl("get", "Interface", "nosuchdev", "error")
    assert switch.vsctl("get", "Interface", "nosuchdev", "ofport") == "-1\n"
    # It comes to life when the device appears.
    run("ip", "-n", switch.netns, "link", "add", "nosuchdev", "type", "veth", "peer", "name", "other")
    wait_until(lambda: switch.vsctl("get", "Interface", "nosuchdev", "ofport") not in ("-1\n", "[]\n"), what="the port appears")
    assert switch.vsctl("get", "Interface", "nosuchdev", "error") == "[]\n"


@pytest.mark.parametrize("first", ["ip,nw_src=10.0.0.1", "table=1,ip,nw_src=10.0.0.1", "reg0=7"])
def test_add_flows_settles_on_a_format_that_fits_all_lines(first):
    """Whatever the first line lets ovs-ofctl expect: the table needs one extension, the register another."""
    own = harness.Switch(vswitchd_args=["--enable-dummy=override"])
    try:
        own.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail_mode=secure")
        lines = [first, "table=2,tcp,tp_dst=80", "table=3,reg1=0x55/0xff", "priority=5"]
        flows = "".join(f"{line} actions=drop\n" for line in lines) * 2
        flows += "".join(f"table=4,priority={i} actions=mod_dl_dst:00:00:00:00:00:01,output:1\n" for i in range(1, 3000))
        own.ofctl("add-flows", "br0", "-", stdin=flows)
        out = own.ofctl("dump-flows", "br0", "--no-stats")
        assert out.count("\n") == 4 + 2999, out
        for text in ("table=2, tcp,tp_dst=80", "table=3, reg1=0x55/0xff", "priority=5 actions=drop",
                     "table=4, priority=2999 actions=mod_dl_dst:00:00:00:00:00:01,output:1"):
            assert text in out
    finally:
        own.close()

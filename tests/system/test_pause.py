# SPDX-License-Identifier: Apache-2.0
"""controller(pause): packets wait for the controller's answer and go on where they stopped."""
import random
import signal
import socket
import struct
import subprocess
import time

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

import harness
from dummy import DummySwitch
from harness import wait_until

FRAME = bytes(Ether(src="00:00:00:00:00:01", dst="00:00:00:00:00:02") / IP(src="10.0.0.1", dst="10.0.0.2", ttl=64) / UDP(sport=1, dport=2) / b"payload")
NX = 0x2320
PACKET, METADATA, CONTINUATION = 0, 6, 8


@pytest.fixture
def s():
    switch = DummySwitch()
    yield switch
    switch.close()


def flows(s, *lines):
    for line in lines:
        s.ofctl("-O", "OpenFlow13", "add-flow", "br0", line)


NESTED = ["in_port=1,cookie=0x77,actions=load:5->NXM_NX_REG1[],push:NXM_NX_REG1[],push:NXM_OF_ETH_DST[],resubmit(,2),"
          "write_actions(set_field:00:00:00:00:00:99->eth_dst,output:4),goto_table:1",
          "table=2,cookie=0x55,actions=controller(pause,userdata=01.02.03),pop:NXM_OF_ETH_SRC[],resubmit(,3),pop:NXM_NX_REG2[],output:3",
          "table=3,ip,reg1=5,actions=dec_ttl,output:2",
          "table=1,reg2=5,actions=output:2"]
TTL_LESS = bytes(Ether(src="00:00:00:00:00:02", dst="00:00:00:00:00:02") / IP(src="10.0.0.1", dst="10.0.0.2", ttl=63) / UDP(sport=1, dport=2) / b"payload")


@pytest.mark.parametrize("version", ["OpenFlow10", "OpenFlow13"])
@pytest.mark.parametrize("tools", [harness.ours, harness.stock], ids=lambda t: t.name)
def test_resume(s, tools, version):
    """From within a resubmit, with a stack and an action set, by the monitor of either side."""
    flows(s, *NESTED)
    monitor = subprocess.Popen([tools("ovs-ofctl"), "-P", "nxt_packet_in2", "-O", version, "monitor", f"{s.dir}/br0.mgmt", "65535", "resume"],
                               env=s.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        seen = []

        def resumed():
            s.send(1, FRAME)
            for port, frames in s.out().items():
                seen.append((port, frames))
            return {p for p, _ in seen} == {2, 3, 4}
        wait_until(resumed, what=f"packets go on: {seen}")
    finally:
        monitor.send_signal(signal.SIGTERM)
        text = monitor.communicate()[0]
    last = dict(seen)
    assert set(last[2]) == {TTL_LESS} and set(last[3]) == {TTL_LESS}, seen
    assert set(last[4]) == {bytes.fromhex("000000000099") + TTL_LESS[6:]}
    assert "userdata=01.02.03" in text and "continuation.stack=(top) 0x2 0x5 (bottom)" in text and "***" not in text, text


class Controller:
    """One connection that gets NXT_PACKET_IN2."""

    def __init__(self, s, version=4):
        self.version = version
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(f"{s.dir}/br0.mgmt")
        self.data = b""
        self.kept = []  # messages that nobody waited for
        self.send(0)
        self.send(9, struct.pack("!HH", 0, 0xFFFF))  # set-config: packet-ins wanted
        self.nx(16, struct.pack("!I", 2))  # their form
        self.barrier()

    def send(self, kind, body=b"", xid=7):
        self.socket.sendall(struct.pack("!BBHI", self.version, kind, 8 + len(body), xid) + body)

    def nx(self, subtype, body, xid=7):
        self.send(4, struct.pack("!II", NX, subtype) + body, xid)

    def receive(self):
        while len(self.data) < 8 or len(self.data) < struct.unpack_from("!H", self.data, 2)[0]:
            more = self.socket.recv(65536)
            assert more, "the switch hung up"
            self.data += more
        n = struct.unpack_from("!H", self.data, 2)[0]
        msg, self.data = self.data[:n], self.data[n:]
        return msg

    def until(self, kind):
        while True:
            for i, msg in enumerate(self.kept):
                if msg[1] == kind:
                    return self.kept.pop(i)
            self.kept.append(self.receive())

    def barrier(self):
        self.send(20 if self.version > 1 else 18, xid=9)
        self.until(21 if self.version > 1 else 19)
        self.error = None
        if any(msg[1] == 1 for msg in self.kept):
            self.error = struct.unpack_from("!HHIHH", self.until(1), 8)

    def packet_in(self):
        msg = self.until(4)
        assert struct.unpack_from("!II", msg, 8) == (NX, 30), msg
        props, at = [], 16
        while at < len(msg):
            kind, n = struct.unpack_from("!HH", msg, at)
            props.append((kind, msg[at + 4:at + n]))
            at += (n + 7) & ~7
        return props

    def resume(self, props):
        """The error's number, 0: none."""
        body = b""
        for kind, value in props:
            if kind in (PACKET, 3, 4, 5, METADATA, CONTINUATION):
                body += struct.pack("!HH", kind, 4 + len(value)) + value
                body += b"\0" * (-len(body) % 8)
        self.nx(28, body)
        self.barrier()
        return self.error


def test_controller_changes_the_packet(s):
    """Bytes and registers; and the packet goes on in the tables as it is then."""
    flows(s, "in_port=1,actions=load:1->NXM_NX_REG0[],controller(pause),resubmit(,1)", "table=1,reg0=1,ip,nw_dst=10.0.0.2,actions=output:2",
          "table=1,reg0=9,ip,nw_dst=10.0.0.7,actions=output:3")
    c = Controller(s)
    s.send(1, FRAME)
    props = c.packet_in()
    assert dict(props)[PACKET] == FRAME
    assert c.resume(props) is None
    assert s.out() == {2: [FRAME]}
    other = FRAME[:30] + bytes([10, 0, 0, 7]) + FRAME[34:]
    metadata = dict(props)[METADATA].replace(bytes.fromhex("0001000400000001"), bytes.fromhex("0001000400000009"))
    assert c.resume([(k, other if k == PACKET else metadata if k == METADATA else v) for k, v in props]) is None
    assert s.out() == {3: [other]}
    # Once more: who waits is nobody's memory.
    assert c.resume(props) is None and s.out() == {2: [FRAME]}
    # Not a packet of IP any more: what the actions want is not there.
    arp = FRAME[:12] + b"\x08\x06" + b"\0" * 28
    assert c.resume([(k, arp if k == PACKET else v) for k, v in props]) is None and s.out() == {}


def test_pause_in_clone_and_bucket(s):
    """What is outside of the clone or bucket does not wait."""
    s.ofctl("-O", "OpenFlow13", "add-group", "br0", "group_id=1,type=all,bucket=mod_dl_dst:00:00:00:00:00:08,resubmit(,5),bucket=output:4")
    flows(s, "in_port=1,actions=clone(mod_dl_src:00:00:00:00:00:09,controller(pause),output:2),group:1,IN_PORT",
          "table=5,actions=controller(pause),output:3")
    c = Controller(s)
    s.send(1, FRAME)
    assert s.out() == {1: [FRAME], 4: [FRAME]}
    waiting = [c.packet_in(), c.packet_in()]
    for props in waiting:
        assert c.resume(props) is None
    assert s.out() == {2: [FRAME[:6] + bytes.fromhex("000000000009") + FRAME[12:]], 3: [bytes.fromhex("000000000008") + FRAME[6:]]}


def test_mistakes(s):
    """Another bridge's continuation, an old one, none, and bytes that are none."""
    flows(s, "in_port=1,actions=controller(pause),output:2")
    c = Controller(s)
    s.send(1, FRAME)
    props = c.packet_in()
    stale = [(k, v.replace(v[8:24], b"\x55" * 16) if k == CONTINUATION else v) for k, v in props]
    assert c.resume(stale)[:3] == (0xFFFF, 35, NX)  # NXR_STALE
    assert c.resume([p for p in props if p[0] != CONTINUATION])
    assert c.resume([p for p in props if p[0] != PACKET])
    assert c.resume([(k, b"short" if k == PACKET else v) for k, v in props])
    assert s.out() == {}
    r = random.Random(1)
    for i in range(2000):  # whatever becomes of it, the switch lives
        broken = []
        for k, v in props:
            if k == CONTINUATION:
                v = bytearray(v)
                for _ in range(r.randint(1, 4)):
                    v[r.randrange(24, len(v))] = r.choice([0, 1, 8, 16, 0x7f, 0xff, r.randrange(256)])
                v = bytes(v)
            broken.append((k, v))
        c.resume(broken)
    s.out()
    assert c.resume(props) is None and s.out() == {2: [FRAME]}
    # In the secondary role nobody sends packets.
    c.send(24, struct.pack("!II8s", 3, 0, struct.pack("!Q", 1)))
    c.until(25)
    assert c.resume(props) and s.out() == {}


def test_a_megaflow_waits_too(s):
    """All packets of a flow wait, by the megaflow; the rule counts each."""
    flows(s, "in_port=1,actions=controller(pause),output:2")
    c = Controller(s)
    s.send(1, *[FRAME] * 5)
    for _ in range(5):
        assert c.resume(c.packet_in()) is None
    assert s.out() == {2: [FRAME] * 5}
    assert "continuation=1,recirc_id=" in s.call("dpctl/dump-flows")
    assert "n_packets=5," in s.ofctl("dump-flows", "br0")
    # The flow goes while packets wait.
    s.send(1, FRAME)
    props = c.packet_in()
    s.ofctl("del-flows", "br0")
    s.call("dpctl/del-flows")
    time.sleep(0.05)
    assert c.resume(props) is None and s.out() == {2: [FRAME]}

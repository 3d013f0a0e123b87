# SPDX-License-Identifier: Apache-2.0
"""Whatever one port, rule or controller does, the others do not notice: while it goes on, two hosts talk on, another controller
gets its answers, and so does whoever asks for flows. What was too much is counted, and the log says so, once."""
import contextlib
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import pytest

import harness

LONG = 5  # seconds that no answer takes, however busy the machine is
# Sends frames from eth0 for the given time: what changes with each frame is where the mark is.
FLOOD = """
import socket, struct, sys, time
seconds, frame, at = float(sys.argv[1]), bytearray.fromhex(sys.argv[2]), int(sys.argv[3])
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("eth0", 0))
n, end = 0, time.monotonic() + seconds
while time.monotonic() < end:
    for _ in range(100):
        n += 1
        struct.pack_into("!I", frame, at, n)
        try:
            s.send(frame)
        except OSError:
            pass
print(n)
"""
UDP = "0200000000020200000000030800450000240000000040110000" + "0a00000a" + "0a00000b" + "03e803e800100000" + "00" * 8


class Peer:
    """A controller that reads. Hello is exchanged, and packets to controllers are wanted."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(2 * LONG)
        self.socket.connect(path)
        self.buffer = b""
        self.socket.sendall(struct.pack("!BBHI", 1, 0, 8, 1) + struct.pack("!BBHIHH", 1, 9, 12, 2, 0, 0xffff))

    def message(self):
        while True:
            if len(self.buffer) >= 8:
                _, kind, length, xid = struct.unpack_from("!BBHI", self.buffer)
                if len(self.buffer) >= length:
                    self.buffer = self.buffer[length:]
                    return kind, xid
            data = self.socket.recv(65536)
            assert data, "the connection was closed"
            self.buffer += data

    def barrier(self, xid):
        self.socket.sendall(struct.pack("!BBHI", 1, 18, 8, xid))
        while self.message() != (19, xid):
            pass

    def close(self):
        self.socket.close()


class Asker(threading.Thread):
    """Asks for barriers all the time; the longest answer in seconds."""

    def __init__(self, path):
        super().__init__()
        self.peer, self.longest, self.n, self.failed, self.stop = Peer(path), 0, 0, None, False

    def run(self):
        try:
            while not self.stop:
                begin = time.monotonic()
                self.peer.barrier(1000 + self.n)
                self.longest = max(self.longest, time.monotonic() - begin)
                self.n += 1
                time.sleep(0.01)
        except (OSError, AssertionError) as e:
            self.failed = e


@contextlib.contextmanager
def others_do_not_notice(switch, hosts):
    asker = Asker(f"{switch.dir}/br0.mgmt")
    ping = hosts[0].popen("ping", "-n", "-i", "0.01", "-W", str(LONG), hosts[1].address, stdout=subprocess.PIPE, text=True)
    try:
        asker.start()
        yield
        began = time.monotonic()
        assert "priority=1000" in switch.ofctl("dump-flows", "br0", "in_port=1", timeout=60)
        assert time.monotonic() - began < 2 * LONG
        ping.send_signal(signal.SIGINT)
        text = ping.communicate(timeout=10)[0]
        sent, received = map(int, re.search(r"(\d+) packets transmitted, (\d+) received", text).groups())
        # The last ones may still be under way: "pipe" says how many were at once.
        under_way = int((re.search(r"pipe (\d+)", text) or [0, 1])[1])
        # On a machine that others keep busy the kernel may lose one or two before the switch sees them.
        assert sent > 10 and received >= 0.97 * sent - under_way, text[-300:]
    finally:
        asker.stop = True
        asker.join(2 * LONG)
        if ping.poll() is None:
            ping.kill()
            ping.wait()
        asker.peer.close()
    assert not asker.failed and asker.n > 3 and asker.longest < LONG, (asker.failed, asker.n, asker.longest)


def add_own_flows(switch):
    for flow in ("priority=1000,in_port=1,actions=2", "priority=1000,in_port=2,actions=1"):
        switch.ofctl("add-flow", "br0", flow)


@pytest.fixture
def world(net, switch, hosts):
    """The two hosts have rules of their own; the bad one is port 3."""
    bad = harness.Host(net, switch.netns, "p2", "192.168.10.102")
    switch.vsctl("add-port", "br0", "p2", "--", "set", "interface", "p2", "ofport_request=3")
    add_own_flows(switch)
    return switch, hosts, bad


def flood(host, seconds=2, at=34, frame=UDP):
    """How many frames the host sent; the four bytes at `at` (the UDP ports, unless said otherwise) count up."""
    return int(host.run(sys.executable, "-c", FLOOD, str(seconds), frame, str(at), timeout=60).stdout)


def counter(switch, name):
    return int(switch.appctl("coverage/read-counter", name))


# A sanitizer keeps what was freed for a while.
MORE_KB = 400000 if os.environ.get("SANITIZE") else 0


def resident_kb(switch):
    with open(f"/proc/{switch.switch.pid}/status") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])


def lines(switch, text):
    return [line for line in switch.log().splitlines() if text in line]


def test_misses_without_end(world):
    """Each packet is a flow of its own: no megaflow serves two."""
    switch, hosts, bad = world
    switch.ofctl("add-flow", "br0", "priority=5,udp,in_port=3,actions=move:NXM_OF_UDP_DST[]->NXM_NX_REG0[0..15],"
                 "move:NXM_OF_UDP_SRC[]->NXM_NX_REG0[16..31],resubmit(,1)")
    switch.ofctl("add-flow", "br0", "table=1,reg0=12345678,actions=drop")
    before = resident_kb(switch)
    with others_do_not_notice(switch, hosts):
        assert flood(bad, 3) > 1000
    assert counter(switch, "upcall_miss") > 500
    assert resident_kb(switch) - before < MORE_KB + 200000


def test_tables_that_loop(world):
    switch, hosts, bad = world
    switch.ofctl("add-flow", "br0", "priority=5,in_port=3,actions=resubmit(,1),resubmit(,1)")
    switch.ofctl("add-flow", "br0", "table=1,udp,udp_src=0x8000/0x8000,actions=resubmit(,1),resubmit(,1)")
    switch.ofctl("add-flow", "br0", "table=1,priority=2,udp,actions=move:NXM_OF_UDP_SRC[]->NXM_NX_REG0[0..15],"
                 "move:NXM_OF_UDP_DST[]->NXM_NX_REG1[0..15],resubmit(,1),resubmit(,1)")
    with others_do_not_notice(switch, hosts):
        flood(bad)
    assert counter(switch, "xlate_errors") > 0
    said = harness.wait_until(lambda: lines(switch, "translation failed"), what="the log")
    assert len(said) < 10


def test_packets_that_learn_without_end(world):
    """Within its limits: the table has as many as it may, whoever asked for more is counted."""
    switch, hosts, bad = world
    switch.ofctl("add-flow", "br0", "priority=5,udp,in_port=3,actions=learn(table=7,limit=3000,cookie=5,"
                 "eth_type=0x800,nw_proto=17,NXM_OF_UDP_SRC[],NXM_OF_UDP_DST[],output:NXM_OF_IN_PORT[])")
    with others_do_not_notice(switch, hosts):
        flood(bad)
    learned = int(re.search(r"flow_count=(\d+)", switch.ofctl("dump-aggregate", "br0", "table=7"))[1])
    assert 100 < learned <= 3000
    # Without a limit it is the table's, which gives up what would go first.
    switch.vsctl("--", "--id=@t", "create", "Flow_Table", "flow_limit=500", "overflow_policy=evict", "--", "set", "bridge", "br0",
                 "flow_tables:8=@t")
    switch.ofctl("add-flow", "br0", "priority=5,udp,in_port=3,actions=learn(table=8,hard_timeout=600,"
                 "eth_type=0x800,nw_proto=17,NXM_OF_UDP_SRC[],NXM_OF_UDP_DST[],output:NXM_OF_IN_PORT[])")
    with others_do_not_notice(switch, hosts):
        flood(bad)
    assert int(re.search(r"flow_count=(\d+)", switch.ofctl("dump-aggregate", "br0", "table=8"))[1]) == 500


def test_addresses_without_end(world):
    switch, hosts, bad = world
    switch.ofctl("add-flow", "br0", "priority=5,in_port=3,actions=NORMAL")
    with others_do_not_notice(switch, hosts):
        flood(bad, at=8)
    assert 8000 < len(switch.appctl("fdb/show", "br0").splitlines()) <= 8193


def test_ports_that_vanish_under_a_group(world):
    switch, hosts, bad = world
    switch.ofctl("-O", "OpenFlow13", "add-group", "br0", "group_id=1,type=all,bucket=output:2,bucket=output:5,bucket=output:in_port")
    switch.ofctl("-O", "OpenFlow13", "add-flow", "br0", "priority=5,in_port=3,actions=group:1")
    refused = switch.tool("ovs-ofctl", "-O", "OpenFlow13", "mod-group", "br0", "group_id=1,type=all,bucket=group:1", check=False)
    assert refused.returncode == 1 and "OFPGMFC_LOOP" in refused.stderr
    run = threading.Thread(target=flood, args=(bad,))
    with others_do_not_notice(switch, hosts):
        run.start()
        for _ in range(10):
            switch.vsctl("add-port", "br0", "gone", "--", "set", "interface", "gone", "type=internal", "ofport_request=5")
            switch.vsctl("del-port", "gone")
        run.join()


def test_ten_thousand_connections(world):
    switch, hosts, _ = world
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 12000:
        pytest.skip("may not open so many")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    switch.vsctl("set-controller", "br0", f"punix:{switch.dir}/br0.crowd")
    harness.wait_until(lambda: os.path.exists(f"{switch.dir}/br0.crowd"), what="the listener")
    before = resident_kb(switch)
    crowd = []
    try:
        with others_do_not_notice(switch, hosts):
            for _ in range(10000):
                s = socket.socket(socket.AF_UNIX)
                s.connect(f"{switch.dir}/br0.crowd")
                crowd.append(s)
            harness.wait_until(lambda: counter(switch, "ofconn_mute_closed") == 9000, what="those above the limit")
            # Who speaks gets in, and is served.
            late = Peer(f"{switch.dir}/br0.crowd")
            late.barrier(7)
            crowd.append(late)
            switch.vsctl("add-port", "br0", "more", "--", "set", "interface", "more", "type=internal")
        assert len(lines(switch, "has 1000 connections")) == 1
        assert resident_kb(switch) - before < MORE_KB + 100000
    finally:
        for s in crowd:
            s.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def unprobed_controller(switch, name):
    """Where the switch will connect to, as to a controller that it does not ask whether it lives."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{switch.dir}/{name}")
    listener.listen(4)
    switch.vsctl("set-controller", "br0", f"unix:{switch.dir}/{name}", "--", "set", "controller", "br0", "inactivity_probe=0",
                 "--", "set-fail-mode", "br0", "secure")
    return listener


def test_a_controller_that_never_reads(world):
    """It gets no more answers after a while, and keeps its connection; what it is told without asking is bounded, too (test_controllers.c)."""
    switch, hosts, bad = world
    listener = unprobed_controller(switch, "deaf")
    harness.wait_until(lambda: not switch.ofctl("dump-flows", "br0").count("actions"), what="flows that are the controller's affair now")
    add_own_flows(switch)
    switch.ofctl("add-flow", "br0", "priority=5,in_port=3,actions=CONTROLLER:65535")
    switch.tool("ovs-ofctl", "add-flows", "br0", "-", stdin="\n".join(f"table=9,reg0={i},actions=drop" for i in range(20000)))
    before = resident_kb(switch)
    deaf, _ = listener.accept()
    try:
        deaf.setblocking(False)
        with others_do_not_notice(switch, hosts):
            deaf.send(struct.pack("!BBHI", 1, 0, 8, 1))
            asked, rest = 0, b""
            request = struct.pack("!BBHIHH", 1, 16, 56, 2, 1, 0) + struct.pack("!I", (1 << 22) - 1) + b"\0" * 36 + struct.pack("!BBH", 255, 0, 0xffff)
            echo = struct.pack("!BBHI", 1, 2, 60000, 3) + b"\0" * 59992
            end = time.monotonic() + 3
            while time.monotonic() < end:
                rest = rest or request * 10 + echo
                with contextlib.suppress(BlockingIOError):
                    n = deaf.send(rest)
                    asked, rest = asked + n, rest[n:]
            flood(bad, 1)
        assert resident_kb(switch) - before < MORE_KB + 100000
        assert asked < 20000000  # bytes, of the hundreds of millions that it could have sent
        assert "true" in switch.vsctl("get", "controller", "br0", "is_connected")
    finally:
        deaf.close()
        listener.close()


def test_mute_listeners_of_commands(world):
    """Connections for commands and for snooping that nobody speaks on: there are so many at most, and commands go on."""
    switch, hosts, bad = world
    listener = unprobed_controller(switch, "snooped")
    crowd = [listener, listener.accept()[0]]
    try:
        crowd[1].send(struct.pack("!BBHI", 1, 0, 8, 1))
        harness.wait_until(lambda: "true" in switch.vsctl("get", "controller", "br0", "is_connected"), what="the controller")
        add_own_flows(switch)
        before = len(os.listdir(f"/proc/{switch.switch.pid}/fd"))
        with others_do_not_notice(switch, hosts):
            for path in [f"{switch.dir}/ovs-vswitchd.{switch.switch.pid}.ctl"] * 700 + [f"{switch.dir}/br0.snoop"] * 200:
                crowd.append(socket.socket(socket.AF_UNIX))
                crowd[-1].connect(path)
            harness.wait_until(lambda: lines(switch, "snoop already") and lines(switch, "connections for commands"), what="those above the limit")
            end = time.monotonic() + 1
            while time.monotonic() < end:
                assert "ovs-vswitchd" in switch.appctl("version")
            assert len(os.listdir(f"/proc/{switch.switch.pid}/fd")) - before < 500 + 100 + 20
    finally:
        for s in crowd:
            s.close()

# SPDX-License-Identifier: Apache-2.0
"""What goes in equals what rules, tables, ports, drops, mirrors and controllers count, to the packet, through caches, changes of rules,
expiry and deletion."""
import random
import re
import socket
import struct

import pytest
from scapy.all import IP, TCP, UDP, Ether, Raw

import harness
from dummy import DummySwitch

RULES = 12


class Client:
    """An OpenFlow 1.0 connection that counts what it is told."""

    def __init__(self, switch):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(f"{switch.dir}/br0.mgmt")
        self.socket.settimeout(5)
        self.buffer = b""
        self.packet_ins, self.removed = 0, []
        self.socket.sendall(struct.pack("!BBHI", 1, 0, 8, 1) + struct.pack("!BBHIHH", 1, 9, 12, 2, 0, 0xffff))
        self.sync()

    def sync(self):
        """All that the switch had to say until now was read."""
        self.socket.sendall(struct.pack("!BBHI", 1, 18, 8, 99))
        while True:
            kind, body = self.message()
            if kind == 19:
                return
            if kind == 2:  # echo
                self.socket.sendall(struct.pack("!BBHI", 1, 3, 8 + len(body), 0) + body)
            self.packet_ins += kind == 10
            if kind == 11:
                self.removed.append(struct.unpack_from("!QQ", body, len(body) - 16))

    def message(self):
        while True:
            if len(self.buffer) >= 8:
                _, kind, length, _ = struct.unpack_from("!BBHI", self.buffer)
                if len(self.buffer) >= length:
                    body, self.buffer = self.buffer[8:length], self.buffer[length:]
                    return kind, body
            self.buffer += self.socket.recv(65536)

    def close(self):
        self.socket.close()


@pytest.fixture
def switch():
    s = DummySwitch()
    try:
        yield s
    finally:
        s.close()


def rule_counts(switch):
    text = switch.ofctl("dump-flows", "br0")
    return {int(m[3] or 0): (int(m[1]), int(m[2]))
            for m in re.finditer(r"n_packets=(\d+), n_bytes=(\d+)[^\n]*?priority=\d+(?:,udp)?(?:,tp_dst=(\d+))? actions", text)}


def port_tx(switch):
    text = switch.ofctl("dump-ports", "br0")
    return {f"p{m[1]}": (int(m[2]), int(m[3])) for m in re.finditer(r"port +(\w+):[^\n]*\n +tx pkts=(\d+), bytes=(\d+)", text)}


def test_everything_adds_up(switch):
    r = random.Random(5)
    client = Client(switch)
    kinds = {"drop": [], "output:2": ["p2"], "output:2,output:3": ["p2", "p3"], "output:4": ["p4"], "CONTROLLER:65535": ["controller"],
             "resubmit(,1)": ["p3"]}
    rules, expected = {}, {}  # by UDP port: kind; packets and bytes since the rule was made

    def set_rule(port, kind):
        switch.ofctl("add-flow", "br0", f"priority=5,udp,udp_dst={port},send_flow_rem,actions={kind}")
        rules[port], expected[port] = kind, [0, 0]

    switch.ofctl("add-flow", "br0", "table=1,priority=1,actions=output:3")
    switch.ofctl("add-flow", "br0", "table=0,priority=0,actions=drop")
    expected[0] = [0, 0]
    for port in range(1, RULES + 1):
        set_rule(port, r.choice(list(kinds)))
    out = {"p2": [0, 0], "p3": [0, 0], "p4": [0, 0], "controller": [0, 0]}
    in_table_1, n_sent, removed = 0, 0, []
    for _ in range(60):
        what = r.random()
        port = r.randint(1, RULES)
        if what < 0.15:  # the counters stay, the actions change
            rules[port] = r.choice(list(kinds))
            switch.ofctl("--strict", "mod-flows", "br0", f"priority=5,udp,udp_dst={port},actions={rules[port]}")
        elif what < 0.3:
            switch.ofctl("--strict", "del-flows", "br0", f"priority=5,udp,udp_dst={port}")
            removed.append(tuple(expected[port]))
            set_rule(port, r.choice(list(kinds)))
        elif what < 0.4:
            switch.call(r.choice(["revalidator/purge", "revalidator/wait", "dpctl/del-flows"]))
        for _ in range(r.randint(1, 20)):
            dst = r.randint(1, RULES + 2)  # the last two have no rule of their own
            frame = Ether(src="00:00:00:00:00:01", dst="00:00:00:00:00:02") / IP() / UDP(dport=dst) / Raw(b"x" * r.randint(18, 400))
            size = len(bytes(frame))
            switch.send(1, frame)
            n_sent += 1
            own = dst if dst in rules else 0
            expected[own][0] += 1
            expected[own][1] += size
            in_table_1 += own and rules[own] == "resubmit(,1)"
            for place in kinds[rules[own]] if own else []:
                out[place][0] += 1
                out[place][1] += size
    counts = rule_counts(switch)
    assert counts.pop(0) and {p: list(c) for p, c in counts.items()} == {p: e for p, e in expected.items() if p}
    # Deleted rules said what they had when they went; together it is all that was sent.
    client.sync()
    assert sorted(client.removed) == sorted(removed)
    assert sum(e[0] for e in expected.values()) + sum(x[0] for x in removed) == n_sent
    assert client.packet_ins == out["controller"][0]
    tx = port_tx(switch)
    assert {p: list(tx[p]) for p in ("p2", "p3", "p4")} == {p: out[p] for p in ("p2", "p3", "p4")}
    for place, frames in (("p2", switch.sent(2)), ("p3", switch.sent(3)), ("p4", switch.sent(4))):
        assert [len(frames), sum(map(len, frames))] == out[place]
    tables = switch.ofctl("dump-tables", "br0")
    lookups = re.search(r"table 0[^\n]*:\n +active=\d+, lookup=(\d+), matched=(\d+)", tables)
    assert (int(lookups[1]), int(lookups[2])) == (n_sent, n_sent)
    assert int(re.search(r"table 1[^\n]*:\n +active=1, lookup=(\d+)", tables)[1]) == in_table_1
    client.close()


def test_expiry_keeps_counts_exact(switch):
    """Idle timeouts see the packets of the datapath, and the last word of a rule has them all."""
    switch.call("time/stop")
    client = Client(switch)
    switch.ofctl("add-flow", "br0", "udp,idle_timeout=10,send_flow_rem,actions=output:2")
    frame = Ether(src="00:00:00:00:00:01", dst="00:00:00:00:00:02") / IP() / UDP() / Raw(b"x" * 58)
    for _ in range(5):
        switch.send(1, frame, frame)
        switch.call("time/warp", "8000", "1000")
    client.sync()
    assert not client.removed
    switch.call("time/warp", "12000", "1000")
    harness.wait_until(lambda: client.sync() or client.removed, what="flow removed")
    assert client.removed == [(10, 1000)]
    client.close()


def test_used_and_tcp_flags(switch):
    switch.call("time/stop")
    switch.ofctl("add-flow", "br0", "tcp,actions=output:2")
    for flags in ("S", "A", "PA", "F"):
        switch.send(1, Ether(src="00:00:00:00:00:01", dst="00:00:00:00:00:02") / IP() / TCP(flags=flags))
        switch.call("time/warp", "100")
    line = switch.call("dpctl/dump-flows").splitlines()[1]
    assert "packets:3, " in line  # the first one made the megaflow
    assert re.search(r"used:0\.1\d\ds, flags:FP\.,", line), line
    assert "n_packets=4," in switch.ofctl("dump-flows", "br0")


def test_flow_limit(switch):
    """Past the limit packets go the slow way: nothing is lost, and the count says so."""
    switch.call("upcall/set-flow-limit", "5")
    switch.ofctl("add-flow", "br0", "ip,nw_src=10.0.0.0/8,actions=output:2")
    for i in range(40):
        switch.ofctl("add-flow", "br0", f"priority=40000,ip,nw_src=10.0.0.{i},actions=output:2,output:3")
    before = int(switch.call("coverage/read-counter", "upcall_flow_limit_hit"))
    for i in range(40):
        switch.send(1, Ether(src="00:00:00:00:00:01", dst="00:00:00:00:00:02") / IP(src=f"10.0.0.{i}") / UDP())
    out = switch.out()
    assert len(out[2]) == 40 and len(out[3]) == 40
    assert len(switch.call("dpctl/dump-flows").splitlines()) <= 1 + 5
    assert int(switch.call("coverage/read-counter", "upcall_flow_limit_hit")) >= before + 35

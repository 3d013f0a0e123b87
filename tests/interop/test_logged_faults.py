# SPDX-License-Identifier: Apache-2.0
"""What the switch, and ovs-ofctl, log about messages that they refuse; table features; what learn says about a full table."""
import re
import socket
import struct
import subprocess

import pytest

import harness
import ofctl_sides
from harness import ours, stock, wait_until

UNKNOWN = """0663000800000006 04120010000000050063000000000000 041200180000000500ff00000000000000002320000000aa 0412001800000005ffff0000000000000000232
0000000aa 0412001800000005ffff00000000000000000999000000aa 0110001800000005ffff000000002320000000aa00000000 0110000c0000000500990000
04040010000000060000232000000063 04040010000000060000099900000001 0404000c000000064f4e4600 0404001000000006 04040010000000064f4e46000000aaaa
044d000800000006 04 0412000800000006 0604001000000006000023200000aaaa 0412001800000005ffff0000000000004f4e4600000000aa 0041000800000006
000000080000000a 0141000800000006 05630009000000069a 0513001800000005ffff0000000000004f4e460000bbbbbb""".replace("0232\n", "0232").split()


@pytest.fixture(scope="module")
def switches():
    if not harness.is_root():
        pytest.skip("needs root: network namespaces")
    with ofctl_sides.pairs() as made:
        yield made[0], made[2]


@pytest.mark.parametrize("message", UNKNOWN)
def test_printed(message):
    got = []
    for side in (stock, ours):
        p = subprocess.run([side("ovs-ofctl"), "ofp-print", message], capture_output=True, text=True, timeout=30)
        got.append((p.returncode, p.stdout, ofctl_sides.normal(p.stderr, "none")))
    assert got[0] == got[1]


def set_field_13(field, size):
    """A flow mod that matches everything and sets a field."""
    body = struct.pack("!HBB", 0x8000, field << 1, size) + bytes(size)
    action = struct.pack("!HH", 25, 4 + len(body) + -(4 + len(body)) % 8) + body + bytes(-(4 + len(body)) % 8)
    fm = struct.pack("!QQBBHHHIIIHHHH4x", 0, 0, 0, 0, 0, 0, 5, 0xffffffff, 0xffffffff, 0xffffffff, 0, 0, 1, 4)
    fm += struct.pack("!HHI", 4, 8 + len(action), 0) + action
    return struct.pack("!BBHI", 4, 14, 8 + len(fm), 7) + fm


def ask(pair, *messages):
    """The answers to messages, in a connection of OpenFlow 1.3, without the hello."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(f"{pair.dir}/br0.mgmt")
        s.sendall(struct.pack("!BBHI", 4, 0, 8, 1) + b"".join(messages) + struct.pack("!BBHI", 4, 2, 8, 0xeeee))
        got = b""
        while not got.endswith(struct.pack("!BBHI", 4, 3, 8, 0xeeee)):
            got += s.recv(65536)
    return got[struct.unpack("!H", got[2:4])[0]:]


FAULTS = {
    "set_field ip_src": (set_field_13(11, 4), r"ofp_actions\|.*"), "set_field tcp_dst": (set_field_13(14, 2), r"ofp_actions\|.*"),
    "type": (bytes.fromhex("044d000800000006"), r"ofp_msgs\|.*"), "stat": (bytes.fromhex("04120010000000050063000000000000"), r"ofp_msgs\|.*"),
    "subtype": (bytes.fromhex("04040010000000060000232000000063"), r"ofp_msgs\|.*"), "vendor": (bytes.fromhex("04040010000000060000099900000001"), r"ofp_msgs\|.*"),
    "version": (bytes.fromhex("0112000800000006"), r"vconn\|.*received OpenFlow.*"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_logged(switches, name):
    message, pattern = FAULTS[name]
    got = []
    for pair in switches:
        def log():
            with open(f"{pair.dir}/ovs-vswitchd.log") as f:
                return re.findall(pattern, f.read())
        pair.switch.appctl("vlog/disable-rate-limit")  # stock says each thing three times
        before = len(log())
        answers = ask(pair, message)
        wait_until(lambda: len(log()) > before, what=f"a word about {name} in the log")
        got.append((answers, {re.sub(r"unix#?\d*", "unix", line) for line in log()[before:]}))
    assert got[0] == got[1]


def test_rate_of_log(switches):
    switches[1].switch.appctl("vlog/enable-rate-limit")
    with open(f"{switches[1].dir}/ovs-vswitchd.log") as f:
        before = len(f.read())
    ask(switches[1], *[FAULTS["type"][0]] * 100, *[FAULTS["set_field ip_src"][0]] * 100, *[FAULTS["version"][0]] * 100)
    with open(f"{switches[1].dir}/ovs-vswitchd.log") as f:
        assert 3 <= len(re.findall(r"\|(?:ofp_msgs|ofp_actions|vconn)\|", f.read()[before:])) < 30


@pytest.mark.parametrize("version", [3, 4, 5])
def test_table_features(switches, version):
    theirs, mine = (pair.run("-O", f"OpenFlow1{version}", "dump-table-features", "br0") for pair in switches)
    assert theirs == mine


def test_learn_into_a_full_table(switches):
    """The packets that could not be learned go where the flow says that nothing was: unlike with the stock switch, see docs/differences.md."""
    pair = switches[1]
    pair.switch.vsctl("--id=@t", "create", "Flow_Table", "flow_limit=2", "--", "set", "Bridge", "br0", "flow_tables:5=@t")
    for flow in ("table=0,actions=learn(table=5,NXM_OF_ETH_SRC[],result_dst=reg0[0]),resubmit(,2)", "table=2,reg0=1,actions=drop", "table=2,reg0=0,actions=drop"):
        assert pair.run("add-flow", "br0", flow)[0] == 0
    for i in range(5):
        pair.switch.appctl("netdev-dummy/receive", "p1", f"eth(src=02:00:00:00:00:0{i},dst=02:00:00:00:00:99),eth_type(0x1234)")

    def counts():
        pair.switch.appctl("revalidator/purge")
        return [int(n) for n in re.findall(r"n_packets=(\d+)", pair.run("--sort=reg0", "dump-flows", "br0", "table=2")[1])]
    wait_until(lambda: sum(counts()) == 5, what="the counters of five packets")
    assert sorted(counts()) == [2, 3]
    assert re.search(r"n_packets=2,.*reg0=0x1 ", pair.run("dump-flows", "br0", "table=2")[1])

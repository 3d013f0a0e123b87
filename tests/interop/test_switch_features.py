# SPDX-License-Identifier: Apache-2.0
"""What a switch says it can do, and what its tables count, in each version: ours beside the stock switch."""
import socket
import struct

import pytest

import harness
import ofctl_sides

FRAME = "0200000000070200000000080800450000140000000040117ab900000000000000000000000000000000"


@pytest.fixture(scope="module")
def switches():
    if not harness.is_root():
        pytest.skip("needs root: network namespaces")
    with ofctl_sides.pairs() as made:
        yield made[0], made[2]


def alike(switches, *words):
    theirs, mine = (pair.run(*words) for pair in switches)
    assert theirs == mine


def request(pair, version, kind, body=b""):
    """The answer to one request, whole."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(f"{pair.dir}/br0.mgmt")
        s.sendall(struct.pack("!BBHI", version, 0, 8, 1) + struct.pack("!BBHI", version, kind, 8 + len(body), 0xeeee) + body)
        got = b""
        while True:
            got += s.recv(65536)
            while len(got) >= 8 and len(got) >= struct.unpack("!H", got[2:4])[0]:
                n = struct.unpack("!H", got[2:4])[0]
                if struct.unpack("!I", got[4:8])[0] == 0xeeee:
                    return got[:n]
                got = got[n:]


@pytest.mark.parametrize("version", range(1, 7))
def test_features_reply(switches, version):
    """Datapath ID, tables, capabilities, to the byte; the ports of OpenFlow 1.0 to 1.2 are test_ofctl_manual.py's."""
    theirs, mine = (request(pair, version, 5) for pair in switches)
    assert theirs[:32] == mine[:32]


@pytest.mark.parametrize("version", range(2, 7))
def test_group_features_reply(switches, version):
    body = struct.pack("!HHI", 8, 0, 0)
    theirs, mine = (request(pair, version, 18, body) for pair in switches)
    assert theirs == mine


@pytest.mark.parametrize("version", range(6))
def test_tables(switches, version):
    alike(switches, "-O", f"OpenFlow1{version}", "dump-tables", "br0")


def test_lookups(switches):
    """What packets-out, resubmits and outputs to TABLE look up, and what it finds."""
    for flow in ("table=0,priority=5,ip,actions=resubmit(,2)", "table=1,actions=TABLE", "table=2,arp,actions=drop", "table=3,in_port=3,actions=TABLE,resubmit(,2)",
                 "table=0,priority=1,in_port=2,actions=resubmit(,7),resubmit(3,0)"):
        alike(switches, "add-flow", "br0", flow)
    for actions in ("TABLE", "output:2", "resubmit(,1)", "resubmit(2,1),resubmit(2,0)", "resubmit(,3)", "TABLE,TABLE", "resubmit(3,3),TABLE", "drop"):
        for in_port in ("1", "2", "LOCAL", "NONE", "CONTROLLER"):
            alike(switches, "packet-out", "br0", f"in_port={in_port},packet={FRAME},actions={actions}")
            for version in "03":
                alike(switches, "-O", f"OpenFlow1{version}", "dump-tables", "br0")


def test_no_actions_are_a_drop(switches):
    """A packet-out without actions looks nothing up; in ours, nor does the trace of it."""
    for pair in switches:
        assert pair.run("add-flow", "br0", "priority=9,in_port=3,actions=output:1,controller")[0] == 0
    trace = switches[1].switch.appctl("ofproto/trace-packet-out", "br0", "in_port=3", "drop")
    assert trace.splitlines()[-1] == "Datapath actions: drop"  # stock traces what its packet-out does not do
    for version in range(6):
        alike(switches, "-O", f"OpenFlow1{version}", "packet-out", "br0", f"in_port=3,packet={FRAME},actions=drop")
    alike(switches, "-O", "OpenFlow13", "dump-tables", "br0")


def test_lookups_of_packets(switches):
    for i in range(3):
        for pair in switches:
            pair.switch.appctl("netdev-dummy/receive", f"p{i + 1}", "eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02),eth_type(0x0806),arp(sip=1.1.1.1,tip=1.1.1.2,op=1)")
            pair.switch.appctl("revalidator/purge")
        alike(switches, "-O", "OpenFlow13", "dump-tables", "br0")

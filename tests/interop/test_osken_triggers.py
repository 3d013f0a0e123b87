# SPDX-License-Identifier: Apache-2.0
"""Flows of OpenFlow 1.5 that tell when they pass a threshold: os-ken asks for it, and reads what the switch says."""
import subprocess

import pytest
from os_ken.ofproto import ofproto_parser

import harness
from harness import ours
from osken import OsKen
from osken_messages import PACKET
from test_trace_differential import Side

BAD_INSTRUCTION, UNSUP_INST, BAD_MATCH, BAD_FIELD = 3, 1, 4, 6


@pytest.fixture(scope="module")
def side():
    if not harness.is_root():
        pytest.skip("needs root: network namespaces")
    net = harness.Net()
    s = None
    try:
        s = Side(ours, net)
        s.switch.vsctl("set", "bridge", "br0", "protocols=OpenFlow10,OpenFlow13,OpenFlow15")
        yield s
    finally:
        if s:
            s.switch.close()
        net.close()


@pytest.fixture
def controller(side):
    c = OsKen(f"{side.switch.dir}/br0.mgmt", "OpenFlow15")
    c.send(c.parser.OFPSetConfig(c.proto, 0, 128))  # who comes to the switch says so that it wants to hear of things
    c.barrier()
    try:
        yield c
    finally:
        c.delete_all()
        c.barrier()
        c.close()


def hear(c):
    while True:
        kind, xid, data = c.receive()
        if kind != c.ofp.OFPT_ECHO_REQUEST:
            message = ofproto_parser.msg(c.proto, c.wire, kind, len(data), xid, data)
            assert message is not None, f"os-ken cannot read {data.hex()}"
            return message, data


def flow(c, flags, changes=lambda b: b, **thresholds):
    """Sent with its bytes changed."""
    p = c.parser
    mod = p.OFPFlowMod(c.proto, priority=7, match=p.OFPMatch(in_port=1), out_port=c.ofp.OFPP_ANY, out_group=c.ofp.OFPG_ANY, instructions=[
        p.OFPInstructionActions(c.ofp.OFPIT_APPLY_ACTIONS, [p.OFPActionOutput(2)]), p.OFPInstructionStatTrigger(flags, p.OFPStats(**thresholds))])
    c.xid += 1
    mod.set_xid(c.xid)
    mod.serialize()
    c.socket.sendall(changes(bytes(mod.buf)))


def packets(side, n):
    for _ in range(n):
        side.channel.call("netdev-dummy/receive", "p1", PACKET.hex())


def test_events(side, controller):
    c = controller
    flow(c, c.ofp.OFPSTF_PERIODIC, packet_count=5)
    c.barrier()
    assert side.switch.ofctl("-O", "OpenFlow15", "--no-stats", "dump-flows", "br0").strip() == \
        "priority=7,in_port=1 actions=output:2,stat_trigger(periodic,n_packets=5)"
    assert "stat_trigger" not in side.switch.ofctl("-O", "OpenFlow13", "dump-flows", "br0")
    counts = []
    for n in (5, 1, 4):
        packets(side, n)
        if n == 1:
            continue
        message, data = hear(c)
        assert isinstance(message, c.parser.OFPFlowStatsReply) and message.xid == 0
        entry, = message.body
        assert (entry.reason, entry.priority, entry.table_id) == (c.ofp.OFPFSR_STAT_TRIGGER, 7, 0)
        assert entry.match["in_port"] == 1
        counts.append((entry.stats["packet_count"], entry.stats["byte_count"]))
        printed = side.switch.tool("ovs-ofctl", "ofp-print", data.hex()).stdout
        assert f"n_packets={counts[-1][0]}, n_bytes={counts[-1][1]}, idle_age=" in printed
        assert ", reason=trigger, priority=7,in_port=1" in printed
    n = max(60, len(PACKET))
    assert counts == [(5, 5 * n), (10, 10 * n)]


def test_monitor_shows_events(side, controller):
    monitor = subprocess.Popen([ours("ovs-ofctl"), "-O", "OpenFlow15", "monitor", f"unix:{side.switch.dir}/br0.mgmt", "100"],
                               stderr=subprocess.PIPE, text=True, env=side.switch.env)
    try:
        flow(controller, 0, duration=(0, 1000000))
        for line in monitor.stderr:
            if "OFPST_FLOW_STATS reply" in line:
                break
        assert "reason=trigger" in next(monitor.stderr)
    finally:
        monitor.terminate()
        monitor.wait(10)


@pytest.mark.parametrize("flags,thresholds,changes,error", [
    (4, {"packet_count": 5}, lambda b: b, (BAD_INSTRUCTION, UNSUP_INST)),
    (0, {}, lambda b: b, (BAD_INSTRUCTION, UNSUP_INST)),
    (0, {"packet_count": 0}, lambda b: b, (BAD_INSTRUCTION, UNSUP_INST)),
    (0, {"flow_count": 1}, lambda b: b, (BAD_INSTRUCTION, UNSUP_INST)),
    (0, {"packet_count": 5}, lambda b: b.replace(b"\x80\x02\x08\x08", b"\x80\x02\x7e\x08"), (BAD_MATCH, BAD_FIELD)),
])
def test_refused(controller, flags, thresholds, changes, error):
    flow(controller, flags, changes, **thresholds)
    message, _ = hear(controller)
    assert isinstance(message, controller.parser.OFPErrorMsg) and (message.type, message.code) == error

# SPDX-License-Identifier: Apache-2.0
"""The switch explains itself: verdicts, why a rule did not match, which rules made a megaflow, why megaflows went."""
import json
import re

import pytest
from scapy.all import IP, TCP, UDP, Ether, Raw

import harness
from dummy import DummySwitch

FLOWS = ["table=0,priority=20,tcp,tp_dst=80,nw_src=10.0.0.0/8,cookie=0x77,actions=resubmit(,1)",
         "table=0,priority=10,udp,actions=output:3", "table=1,priority=20,ip,nw_dst=1.1.1.1,actions=output:2",
         "table=0,priority=0,actions=drop"]


@pytest.fixture(scope="module")
def switch():
    s = DummySwitch()
    try:
        for flow in FLOWS:
            s.ofctl("add-flow", "br0", flow)
        yield s
    finally:
        s.close()


def trace(switch, flow, *options):
    return switch.call("ofproto/trace", "br0", flow, *options)


@pytest.mark.parametrize("flow,verdict", [
    ("in_port=1,udp", "output to p3"),
    ("in_port=1,tcp,nw_src=10.0.0.1,tp_dst=80,nw_dst=1.1.1.1", "output to p2"),
    ("in_port=1,tcp,nw_src=10.0.0.1,tp_dst=80", "drop: no match in table 1 of br0"),
    ("in_port=1,arp", "drop: table 0 of br0, priority 0"),
    ("in_port=3,udp", "drop: table 0 of br0, udp, priority 10"),
])
def test_verdict(switch, flow, verdict):
    assert trace(switch, flow, "--verdict").splitlines()[0] == f"Verdict: {verdict}"
    assert not trace(switch, flow).startswith("Verdict")
    parsed = json.loads(trace(switch, flow, "--format", "json"))
    assert parsed["verdict"] == verdict
    assert parsed["trace"][0]["kind"] == "bridge"
    text = trace(switch, flow, "--names")
    assert f"Megaflow: {parsed['megaflow']}".replace("in_port=1", "in_port=p1").replace("in_port=3", "in_port=p3") in text
    assert f"Datapath actions: {parsed['datapath_actions']}" in text


@pytest.mark.parametrize("flow,rule,why", [
    ("in_port=1,tcp,nw_src=11.0.0.1,tp_dst=81", "0/tcp,tp_dst=80,nw_src=10.0.0.0/8",
     ["another rule matched: priority 0", "ip_src: the rule wants 10.0.0.0/8, the packet has 11.0.0.1",
      "tcp_dst: the rule wants 80, the packet has 81"]),
    ("in_port=1,udp", "0/priority=0", ["it would match, but udp, priority 10 comes first"]),
    ("in_port=1,udp", "0/udp", ["it matched"]),
    ("in_port=1,udp", "1/ip,nw_dst=1.1.1.1", ["table 1 was never looked up"]),
    ("in_port=1,tcp,nw_src=10.0.0.1,tp_dst=80", "1/ip,nw_dst=1.1.1.1", ["no rule matched", "ip_dst: the rule wants 1.1.1.1"]),
])
def test_why_not(switch, flow, rule, why):
    text = trace(switch, flow, "--why-not", rule).split("Why not ")[1]
    for line in why:
        assert line in text
    assert ("tcp_dst" in text) == any("tcp_dst" in line for line in why)


@pytest.mark.parametrize("rule,error", [("0/sctp", "there is no such rule in table 0"), ("x/tcp", "TABLE/FLOW is wanted"),
                                        ("0/foo=1", "unknown field foo"), ("0/priority=x", "a number from 0 to 65535")])
def test_why_not_errors(switch, rule, error):
    ok, text = switch.channel.request("ofproto/trace", "br0", "in_port=1", "--why-not", rule)
    assert not ok and error in text


def test_megaflows_name_their_rules(switch):
    tcp = Ether(src="00:00:00:00:00:01", dst="00:00:00:00:00:02") / IP(src="10.0.0.1", dst="9.9.9.9") / TCP(dport=80)
    switch.send(1, tcp)
    line, = [x for x in switch.call("dpctl/dump-flows", "-m").splitlines() if "in_port(p1)" in x]
    assert line.endswith("dp-extra-info:rules(br0/table=0,priority=20,cookie=0x77;br0/table=1,miss)")
    assert "dp-extra-info" not in switch.call("dpctl/dump-flows")
    ufid = re.match(r"ufid:\S+(?=,)", line)[0]
    assert switch.call("dpctl/get-flow", "-m", ufid).strip().startswith(ufid)
    switch.call("dpctl/del-flow", ufid)
    assert ufid not in switch.call("dpctl/dump-flows", "-m")


def counter(switch, name):
    return int(switch.call("coverage/read-counter", name))


def test_each_deleted_megaflow_has_a_reason(switch):
    udp = Ether(src="00:00:00:00:00:01", dst="00:00:00:00:00:02") / IP() / UDP() / Raw(b"x" * 30)
    names = ["megaflow_idle", "megaflow_mask_changed", "megaflow_purged", "megaflow_actions_changed", "rev_flow_table"]

    def changes(action):
        switch.call("revalidator/purge")
        switch.send(1, udp)
        before = {n: counter(switch, n) for n in names}
        action()
        switch.call("revalidator/wait")
        return {n for n in names if counter(switch, n) > before[n]}

    assert changes(lambda: switch.call("revalidator/purge")) == {"megaflow_purged"}
    assert changes(lambda: switch.ofctl("mod-flows", "br0", "udp,actions=output:4")) == {"megaflow_actions_changed", "rev_flow_table"}
    assert changes(lambda: switch.ofctl("add-flow", "br0", "priority=11,udp,udp_src=7,actions=drop")) == {
        "megaflow_mask_changed", "rev_flow_table"}
    switch.call("time/stop")
    assert "megaflow_idle" in changes(lambda: switch.call("time/warp", "11000", "11000"))


def test_megaflows_can_be_switched_off(switch):
    frames = [Ether(src="00:00:00:00:00:01", dst="00:00:00:00:00:02") / IP(src=f"1.1.1.{i}") / UDP() for i in range(3)]
    switch.call("revalidator/purge")
    switch.send(1, *frames)
    assert len(switch.call("dpctl/dump-flows").splitlines()) == 2
    assert switch.call("upcall/disable-megaflows") == "megaflows disabled\n"
    switch.send(1, *frames)
    assert len(switch.call("dpctl/dump-flows").splitlines()) == 1 + len(frames)
    assert switch.call("upcall/enable-megaflows") == "megaflows enabled\n"


GONE = ["idle", "over_limit", "mask_changed", "port_gone", "no_recirc_context", "slow_path", "purged", "by_hand", "datapath_closed",
        "not_installed"]


def test_made_is_what_is_there_and_what_went(switch):
    """Whatever takes megaflows away, one reason is counted for each."""
    def frames(n):
        return [Ether(src="00:00:00:00:00:01", dst="00:00:00:00:00:02") / IP(src=f"1.1.{i}.1") / UDP(sport=n) for i in range(20)]

    def went():
        return {r: counter(switch, f"megaflow_{r}") for r in GONE}

    def balance():
        switch.call("revalidator/wait")
        made, there = counter(switch, "megaflow_made") + counter(switch, "megaflow_made_by_hand"), len(re.findall("packets:", switch.call("dpctl/dump-flows")))
        return made - there - sum(went().values())

    def reasons(action):
        switch.call("upcall/disable-megaflows")
        switch.send(1, *frames(counter(switch, "megaflow_made") % 60000))
        before = went()
        action()
        harness.wait_until(lambda: balance() == 0, what=f"balance {balance()} {went()}")
        return {r: n - before[r] for r, n in went().items() if n > before[r]}

    balance()
    assert reasons(lambda: switch.call("dpctl/del-flows"))["by_hand"] >= 20
    assert reasons(lambda: switch.call("dpctl/del-flow", re.search("ufid:[0-9a-f-]+", switch.call("dpctl/dump-flows", "-m"))[0])) == {"by_hand": 1}
    assert reasons(lambda: switch.call("revalidator/purge"))["purged"] >= 20
    assert reasons(lambda: switch.vsctl("set", "bridge", "br0", "flood_vlans=1")) == {}
    assert reasons(lambda: (switch.vsctl("del-port", "p1"), switch.call("revalidator/wait")))["port_gone"] >= 20
    switch.vsctl("add-port", "br0", "p1", "--", "set", "interface", "p1", "type=dummy", "ofport_request=1")
    switch.call("dpctl/add-flow", "in_port(3),eth(),eth_type(0x1234)", "2")
    assert reasons(lambda: switch.call("dpctl/del-flow", "in_port(3),eth(),eth_type(0x1234)"))["by_hand"] == 1
    there = len(re.findall("packets:", switch.call("dpctl/dump-flows")))
    before = went()
    switch.vsctl("del-br", "br0")
    gone = {r: n - before[r] for r, n in went().items() if n > before[r]}
    assert sum(gone.values()) >= there > 0 and set(gone) <= {"port_gone", "datapath_closed"}, (there, gone)

# SPDX-License-Identifier: Apache-2.0
"""Actions that take effect on real traffic: learned flows, conjunctions, MPLS, lengths, truncation."""
import re

import pytest

import harness
from harness import run, wait_until


@pytest.fixture
def bench(net):
    s = harness.Switch(netns=net.namespace("sw"))
    s.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "fail-mode=secure")
    hosts = [harness.Host(net, s.netns, f"h{i}", f"10.9.0.{i}", mac=f"02:00:00:00:00:0{i}") for i in (1, 2)]
    for i, host in enumerate(hosts, 1):
        s.vsctl("add-port", "br0", host.port, "--", "set", "interface", host.port, f"ofport_request={i}")
        run("ip", "-n", host.ns, "neigh", "replace", f"10.9.0.{3 - i}", "lladdr", f"02:00:00:00:00:0{3 - i}", "dev", "eth0", "nud", "permanent")
    yield s, hosts
    s.close()


def flow(s, *flows):
    for f in flows:
        s.ofctl("-O", "OpenFlow13", "add-flow", "br0", f)


def count(s, match):
    return int(re.search(r"n_packets=(\d+)", s.ofctl("-O", "OpenFlow13", "dump-flows", "br0", match)).group(1))


def test_learned_answer(bench):
    """Only answers come back, and the very first one does: its flow is there before the request arrives."""
    s, (one, two) = bench
    flow(s, "in_port=1,icmp,actions=learn(table=1,idle_timeout=60,eth_type=0x800,nw_proto=1,ip_src=ip_dst,ip_dst=ip_src,output:in_port),output:2",
         "in_port=2,actions=resubmit(,1)")
    assert not two.ping("10.9.0.1")
    assert one.ping("10.9.0.2", count=3)
    learned = s.ofctl("-O", "OpenFlow13", "dump-flows", "br0", "table=1")
    assert "icmp,nw_src=10.9.0.2,nw_dst=10.9.0.1 actions=output:1" in learned and "idle_timeout=60" in learned
    s.ofctl("del-flows", "br0", "in_port=1")
    assert "nw_src=10.9.0.2" in s.ofctl("dump-flows", "br0", "table=1")  # it does not go with its maker


def test_conjunction(bench):
    s, (one, two) = bench
    flow(s, "priority=10,ip,nw_src=10.9.0.1,actions=conjunction(5,1/2)", "priority=10,ip,nw_src=10.9.0.7,actions=conjunction(5,1/2)",
         "priority=10,ip,nw_dst=10.9.0.2,actions=conjunction(5,2/2)", "priority=10,ip,nw_dst=10.9.0.8,actions=conjunction(5,2/2)",
         "priority=10,conj_id=5,ip,actions=output:2", "priority=5,in_port=2,actions=output:1", "priority=0,actions=drop")
    assert one.ping("10.9.0.2", count=2)
    assert count(s, "conj_id=5,ip") == 2
    s.ofctl("--strict", "del-flows", "br0", "priority=10,ip,nw_src=10.9.0.1")
    assert not one.ping("10.9.0.2")
    flow(s, "priority=10,ip,nw_src=10.9.0.1,actions=conjunction(5,1/2)")
    wait_until(lambda: one.ping("10.9.0.2"), what="the conjunction is complete again")


def test_mpls_there_and_back(bench):
    """Labelled into a patch port, and unlabelled behind it."""
    s, (one, two) = bench
    s.vsctl("add-br", "br1", "--", "set", "bridge", "br1", "fail-mode=secure", "--", "add-port", "br0", "p0", "--", "set", "interface", "p0", "type=patch",
            "options:peer=p1", "ofport_request=9", "--", "add-port", "br1", "p1", "--", "set", "interface", "p1", "type=patch", "options:peer=p0", "ofport_request=9")
    flow(s, "in_port=1,ip,actions=push_mpls:0x8847,set_field:77->mpls_label,dec_mpls_ttl,output:9", "in_port=9,mpls,mpls_label=77,actions=pop_mpls:0x0800,output:2",
         "in_port=2,actions=output:1")
    s.ofctl("-O", "OpenFlow13", "add-flow", "br1", "mpls,mpls_label=77,actions=in_port")
    wait_until(lambda: one.ping("10.9.0.2"), what="an answer to a packet that had a label on the way")
    assert count(s, "in_port=9,mpls") >= 1


def test_check_pkt_larger(bench):
    s, (one, two) = bench
    flow(s, "in_port=1,actions=check_pkt_larger(500)->reg0[0],resubmit(,1)", "table=1,reg0=0,actions=output:2", "table=1,reg0=1,actions=drop", "in_port=2,actions=output:1")
    assert one.ping("10.9.0.2", count=2)
    assert run("ip", "netns", "exec", one.ns, "ping", "-c1", "-W1", "-s", "800", "10.9.0.2", check=False).returncode
    assert one.ping("10.9.0.2")

# SPDX-License-Identifier: Apache-2.0
"""A port whose packets all miss does not starve another one of the same polling thread, and what it loses for that is counted."""
import re
import sys
import time

import pytest

from harness import ROOT, Net, Switch, wait_until

sys.path.append(str(ROOT / "bench"))
from suite import traffic  # noqa: E402
from suite.sides import polling_ns  # noqa: E402


@pytest.fixture
def switch():
    net = Net()
    s = Switch(netns=net.namespace("sw"))
    try:
        s.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev")
        s.vsctl("set", "open", ".", "other_config:flow-limit=1000")
        s.tool("ovs-ofctl", "add-flows", "br0", "-", stdin="\n".join(["priority=60000,in_port=1,actions=output:2"] + traffic.acl_flows()))
        s.vsctl("add-port", "br0", "out", "--", "set", "interface", "out", "type=dpdk", "options:dpdk-devargs=eth_null0,no-rx=1",
                "ofport_request=2")
        yield s
    finally:
        s.close()
        net.close()


def replay(s, name, number, frames):
    pcap = traffic.write_pcap(f"{s.dir}/{name}.pcap", frames)
    s.vsctl("add-port", "br0", name, "--", "set", "interface", name, "type=dpdk", f"ofport_request={number}",
            f"options:dpdk-devargs=\"net_pcap_{name},rx_pcap={pcap},infinite_rx=1\"")


def per_cpu_second(s):
    """The victim's packets."""
    def now():
        packets = int(re.search(r"n_packets=(\d+)", s.ofctl("dump-flows", "br0", "in_port=1"))[1])
        return packets, sum(polling_ns(s.switch.pid).values())
    wait_until(lambda: now()[0] > 1000, what="packets of the victim")
    packets, ns = now()
    time.sleep(1)
    more, later = now()
    return (more - packets) * 1e9 / (later - ns)


def test_a_flood_of_misses_leaves_a_share_to_others(switch):
    replay(switch, "victim", 1, traffic.simple(100))
    alone = per_cpu_second(switch)
    replay(switch, "bad", 3, traffic.crafted(5000))

    def dropped():
        return int(switch.appctl("coverage/read-counter", "datapath_drop_upcall_budget"))
    wait_until(lambda: dropped() > 100, what="misses over budget are counted")
    # An even share is half; without budgets it would be a tenth.
    assert per_cpu_second(switch) > 0.2 * alone
    # The others did get their upcalls: their megaflows came up to the limit.
    wait_until(lambda: "upcall_flow_limit_hit" in switch.appctl("coverage/show"), timeout=30, what="the limit of megaflows")

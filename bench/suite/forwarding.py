# SPDX-License-Identifier: Apache-2.0
"""Cycles per packet from a replayed file to a device that swallows all."""
import contextlib

from harness import wait_until

from . import traffic
from .sides import PollingSide, cycles_per_packet, hugepages, ours, stock_dpdk
from .workload import Workload, files

OUT = "output:2"
THREE = [f"priority=30,udp,tp_dst={port},nw_dst=10.{net}.0.0/12,actions={OUT}" for port, net in ((1001, 16), (1002, 32))]
THREE.append(f"priority=1,actions={OUT}")


class Forwarding(Workload):
    """Both switches stay up for all of these; only one has ports at a time."""

    def __init__(self, name, frames, flows, aim=None, learn=None, bridge=(), limit=None, sinks=1, before=()):
        super().__init__(name, "cycles", False, aim)
        self.frames, self.flows, self.learn, self.bridge, self.limit = frames, flows, learn, bridge, limit
        self.sinks = [("out", 2), *((f"out{i}", i) for i in range(3, 2 + sinks))]
        self.before = before  # commands of ovs-ofctl, and what undoes them

    def sides(self, stack):
        stack.enter_context(hugepages())
        return [stack.enter_context(PollingSide(tools)) for tools in (ours, stock_dpdk)]

    def measure(self, side):
        make, n = self.frames
        pcap = files.get(f"{make.__name__}-{n}", lambda path: traffic.write_pcap(path, make(n)))
        for command, arguments, _ in self.before:
            side.switch.ofctl("-O", "OpenFlow13", command, "br0", arguments)
        side.flows(self.flows)
        side.switch.vsctl("set", "open", ".", f"other_config:flow-limit={self.limit or 200_000}")
        if self.bridge:
            side.switch.vsctl("set", "bridge", "br0", *self.bridge)
        try:
            if self.learn:
                make, n = self.learn
                before = side.stats().packets
                side.add_source(files.get(f"{make.__name__}-{n}", lambda path: traffic.write_pcap(path, make(n))), "out", 2, once=True)
                wait_until(lambda: side.stats().packets - before >= n, what="all are known")
            else:
                for name, number in self.sinks:
                    side.add_sink(name, number)
            side.add_source(pcap)
            return cycles_per_packet(side)
        finally:
            with contextlib.suppress(AssertionError):
                side.del_port("in")
                for name, _ in self.sinks:
                    side.del_port(name)
                side.switch.ofctl("del-flows", "br0")
                for _, _, undo in self.before:
                    side.switch.ofctl("-O", "OpenFlow13", *undo.split()[:1], "br0", *undo.split()[1:])


def pipeline(n_tables):
    """Addresses, ports and MACs looked at in tables of their own, a register handed on."""
    matches = ["dl_dst=02:00:00:00:00:02", "ip,nw_dst=10.0.0.0/8", "udp,tp_dst=1000/0xfff0", "ip,nw_src=0.0.0.0/1", "ip,nw_ttl=64", "udp,reg0=5",
               "dl_src=02:00:00:00:00:01", "reg1=1"]
    flows = []
    for i in range(n_tables):
        go = f"load:{5 if i < 5 else 1}->NXM_NX_REG{i // 5}[],resubmit(,{i + 1})" if i < n_tables - 1 else OUT
        flows += [f"table={i},priority=9,{matches[i % len(matches)]},actions=load:1->NXM_NX_REG1[],{go}",
                  f"table={i},priority=1,actions={go}"]
    return flows


REWRITE = ["in_port=1,ip,actions=mod_dl_src:02:aa:00:00:00:01,mod_dl_dst:02:aa:00:00:00:02,mod_nw_src:192.168.0.1,dec_ttl,mod_tp_src:7,output:2",
           f"priority=1,actions={OUT}"]
EACH_ITS_OWN = [f"priority=9,udp,actions=move:NXM_OF_IP_SRC[]->NXM_NX_REG0[],move:NXM_OF_UDP_SRC[]->NXM_NX_REG1[0..15],resubmit(,1)",
                "table=1,priority=9,reg0=0x12345678,reg1=0x1234,actions=drop", f"table=1,priority=1,actions={OUT}"]

WORKLOADS = [
    Forwarding("one-rule-1", (traffic.simple, 1), [f"in_port=1,actions={OUT}"], 60),
    Forwarding("one-rule-1k", (traffic.simple, 1000), [f"in_port=1,actions={OUT}"], 75),
    Forwarding("three-rules-1", (traffic.simple, 1), THREE, 70),
    Forwarding("three-rules-1k", (traffic.simple, 1000), THREE, 85),
    Forwarding("three-rules-10k", (traffic.simple, 10_000), THREE, 100),
    Forwarding("three-rules-100k", (traffic.simple, 100_000), THREE, 130),
    Forwarding("acl-1k", (traffic.acl_traffic, 1000), traffic.acl_flows(), 100),
    Forwarding("acl-10k", (traffic.acl_traffic, 10_000), traffic.acl_flows(), 140),
    Forwarding("acl-100k", (traffic.acl_traffic, 100_000), traffic.acl_flows(), 280),
    Forwarding("acl-100k-limited", (traffic.acl_traffic, 100_000), traffic.acl_flows(), limit=20_000),
    Forwarding("own-megaflow-100k", (traffic.simple, 100_000), EACH_ITS_OWN),
    Forwarding("ipv6-10k", (traffic.ipv6, 10_000), ["udp6,ipv6_dst=fd01::/16,actions=output:2", "priority=1,actions=drop"]),
    Forwarding("vlan-push-10k", (traffic.simple, 10_000), ["in_port=1,actions=mod_vlan_vid:5,output:2"]),
    Forwarding("vlan-pop-10k", (traffic.tagged, 10_000), ["in_port=1,dl_vlan=5,actions=strip_vlan,output:2"]),
    Forwarding("rewrite-10k", (traffic.simple, 10_000), REWRITE),
    Forwarding("normal-10k-macs", (traffic.between_macs, 10_000), ["actions=NORMAL"], learn=(traffic.from_macs, 10_000),
               bridge=("other_config:mac-table-size=50000",)),
    Forwarding("eight-tables-10k", (traffic.simple, 10_000), pipeline(8)),
    Forwarding("ip-options-10k", (traffic.with_options, 10_000), THREE),
    Forwarding("ipv6-extension-10k", (traffic.with_extension, 10_000), ["udp6,ipv6_dst=fd01::/16,actions=output:2", "priority=1,actions=drop"]),
    Forwarding("two-tags-10k", (traffic.two_tags, 10_000), [f"dl_vlan=5,actions={OUT}"]),
    Forwarding("two-labels-10k", (traffic.two_labels, 10_000), ["mpls,mpls_label=5,actions=drop", f"priority=1,actions={OUT}"]),
    Forwarding("large-frames-10k", (traffic.large, 10_000), THREE),
    Forwarding("ten-ports-1k", (traffic.simple, 1000), ["in_port=1,actions=" + ",".join(f"output:{i}" for i in range(2, 12))], sinks=10),
    Forwarding("meter-1k", (traffic.simple, 1000), [f"in_port=1,actions=meter:1,{OUT}"],
               before=[("add-meter", "meter=1,pktps,bands=type=drop,rate=100000000", "del-meter meter=1")]),
    Forwarding("group-10k", (traffic.simple, 10_000), ["in_port=1,actions=group:1"], sinks=4,
               before=[("add-group", "group_id=1,type=select," + ",".join(f"bucket=output:{i}" for i in range(2, 6)), "del-groups group_id=1")]),
    Forwarding("attack-1-percent", (traffic.one_percent_crafted, 100_000), traffic.acl_flows()),
]

# SPDX-License-Identifier: Apache-2.0
"""Misses, attacks, scale and rest: what the forwarding workloads do not show."""
import contextlib
import subprocess
import time

from harness import wait_until

from . import traffic
from .forwarding import EACH_ITS_OWN, OUT, THREE
from .sides import PollingSide, busy_cycles, cycles_per_packet, hugepages, settle, ours, stock_dpdk
from .workload import Workload, files, helper

L2 = ["dl_src=02:07:00:00:00:01,actions=drop", "dl_src=02:07:00:00:00:02,actions=drop", f"priority=1,actions={OUT}"]


def pcap(make, n):
    return files.get(f"{make.__name__}-{n}", lambda path: traffic.write_pcap(path, make(n)))


class Polling(Workload):
    """`what` gets a fresh switch with polling threads."""

    def __init__(self, name, unit, more_is_better, what, aim=None, cores=None):
        super().__init__(name, unit, more_is_better, aim)
        self.what, self.cores = what, cores

    def sides(self, stack):
        stack.enter_context(hugepages())
        return [ours, stock_dpdk]

    def measure(self, tools):
        with PollingSide(tools, **({"cores": self.cores} if self.cores else {})) as side:
            return self.what(side)


def misses(make, flows, n=100_000):
    """Cycles from the packet's arrival until it is forwarded and its megaflow is there; the file is played once, and the first and last of
    it left out."""
    def what(side):
        side.flows(flows)
        side.add_sink()
        start = side.stats()
        side.add_source(pcap(make, n), once=True)
        samples = [start]
        end = time.monotonic() + 5
        while samples[-1].packets - start.packets < n and time.monotonic() < end:
            samples.append(side.stats())
        during = [s for s in samples if 0 < s.packets - start.packets < n]
        assert len(during) > 1, "too few samples"
        before, after = during[0], during[-1]
        return busy_cycles(before, after) / (after.misses - before.misses)
    return what


def two_threads(side):
    """How many times more two threads forward than one, per second of CPU each."""
    side.flows(["in_port=1,actions=output:2", "in_port=3,actions=output:4"])

    def rate(pairs):
        for i in range(pairs):
            side.add_sink(f"out{i}", 2 + 2 * i)
            side.add_source(pcap(traffic.simple, 1000), f"in{i}", 1 + 2 * i)
            side.switch.vsctl("set", "interface", f"in{i}", f"other_config:pmd-rxq-affinity=\"0:{i}\"")
        cycles = cycles_per_packet(side, seconds=1)
        for i in range(pairs):
            side.del_port(f"in{i}")
            side.del_port(f"out{i}")
        return pairs / cycles
    one = rate(1)
    return rate(2) / one


def idle(side):
    """Percent of a core, two ports, no traffic."""
    side.add_sink("a", 1)
    side.add_sink("b", 2)
    time.sleep(2)
    before = side.cpu_seconds()
    time.sleep(3)
    return (side.cpu_seconds() - before) / 3 * 100


def megaflow_bytes(side):
    """The same traffic under one megaflow, then under one per packet of the file."""
    side.flows([f"actions={OUT}"])
    side.add_sink()
    side.add_source(pcap(traffic.simple, 50_000))
    settle(side, 1)
    before, few = side.rss(), n_megaflows(side)
    side.flows(EACH_ITS_OWN)
    settle(side, 10)
    many = n_megaflows(side)
    assert many > 20_000, f"only {many} megaflows"
    return (side.rss() - before) / (many - few)


def n_megaflows(side):
    text = side.switch.appctl("upcall/show")
    return int(text.split("current ")[1].split(")")[0])


def flood_beside(side):
    """Percent that a victim loses of its packets per second of CPU while a port of the same thread sends nothing but misses."""
    side.switch.vsctl("set", "open", ".", "other_config:flow-limit=2000")
    side.flows([f"priority=60000,in_port=1,actions={OUT}", *traffic.acl_flows()])
    side.add_sink()
    side.add_source(pcap(traffic.simple, 1000))

    def rate():
        def now():
            return int(side.switch.ofctl("dump-flows", "br0", "in_port=1").split("n_packets=")[1].split(",")[0]), sum(side.stats().cpu.values())
        time.sleep(1.5)
        packets, cpu = now()
        time.sleep(1.5)
        more, later = now()
        return (more - packets) / (later - cpu)
    alone = rate()
    side.add_source(pcap(traffic.crafted, 25_000), "bad", 3)
    return (1 - rate() / alone) * 100


def vhost_user(side):
    """A guest that sends as much as it can: DPDK's test program with the virtio_user driver, the same rings as QEMU's."""
    path = f"{side.files}/guest.sock"
    side.flows([f"in_port=1,actions={OUT}"])
    side.add_sink()
    guest = subprocess.Popen(["dpdk-testpmd", "--in-memory", "--no-pci", "--no-telemetry", "--single-file-segments", "--lcores", "0@0,1@0",
                              "--vdev", f"net_virtio_user0,path={path},server=1,queues=1", "--", "--forward-mode=txonly", "--auto-start",
                              "--no-mlockall", "--total-num-mbufs=16384"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    try:
        side.switch.vsctl("add-port", "br0", "guest", "--", "set", "interface", "guest", "type=dpdkvhostuserclient", "ofport_request=1",
                          f"options:vhost-server-path={path}")
        return cycles_per_packet(side, seconds=1)
    finally:
        guest.kill()
        guest.wait()


def attack_beside(side):
    """Percent that a victim's packets cost more while another port sends 1 Mbit/s of crafted frames through the same access list."""
    net, switch = side.net, side.switch
    side.flows(traffic.acl_flows())
    side.add_sink()
    side.add_source(pcap(traffic.acl_traffic, 1000))
    attacker = net.namespace("bad")
    net.pair(switch.netns, "bad0", attacker, "eth0")
    switch.vsctl("add-port", "br0", "bad0", "--", "set", "interface", "bad0", "ofport_request=9")
    quiet = [cycles_per_packet(side) for _ in range(3)]
    sender = subprocess.Popen(["ip", "netns", "exec", attacker, helper("latency"), "replay", "eth0", "2080", "12", pcap(traffic.crafted, 25_000)])
    try:
        time.sleep(4)
        attacked = [cycles_per_packet(side) for _ in range(3)]
    finally:
        sender.kill()
        sender.wait()
    return (sorted(attacked)[1] / sorted(quiet)[1] - 1) * 100


WORKLOADS = [
    Polling("miss-3-rules", "cycles", False, misses(traffic.new_macs, L2), 2000),
    Polling("miss-acl", "cycles", False, misses(traffic.acl_traffic, traffic.acl_flows())),
    Polling("attack-beside", "% slower", False, attack_beside, 10),
    Polling("flood-beside", "% lost", False, flood_beside, 50),
    Polling("vhost-user", "cycles", False, vhost_user),
    Polling("two-threads", "times one", True, two_threads, 1.9, cores=3),
    Polling("idle-cpu", "%", False, idle, 2),
    Polling("memory-per-megaflow", "bytes", False, megaflow_bytes, 300),
]

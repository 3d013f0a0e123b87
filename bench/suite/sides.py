# SPDX-License-Identifier: Apache-2.0
"""The two sides of a comparison, each in directories and namespaces of its own that go with it."""
import contextlib
import functools
import os
import pathlib
import re
import shutil
import tempfile
import time

import harness
import stock_dpdk as stock_dpdk_module
from harness import Host, Net, Switch, wait_until
from stock_dpdk import stock_dpdk

from .workload import helper

STOCK_SCHEMA = stock_dpdk_module.SCHEMA
WANTED_HUGEPAGES = 900
ours, stock = harness.ours, harness.stock
POLLING_CORE = os.cpu_count() - 1


def hugepages():
    """More of them while the block runs, where the machine has the memory."""
    return stock_dpdk_module.hugepages(WANTED_HUGEPAGES)


class TapHost(Host):
    def __init__(self, net, switch, port, address):
        self.ns = net.namespace(port)
        self.port, self.address = port, address
        switch.vsctl("add-port", "br0", port, "--", "set", "interface", port, "type=internal")
        harness.run("ip", "-n", switch.netns, "link", "set", port, "name", "eth0", "netns", self.ns)
        harness.run("ip", "-n", self.ns, "link", "set", "eth0", "up")
        harness.run("ip", "-n", self.ns, "addr", "add", f"{address}/24", "dev", "eth0")


class Side:
    """A switch with a bridge br0 on the userspace datapath."""

    def __init__(self, tools, n_hosts=0, offloads=False, datapath="netdev", taps=False):
        self.net = Net()
        self.switch = None
        try:
            is_stock = tools.name == "stock"
            self.switch = Switch(tools=tools, netns=self.net.namespace("sw"), schema=STOCK_SCHEMA if is_stock else None,
                                 vswitchd_args=(["--disable-system"] if is_stock else []) +
                                 (["--enable-dummy"] if datapath == "dummy" else []), start=False)
            self.switch.start_server()
            self.switch.vsctl("--no-wait", "init")
            self.configure()
            self.switch.start_switch()
            self.switch.vsctl("add-br", "br0", "--", "set", "bridge", "br0", f"datapath_type={datapath}")
            make = self.tap_host if taps else self.host
            self.hosts = [make(i, offloads or not is_stock) for i in range(n_hosts)]
        except BaseException:
            self.close()
            raise

    def configure(self):
        pass

    def host(self, i, offloads):
        host = Host(self.net, self.switch.netns, f"p{i}", f"192.168.10.10{i}")
        if not offloads:
            # The stock userspace datapath drops segments larger than the MTU unless the sender makes none.
            host.run("ethtool", "-K", "eth0", "tso", "off", "gso", "off", "tx", "off")
        self.switch.vsctl("add-port", "br0", f"p{i}")
        return host

    def tap_host(self, i, offloads):
        """Its device is the tap of an internal port, as that of a container that ovs-docker or a script attaches."""
        host = TapHost(self.net, self.switch, f"p{i}", f"192.168.10.10{i}")
        if not offloads:
            host.run("ethtool", "-K", "eth0", "tso", "off", "gso", "off", "tx", "off")
        return host

    def rss(self):
        with open(f"/proc/{self.switch.switch.pid}/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmRSS")) * 1024

    def cpu_seconds(self):
        with open(f"/proc/{self.switch.switch.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def flows(self, flows):
        self.switch.ofctl("del-flows", "br0")
        version = ["-O", "OpenFlow13"] if any("meter:" in flow for flow in flows) else []
        self.switch.tool("ovs-ofctl", *version, "add-flows", "br0", "-", stdin="\n".join(flows) + "\n")

    def close(self):
        try:
            if self.switch:
                self.switch.close()
        finally:
            self.net.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class PollingSide(Side):
    """With DPDK and polling threads, on the last core by default."""

    def __init__(self, tools, cores=1 << POLLING_CORE):
        self.cores = cores
        self.files = tempfile.mkdtemp(prefix="sluice-bench-")
        super().__init__(tools)

    def configure(self):
        self.switch.vsctl("--no-wait", "set", "open", ".", "other_config:dpdk-init=true", f"other_config:pmd-cpu-mask={self.cores:x}",
                          f"other_config:dpdk-extra=\"{stock_dpdk_module.EXTRA}\"")

    def add_port(self, name, number, devargs, **options):
        more = [f"options:{key}={value}" for key, value in options.items()]
        self.switch.vsctl("add-port", "br0", name, "--", "set", "interface", name, "type=dpdk", f"ofport_request={number}",
                          f"options:dpdk-devargs=\"{devargs}\"", *more)
        error = self.switch.vsctl("get", "interface", name, "error").strip()
        assert error == "[]", f"{name}: {error}"

    def add_source(self, pcap, name="in", number=1, once=False):
        self.add_port(name, number, f"net_pcap_{name},rx_pcap={pcap}" + ("" if once else ",infinite_rx=1"))

    def add_sink(self, name="out", number=2):
        self.add_port(name, number, f"eth_null_{name},no-rx=1")

    def del_port(self, name):
        self.switch.vsctl("--if-exists", "del-port", name)

    def stats(self):
        return PollStats(self)

    def close(self):
        try:
            super().close()
        finally:
            shutil.rmtree(self.files, ignore_errors=True)


class PollStats:
    """What each polling thread did so far; times from before and after the question, so that windows are exact on average."""

    def __init__(self, side):
        a, cpu_a = time.monotonic_ns(), polling_ns(side.switch.switch.pid)
        text = side.switch.appctl("dpif-netdev/pmd-stats-show").split("main thread:")[0]
        b, cpu_b = time.monotonic_ns(), polling_ns(side.switch.switch.pid)
        self.wall = (a + b) / 2
        self.cpu = {core: (cpu_a[core] + cpu_b[core]) / 2 for core in cpu_a.keys() & cpu_b.keys()}
        self.busy, self.awake, self.packets, self.misses = {}, {}, 0, 0
        for block in re.split(r"^pmd thread numa_id \d+ core_id ", text, flags=re.M)[1:]:
            def total(pattern):
                return sum(int(n) for n in re.findall(pattern, block))
            core = int(block.split(":")[0])
            self.busy[core] = total(r"  processing cycles: (\d+)")
            self.awake[core] = self.busy[core] + total(r"  idle cycles: (\d+)")
            self.packets += total(r"packets received: (\d+)")
            self.misses += total(r"miss with success upcall: (\d+)") + total(r"miss with failed upcall: (\d+)")


def polling_ns(pid):
    """CPU time of the polling threads by core: unlike the clock it stands still while other work has the core."""
    times = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            name = re.match(r"pmd-c(\d+)", (task / "comm").read_text())
            if name:
                times[int(name[1])] = int((task / "schedstat").read_text().split()[0])
    return times


@functools.cache
def cycles_per_ns():
    return float(harness.run(helper("dp_forward"), "hz").stdout) / 1e9


def busy_cycles(before, after):
    """Those that threads spent on packets, without the time that other work on their cores took. Theirs are counted by the clock."""
    total = 0
    for core in after.busy:
        awake = (after.awake[core] - before.awake.get(core, 0)) / cycles_per_ns()
        share = (after.cpu.get(core, 0) - before.cpu.get(core, 0)) / awake if awake else 1
        total += (after.busy[core] - before.busy.get(core, 0)) * min(1, share)
    return total


def settle(side, seconds):
    """Until hardly any packet misses: those of a file come again and again. At most so long: some never settle."""
    before = side.stats()
    wait_until(lambda: side.stats().packets > before.packets, what="traffic")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        before = side.stats()
        time.sleep(0.2)
        after = side.stats()
        if (after.misses - before.misses) * 1000 < after.packets - before.packets:
            break


def cycles_per_packet(side, seconds=0.4, patience=4):
    settle(side, patience)
    time.sleep(0.6)  # stock puts flows into its cache one time in a hundred only
    before = side.stats()
    time.sleep(seconds)
    after = side.stats()
    return busy_cycles(before, after) / (after.packets - before.packets)

# SPDX-License-Identifier: Apache-2.0
"""Traffic between two namespaces on veth ports, actions=NORMAL."""
import json
import subprocess

from harness import wait_until

from .sides import Side, ours, stock
from .workload import Workload, helper


class Hosts(Workload):
    taps = False

    def __init__(self, name, unit, more_is_better, what, *args):
        super().__init__(name, unit, more_is_better)
        self.what, self.args = what, args

    def sides(self, stack):
        return [ours, stock]

    def measure(self, tools):
        with Side(tools, 2, taps=self.taps) as side:
            one, two = side.hosts
            wait_until(lambda: one.ping(two.address), what="ping")
            return self.what(side, *self.args)


class TapHosts(Hosts):
    taps = True


def iperf(side, *options):
    one, two = side.hosts
    server = two.popen("iperf3", "-s", "-1", stdout=subprocess.DEVNULL)
    wait_until(lambda: ":5201" in two.run("ss", "-ltn").stdout, what="iperf3")
    out = json.loads(one.run("iperf3", "-J", "-c", two.address, "-t", "3", *options).stdout)
    server.wait(10)
    return out["end"]


def tcp(side, streams):
    return iperf(side, "-P", streams)["sum_received"]["bits_per_second"] / 1e9


def udp(side, rate, what):
    """64-byte frames (22 bytes of payload) at `rate` per second, or as fast as the sender can (0): those that arrived at the receiving
    host, per second, or the share in percent that did not. What its program was too slow to read is not the switch's loss."""
    two = side.hosts[1]
    before = received(two)
    end = iperf(side, "-u", "-l", "22", "-b", rate * 22 * 8)["sum"]
    arrived = min(received(two) - before, end["packets"])  # the control connection's few are not lost ones
    return 100 * (1 - arrived / end["packets"]) if what == "loss" else arrived / end["seconds"] / 1000


def received(host):
    return int(host.run("cat", "/sys/class/net/eth0/statistics/rx_packets").stdout)


class Latency(Hosts):
    """Half of what stock forwards without loss, by its first measurement in this run: the same for both sides. One measurement gives
    all percentiles; each is a row."""
    rate = None
    taken = {}

    def __init__(self, name, percentile):
        super().__init__(name, "us", False, latency)
        self.percentile = percentile

    def measure(self, tools):
        if not Latency.rate:
            with Side(stock, 2) as side:
                wait_until(lambda: side.hosts[0].ping(side.hosts[1].address), what="ping")
                Latency.rate = int(udp(side, 0, "rate") * 1000 / 2)
        waiting = Latency.taken.setdefault((tools.name, self.percentile), [])
        if not waiting:
            for percentile, value in super().measure(tools).items():
                Latency.taken.setdefault((tools.name, percentile), []).append(value)
        return waiting.pop(0)


def latency(side):
    """Microseconds from one host's device to the other's, through the switch."""
    one, two = side.hosts
    receiver = two.popen(helper("latency"), "receive", "eth0", 2, stdout=subprocess.PIPE, text=True)
    try:
        one.run(helper("latency"), "send", "eth0", Latency.rate, 1.5)
        return json.loads(receiver.communicate(timeout=20)[0])
    finally:
        receiver.kill()


WORKLOADS = [
    Hosts("tcp-1-stream", "Gbit/s", True, tcp, 1),
    Hosts("tcp-4-streams", "Gbit/s", True, tcp, 4),
    TapHosts("tcp-taps-1-stream", "Gbit/s", True, tcp, 1),
    TapHosts("tcp-taps-4-streams", "Gbit/s", True, tcp, 4),
    Hosts("udp-64-pps", "kpps", True, udp, 0, "rate"),
    Hosts("udp-64-loss", "%", False, udp, 30_000, "loss"),
    Latency("latency-median", "50"),
    Latency("latency-99", "99"),
    Latency("latency-99.9", "99.9"),
]

# SPDX-License-Identifier: Apache-2.0
"""Settings of polling threads and of what they send: they take effect, and the log says it where they cannot."""
import re
import time

import pytest
from scapy.all import IP, UDP, Ether, wrpcap

from harness import Host, Net, Switch, ours, run, wait_until


@pytest.fixture
def switch():
    net = Net()
    s = Switch(netns=net.namespace("sw"))
    try:
        s.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev")
        s.net = net
        yield s
    finally:
        s.close()
        net.close()


def add_port(s, name, number, devargs, *options):
    s.vsctl("add-port", "br0", name, "--", "set", "interface", name, "type=dpdk", f"ofport_request={number}",
            f"options:dpdk-devargs=\"{devargs}\"", *options)


def set_other(s, *pairs):
    s.vsctl("set", "open", ".", *(f"other_config:{p}" for p in pairs))


def replay(s, n=3000, flows=700, name="in"):
    """A port that receives n frames of so many flows, which go to port 2."""
    frames = [Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / IP(src=f"10.0.{i % 5}.{i % flows % 250}", dst="10.1.0.1") /
              UDP(sport=1000 + i % flows, dport=53 + i % 2) / bytes(20) for i in range(n)]
    wrpcap(f"{s.dir}/{name}.pcap", frames, linktype=1)
    add_port(s, name, 1, f"net_pcap_{name},rx_pcap={s.dir}/{name}.pcap")
    wait_until(lambda: stats(s)["packets received"] >= n, what="all frames are received")


def rtt_ms(host, address):
    return float(re.search(r"time=([0-9.]+) ms", host.run("ping", "-n", "-c", "1", "-W", "5", address).stdout).group(1))


def test_output_waits_for_more(switch):
    """A packet may wait in its batch while its thread has other things to do, but not while the thread sleeps."""
    hosts = [Host(switch.net, switch.netns, f"v{i}", f"10.0.0.{i}") for i in (1, 2)]
    for i, h in enumerate(hosts, 1):
        add_port(switch, f"p{i}", i, f"net_af_packet{i},iface={h.port}")
    wait_until(lambda: hosts[0].ping("10.0.0.2"), what="the hosts reach each other")
    set_other(switch, "tx-flush-interval=100000", "pmd-sleep-max=0")
    # There and back: each way the interval, once, as nothing else goes that way.
    wait_until(lambda: hosts[0].ping("10.0.0.2", wait=5), what="they reach each other")
    assert rtt_ms(hosts[0], "10.0.0.2") >= 200
    set_other(switch, "tx-flush-interval=0")
    wait_until(lambda: rtt_ms(hosts[0], "10.0.0.2") < 100, what="packets do not wait any more")
    set_other(switch, "tx-flush-interval=2000000")
    assert 'other_config:tx-flush-interval="2000000" is ignored: it should be a number from 0 to 1000000' in switch.log()


def test_who_misses_most(switch):
    hosts = [Host(switch.net, switch.netns, f"v{i}", f"10.0.0.{i}") for i in (1, 2)]
    assert "miss most" not in switch.appctl("upcall/show")
    for h in hosts:
        switch.vsctl("add-port", "br0", h.port)
    wait_until(lambda: hosts[0].ping("10.0.0.2"), what="the hosts reach each other")
    first = switch.appctl("upcall/show")
    assert re.search(r"\n  ports whose packets miss most:\n    v\d: [1-9]\d* misses, 0 of them dropped; \d+ in the last \d+\.\d s\n", first)
    assert re.search(r"    v1: \d+ misses, 0 of them dropped; 0 in the last 0\.\d s\n", switch.appctl("upcall/show"))


def stats(s):
    text = s.appctl("dpif-netdev/pmd-stats-show").split("main thread")[0]
    return {k: int(v) for k, v in re.findall(r"^  ([a-z ]+): (\d+)\n", text, re.M)}


@pytest.mark.parametrize("settings, fewer", [([], False), (["emc-insert-inv-prob=0"], True), (["emc-enable=false"], True)])
def test_what_goes_into_the_flow_cache(switch, settings, fewer):
    add_port(switch, "out", 2, "net_null0,no-rx=1")
    # Two masks, so that the cache is of use.
    switch.ofctl("del-flows", "br0")
    for flow in ("priority=2,udp,tp_dst=53,nw_src=10.0.0.0/24,actions=output:2", "priority=1,udp,tp_src=1001,actions=output:2",
                 "priority=0,actions=output:2"):
        switch.ofctl("add-flow", "br0", flow)
    set_other(switch, "pmd-sleep-max=50", *(x for x in settings if not x.startswith("emc-enable")))
    add_port(switch, "in", 1, "net_null1,no-rx=1", *(f"other_config:{x}" for x in settings if x.startswith("emc-enable")))
    wrpcap(f"{switch.dir}/x.pcap", [Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") /
                                    IP(src=f"10.0.{i % 5}.1", dst="10.1.0.1") / UDP(sport=1000 + i % 70, dport=53 + i % 2) / bytes(20)
                                    for i in range(3000)], linktype=1)
    switch.vsctl("set", "interface", "in", f'options:dpdk-devargs="net_pcap7,rx_pcap={switch.dir}/x.pcap"')
    wait_until(lambda: stats(switch)["packets received"] == 3000, what="all frames are received")
    found = stats(switch)
    assert found["emc hits"] + found["megaflow hits"] + found["miss with success upcall"] == 3000
    assert (found["emc hits"] == 0) == fewer


def test_settings_say_what_they_do_not_do(switch):
    set_other(switch, "smc-enable=true", "per-port-memory=true", "shared-mempool-config=1500", "emc-insert-inv-prob=-1")
    log = switch.log()
    assert "other_config:smc-enable has no effect: the flow cache keeps signatures only, always" in log
    assert "other_config:per-port-memory has no effect: each port has packets of its own, always" in log
    assert "other_config:shared-mempool-config has no effect: each port has packets of its own" in log
    assert 'other_config:emc-insert-inv-prob="-1" is ignored: it should be a number, at least 0' in log
    run("ip", "-n", switch.netns, "link", "add", "v0", "type", "veth", "peer", "name", "v1")
    switch.vsctl("add-port", "br0", "v0", "--", "set", "interface", "v0", "other_config:tx-steering=hash")
    assert "Interface v0: other_config:tx-steering=hash has no effect: the device has one transmit queue" in switch.log()
    switch.vsctl("set", "interface", "v0", "other_config:tx-steering=both")
    assert 'Interface v0: other_config:tx-steering="both" is ignored: it should be one of: thread, hash' in switch.log()


def test_flows_are_spread_over_transmit_queues(switch):
    """A tap device with several queues tells how many packets went to each."""
    set_other(switch, "stats-update-interval=5000")
    add_port(switch, "out", 2, "net_tap0,iface=dtap0", "options:n_rxq=4", "other_config:tx-steering=hash")
    run("ip", "-n", switch.netns, "link", "set", "dtap0", "up")
    switch.ofctl("add-flow", "br0", "in_port=1,actions=output:2")
    replay(switch)

    def sent():
        text = switch.vsctl("get", "interface", "out", "statistics")
        return [int(n) for n in re.findall(r"tx_q\d+_packets=(\d+)", text)]
    wait_until(lambda: sum(sent()) >= 3000, timeout=15, what="all are sent")
    assert len(sent()) > 1 and all(sent()), sent()


def test_recorded_turns(switch):
    switch.ofctl("add-flow", "br0", "in_port=1,actions=output:2")
    add_port(switch, "out", 2, "net_null0,no-rx=1")
    assert "Histograms" not in switch.appctl("dpif-netdev/pmd-perf-show")
    set_other(switch, "pmd-perf-metrics=true")
    replay(switch)
    text = switch.appctl("dpif-netdev/pmd-perf-show", "-it", "7", "-ms", "3")
    head, sums, turns, milliseconds = text.split("Histograms\n")[1].split("\n   ", 1)[0], *re.split(r"\n-+\n|\n\n", text)[-3:]
    assert head.split() == ["cycles/it", "packets/it", "cycles/pkt", "pkts/batch", "max", "vhost", "qlen", "upcalls/it", "cycles/upcall"]
    # Each column of a histogram holds each turn once.
    rows = [line.split() for line in re.split(r"\n-+\n", text.split("Histograms\n")[1])[0].splitlines()[1:]]
    assert len(rows) == 32 and all(len(r) == 14 for r in rows)
    assert sum(int(r[1]) for r in rows) == sum(int(r[3]) for r in rows) == sum(int(r[9]) for r in rows)
    assert sum(int(r[5]) for r in rows) == sum(int(r[7]) for r in rows) == sum(int(r[3]) for r in rows[1:])
    assert len(sums.splitlines()) == 2 and len(turns.splitlines()) == 8 and len(milliseconds.splitlines()) == 4
    assert turns.split()[0] == "iter" and milliseconds.split()[0] == "ms"
    numbers = [int(line.split()[0]) for line in turns.splitlines()[1:]]
    assert numbers == sorted(numbers, reverse=True)
    assert "Histograms" not in switch.appctl("dpif-netdev/pmd-perf-show", "-nh")
    # Nothing lasts so short; so each turn is suspicious.
    switch.appctl("dpif-netdev/pmd-perf-log-set", "on", "-us", "0", "-b", "2", "-a", "1")
    assert "pmd-perf-log-set: on, before=2, after=1, extend=false, us_thr=0, q_thr=128" in switch.log()
    wait_until(lambda: "Suspicious iteration (Excessive total cycles): iter=" in switch.log(), what="it is told")
    wait_until(lambda: re.search(r"Neighborhood of suspicious iteration:\n   iter .*\n(   \d+ .*\n){4}\n?20", switch.log()), what="with others")
    switch.appctl("dpif-netdev/pmd-perf-log-set", "off")
    for bad in (["on", "-x"], ["-us"], ["-a", "many"]):
        done = run(ours("ovs-appctl"), "-t", "ovs-vswitchd", "dpif-netdev/pmd-perf-log-set", *bad, env=switch.env, check=False)
        assert done.returncode == 2 and done.stderr.startswith("Usage: ovs-appctl dpif-netdev/pmd-perf-log-set [on|off] [-b before]")

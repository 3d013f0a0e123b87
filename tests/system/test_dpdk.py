# SPDX-License-Identifier: Apache-2.0
"""Ports of type dpdk with virtual devices, without hugepages: what goes in through a capture file comes out in another, byte for
byte; polling threads follow their settings and sleep when there is nothing to do; what cannot work says why."""
import contextlib
import os
import re
import time

import pytest
import stock_dpdk
from scapy.all import IP, TCP, UDP, Dot1Q, Ether, IPv6, Raw, raw, rdpcap, wrpcap

from harness import Host, Net, Switch, ours, run, wait_until


@pytest.fixture
def switch():
    net = Net()
    s = Switch(netns=net.namespace("sw"))
    try:
        s.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev")
        s.ofctl("del-flows", "br0")
        yield s
    finally:
        s.close()
        net.close()


def add_port(s, name, number, devargs, *options):
    s.vsctl("add-port", "br0", name, "--", "set", "interface", name, "type=dpdk", f"ofport_request={number}",
            f"options:dpdk-devargs=\"{devargs}\"", *options)


def corpus():
    frames = []
    for i in range(300):
        e = Ether(src=f"02:00:00:00:01:{i % 256:02x}", dst="02:00:00:00:00:02")
        ip = IP(src=f"10.0.{i % 7}.{i % 250}", dst=f"10.1.{i % 3}.1", ttl=64)
        frames += [e / ip / UDP(sport=1000 + i, dport=53 + i % 2) / Raw(bytes(i % 200)),
                   e / ip / TCP(sport=i + 1, dport=80, flags="S") / Raw(b"y" * (i * 4)),
                   e / Dot1Q(vlan=i % 20) / ip / UDP(sport=i, dport=4789) / Raw(b"z" * 30),
                   e / IPv6(src="fd00::1", dst=f"fd00::{i + 2:x}") / UDP(sport=i, dport=53)]
    return [raw(f) for f in frames]


def forwarded(s, flows, frames):
    """What comes out of port 2 when the frames go in at port 1."""
    s.ofctl("del-flows", "br0")
    for flow in flows:
        s.ofctl("add-flow", "br0", flow)
    wrpcap(f"{s.dir}/in.pcap", [Ether(f) for f in frames], linktype=1)
    add_port(s, "out", 2, f"net_pcap_out,tx_pcap={s.dir}/out.pcap")
    add_port(s, "in", 1, f"net_pcap_in,rx_pcap={s.dir}/in.pcap")

    def counted():
        stats = s.vsctl("get", "interface", "in", "statistics")
        return f"rx_packets={len(frames)}," in stats
    s.vsctl("set", "open", ".", "other_config:stats-update-interval=5000")
    wait_until(counted, timeout=15, what="all frames are received")
    s.vsctl("del-port", "in")
    s.vsctl("del-port", "out")  # closes the file
    return [raw(p) for p in rdpcap(f"{s.dir}/out.pcap")]


def test_every_byte(switch):
    frames = corpus()
    assert forwarded(switch, ["in_port=1,actions=output:2"], frames) == frames


def test_selected_and_rewritten(switch):
    frames = corpus()
    out = forwarded(switch, ["priority=9,in_port=1,udp,tp_dst=53,actions=mod_dl_dst:02:aa:aa:aa:aa:aa,dec_ttl,output:2",
                             "priority=8,in_port=1,dl_vlan=3,actions=strip_vlan,output:2", "priority=1,actions=drop"], frames)
    expected = []
    for bytes_ in frames:
        f = Ether(bytes_)
        if Dot1Q in f and f[Dot1Q].vlan == 3:
            inner = f[Dot1Q].payload
            expected.append(raw(Ether(src=f.src, dst=f.dst, type=f[Dot1Q].type) / inner))
        elif IP in f and UDP in f and f[UDP].dport == 53 and Dot1Q not in f:
            f.dst = "02:aa:aa:aa:aa:aa"
            f[IP].ttl -= 1
            f[IP].chksum = None
            expected.append(raw(f))
    assert out == expected and len(out) > 100


def test_errors_say_why(switch):
    def error(devargs):
        add_port(switch, "bad", 9, devargs)
        text = switch.vsctl("get", "interface", "bad", "error")
        switch.vsctl("del-port", "bad")
        return text
    assert "Couldn't open /nonexistent" in error("net_pcap0,rx_pcap=/nonexistent")
    assert "there is no driver of that name" in error("net_frob0")
    assert "needs other_config:dpdk-init=true and free hugepages" in error("0000:00:19.0")
    switch.vsctl("add-port", "br0", "two", "--", "set", "interface", "two", "type=dpdk", check=False)
    assert "missing 'options:dpdk-devargs'" in switch.vsctl("get", "interface", "two", "error")
    add_port(switch, "one", 1, "net_null0")
    assert "in use by another port" in error("net_null0")
    # It takes another device without a new port.
    switch.vsctl("set", "interface", "two", "options:dpdk-devargs=\"net_null5,no-rx=1\"")
    assert switch.vsctl("get", "interface", "two", "error").strip() == "[]"
    switch.vsctl("set", "interface", "one", "options:dpdk-devargs=\"net_null6,no-rx=1\"")
    assert switch.vsctl("get", "interface", "one", "error").strip() == "[]"
    assert "driver_name=net_null" in switch.vsctl("get", "interface", "one", "status")


def test_queues_cores_and_statistics(switch):
    last = os.cpu_count() - 1
    switch.vsctl("set", "open", ".", f"other_config:pmd-cpu-mask={1 << last:x}", "other_config:pmd-sleep-max=70")
    add_port(switch, "p1", 1, "net_null0,no-rx=1", "options:n_rxq=2")
    wait_until(lambda: "queue-id:  1" in switch.appctl("dpif-netdev/pmd-rxq-show"), what="queues are served")
    show = switch.appctl("dpif-netdev/pmd-rxq-show")
    assert f"core_id {last}:\n  isolated : false\n  port: p1                queue-id:  0 (enabled)   pmd usage: NOT AVAIL\n" in show
    assert f"core_id {last}:\n  max sleep:   70 us\n" in switch.appctl("dpif-netdev/pmd-sleep-show")
    switch.vsctl("set", "interface", "p1", "options:n_rxq=3", f"other_config:pmd-rxq-affinity=\"0:{last}\"")
    wait_until(lambda: "queue-id:  2" in switch.appctl("dpif-netdev/pmd-rxq-show"), what="a third queue")
    assert "isolated : true" in switch.appctl("dpif-netdev/pmd-rxq-show")
    assert "pmd rxq rebalance requested." in switch.appctl("dpif-netdev/pmd-rxq-rebalance")
    stats = switch.appctl("dpif-netdev/pmd-stats-show", "-pmd", str(last))
    assert re.search(r"^pmd thread numa_id \d+ core_id \d+:\n  packets received: 0\n", stats) and "  idle cycles: " in stats
    if last:
        switch.vsctl("set", "open", ".", "other_config:pmd-cpu-mask=1")
        wait_until(lambda: "core_id 0:" in switch.appctl("dpif-netdev/pmd-rxq-show"), what="the other core")
    switch.vsctl("del-port", "p1")
    assert "pmd thread" not in switch.appctl("dpif-netdev/pmd-rxq-show")


def cpu_seconds(s):
    fields = open(f"/proc/{s.switch.pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_idle_threads_sleep(switch):
    """The exact share is for bench/: here a thread that never sleeps (1 s per second) is told from one that does."""
    add_port(switch, "p1", 1, "net_null0,no-rx=1")
    time.sleep(2)
    before = cpu_seconds(switch)
    time.sleep(2)
    assert cpu_seconds(switch) - before < 1


@pytest.mark.parametrize("devargs", ["net_tap0,iface=dtap0", "net_af_packet0,iface=veth0"])
def test_devices_wake_an_idle_thread(switch, devargs):
    """A device that can wake the thread lets it sleep for long; its packets arrive all the same."""
    ns = switch.netns
    run("ip", "-n", ns, "link", "add", "veth0", "type", "veth", "peer", "name", "veth1")
    for name in ("veth0", "veth1"):
        run("ip", "-n", ns, "link", "set", name, "up")
    add_port(switch, "p1", 1, devargs)
    add_port(switch, "p2", 2, f"net_pcap0,tx_pcap={switch.dir}/out.pcap")
    switch.ofctl("add-flow", "br0", "in_port=1,actions=output:2")
    sender = "dtap0" if "tap0" in devargs else "veth1"
    run("ip", "-n", ns, "link", "set", sender, "up")
    frame = "02000000000202000000000188b5" + "ab" * 50
    send = ("import socket; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind((%r, 0)); s.send(bytes.fromhex(%r))"
            % (sender, frame))
    for _ in range(3):
        time.sleep(0.3)
        run("ip", "netns", "exec", ns, "python3", "-c", send)
    wait_until(lambda: "n_packets=0" not in switch.ofctl("dump-flows", "br0"), what="packets arrive")
    switch.vsctl("del-port", "p2")
    assert [raw(p) for p in rdpcap(f"{switch.dir}/out.pcap")].count(bytes.fromhex(frame)) == 3


def test_commands_of_polling_threads_and_dpdk(switch):
    frames = corpus()[:1000]
    wrpcap(f"{switch.dir}/in.pcap", [Ether(f) for f in frames], linktype=1)
    switch.ofctl("add-flow", "br0", "actions=output:2")
    add_port(switch, "p2", 2, "net_null0,no-rx=1")
    add_port(switch, "p1", 1, f"net_pcap0,rx_pcap={switch.dir}/in.pcap")

    def perf():
        return switch.appctl("dpif-netdev/pmd-perf-show", "-nh")
    wait_until(lambda: f"  Rx packets:       {len(frames):14}  (" in perf(), what="all frames are received")
    text = perf()
    assert re.search(r"^\nTime: \d\d:\d\d:\d\d\.\d{3}\nMeasurement duration: \d+\.\d{3} s\n\npmd thread numa_id \d+ core_id \d+:\n\n"
                     r"  Iterations: +\d+  \(\d+\.\d\d us/it\)\n", text)
    upcalls = int(re.search(r"  - Upcalls: +(\d+) ", text).group(1))
    hits = sum(int(n) for n in re.findall(r"(?:EMC|Megaflow) hits: +(\d+) ", text))
    assert upcalls and hits + upcalls == len(frames)
    switch.appctl("dpif-netdev/pmd-stats-clear")
    assert "  Rx packets:                    0\n" in perf()
    assert "Displaying last 20 seconds" in switch.appctl("dpif-netdev/pmd-rxq-show", "-secs", "13")
    assert "p2 2/2: (dpdk: configured_rx_queues=1," in switch.appctl("dpif/show")
    assert switch.appctl("dpdk/lcore-list").startswith("lcore 0, socket 0, role RTE")
    assert "lib.vhost.config, level is info" in switch.appctl("dpdk/log-list")
    switch.appctl("dpdk/log-set", "lib.vhost.config:debug", "pmd:5")
    logs = switch.appctl("dpdk/log-list")
    assert "lib.vhost.config, level is debug" in logs and "id 5: pmd, level is warning" in logs
    assert "Heap_size:" in switch.appctl("dpdk/get-malloc-stats")
    assert switch.appctl("netdev-dpdk/get-mempool-info", "p1").startswith("mempool <p1_")
    assert switch.appctl("netdev-dpdk/set-admin-state", "p1", "down") == "OK\n"
    wait_until(lambda: switch.vsctl("get", "interface", "p1", "admin_state") == "down\n", what="the port is down")

    def refused(*argv):
        done = run(ours("ovs-appctl"), "-t", "ovs-vswitchd", *argv, env=switch.env, check=False)
        assert done.returncode == 2
        return done.stderr.splitlines()[0]
    assert refused("netdev-dpdk/set-admin-state", "p1", "x") == "Invalid Admin State"
    assert refused("netdev-dpdk/get-mempool-info", "br0") == "Not a DPDK Interface"
    assert refused("netdev-dpdk/detach", "0000:00:01.0") == "Device '0000:00:01.0' not found in DPDK"
    assert "is being used by interface 'p1'" in refused("netdev-dpdk/detach", "net_pcap0")
    assert refused("dpdk/log-set", "frob").startswith("invalid log level: 'frob'")


def test_hardware_offload(switch):
    """The driver of a tap makes rules of rte_flow into filters of the kernel, where there are some; where there are none it refuses, and
    packets pass all the same."""
    switch.vsctl("set", "open", ".", "other_config:hw-offload=true")
    add_port(switch, "p1", 1, "net_tap0,iface=dtap0")
    add_port(switch, "p2", 2, "net_null0,no-rx=1")
    switch.ofctl("add-flow", "br0", "in_port=1,dl_type=0x88b5,actions=output:2")
    run("ip", "-n", switch.netns, "link", "set", "dtap0", "up")
    send = ("import socket, time; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(('dtap0', 0))\n"
            "for i in range(600): s.send(bytes.fromhex('02000000000202000000000188b5') + bytes(50)); time.sleep(0.005)")
    run("ip", "netns", "exec", switch.netns, "python3", "-c", send)

    def stats():
        return {k.strip(): int(v) for k, v in (line.split(":") for line in
                                               switch.appctl("dpctl/offload-stats-show").splitlines()[1:])}
    wait_until(lambda: stats()["Rules added"] + stats()["Rules refused by cards"] > 0, what="a rule was tried")
    assert "n_packets=600," in switch.ofctl("dump-flows", "br0", "dl_type=0x88b5")
    shown = switch.appctl("dpctl/dump-flows", "type=offloaded")
    assert ("offloaded:partial" in shown) == (stats()["Total Inserted offloads"] > 0)
    assert "0x88b5" in shown + switch.appctl("dpctl/dump-flows", "type=non-offloaded")
    switch.vsctl("set", "open", ".", "other_config:hw-offload=false")
    wait_until(lambda: "offloaded:partial" not in switch.appctl("dpctl/dump-flows"), what="the rules are gone")
    switch.vsctl("del-port", "p1")


def test_afxdp(switch):
    """A device of the host through AF_XDP: packets both ways, and no CPU time while there are none."""
    net = Net()
    try:
        hosts = [Host(net, switch.netns, f"x{i}", f"10.0.0.{i}") for i in (1, 2)]
        for h in hosts:
            switch.vsctl("add-port", "br0", h.port, "--", "set", "interface", h.port, "type=afxdp")
            assert switch.vsctl("get", "interface", h.port, "error").strip() == "[]"
            # The kernel leaves checksums between its own devices undone, and AF_XDP has no way to say so.
            h.run("ethtool", "-K", "eth0", "tx", "off")
        switch.ofctl("add-flow", "br0", "actions=normal")
        wait_until(lambda: hosts[0].ping("10.0.0.2"), what="they reach each other")
        status = switch.vsctl("get", "interface", "x1", "status")
        assert "driver_name=net_af_xdp" in status
        assert int(switch.vsctl("get", "interface", "x1", "ifindex")) > 1
        before = cpu_seconds(switch)
        time.sleep(1)
        assert cpu_seconds(switch) - before < 0.5
        time.sleep(0.5)
        assert hosts[1].ping("10.0.0.1")
        switch.vsctl("add-port", "br0", "nosuch", "--", "set", "interface", "nosuch", "type=afxdp", check=False)
        assert "has the name of a network device" in switch.vsctl("get", "interface", "nosuch", "error")
    finally:
        for h in ("x1", "x2"):
            switch.vsctl("--if-exists", "del-port", h)
        net.close()


def test_afxdp_leaves_nothing_behind(switch):
    """What its driver forgets, descriptors and packets in the kernel's rings, does not add up; and it can be opened again at once."""
    net = Net()
    try:
        hosts = [Host(net, switch.netns, f"x{i}", f"10.0.0.{i}") for i in (1, 2)]
        for h in hosts:
            h.run("ethtool", "-K", "eth0", "tx", "off")
        switch.vsctl("add-port", "br0", "x2")
        switch.ofctl("add-flow", "br0", "actions=normal")

        def held():
            pools = switch.appctl("netdev-dpdk/get-mempool-info").count("mempool <x1_")
            return len(os.listdir(f"/proc/{switch.switch.pid}/fd")), pools
        seen = []
        for _ in range(6):
            switch.vsctl("add-port", "br0", "x1", "--", "set", "interface", "x1", "type=afxdp")
            assert switch.vsctl("get", "interface", "x1", "error").strip() == "[]"
            wait_until(lambda: hosts[0].ping("10.0.0.2"), what="they reach each other")
            switch.vsctl("del-port", "x1")
            seen.append(held())
        assert seen[-1][0] == seen[1][0], seen
        # The last packets of a pool may be on their way yet.
        assert seen[-1][1] <= 1, seen
        assert "|ERR|" not in switch.log()
    finally:
        net.close()


def test_options_links_and_counters(switch):
    add_port(switch, "p1", 1, "net_null0,no-rx=1", "options:rx-flow-ctrl=true", "options:dpdk-lsc-interrupt=perhaps", "options:n_rxq=9999")
    log = switch.log()
    assert "driver net_null does not set flow control (Operation not supported)" in log
    assert 'Interface p1: options:dpdk-lsc-interrupt is "perhaps": true or false is wanted; true is used' in log
    assert 'Interface p1: options:n_rxq is "9999": a number from 1 to 64 is wanted; 1 is used' in log
    switch.vsctl("set", "interface", "p1", "options:n_rxq=2", "options:n_rxq_desc=512")
    wait_until(lambda: 'n_rxq_desc="512"' in switch.vsctl("get", "interface", "p1", "status"), what="fewer descriptors")
    # The driver of a tap says at once that the link went away, without waiting for the next statistics.
    add_port(switch, "p2", 2, "net_tap0,iface=dtap0")
    assert switch.vsctl("get", "interface", "p2", "link_state").strip() == "up"
    run("ip", "-n", switch.netns, "link", "set", "dtap0", "down")
    wait_until(lambda: switch.vsctl("get", "interface", "p2", "link_state").strip() == "down", timeout=3, what="the link is down")
    run("ip", "-n", switch.netns, "link", "set", "dtap0", "up")
    wait_until(lambda: switch.vsctl("get", "interface", "p2", "link_state").strip() == "up", timeout=3, what="the link is up")
    switch.vsctl("set", "open", ".", "other_config:stats-update-interval=5000")

    def has_queues():
        return "rx_q1_packets=" in switch.vsctl("get", "interface", "p1", "statistics")
    wait_until(has_queues, timeout=12, what="counters of each queue")


def test_settings_that_cannot_be_followed_are_told(switch):
    switch.vsctl("set", "open", ".", "other_config:pmd-cpu-mask=0x4000000000000000000000000000000")
    add_port(switch, "p1", 1, "net_null0,no-rx=1")
    log = switch.log()
    assert 'Open_vSwitch: other_config:pmd-cpu-mask="0x4000000000000000000000000000000" names cores that do not exist' in log
    assert f"(122): this host has the cores 0 to {os.cpu_count() - 1};" in log
    for bad in ("frob", "0:1,x", "1", "0:x"):
        switch.vsctl("set", "interface", "p1", f'other_config:pmd-rxq-affinity="{bad}"')
        assert f'Interface p1: other_config:pmd-rxq-affinity="{bad}" is ignored: it should be pairs' in switch.log()
    switch.vsctl("set", "interface", "p1", 'other_config:pmd-rxq-affinity="0:122"')
    assert "there is no polling thread on core 122 for queue 0" in switch.log()
    switch.vsctl("set", "interface", "p1", 'other_config:pmd-rxq-affinity="7:1"')
    assert "names queue 7: its queues are 0 to 0" in switch.log()


def test_mtu_and_tap(switch):
    add_port(switch, "p0", 2, "net_null0,no-rx=1", "mtu_request=9000")
    assert switch.vsctl("get", "interface", "p0", "mtu").strip() == "9000"
    add_port(switch, "p1", 1, "net_tap0,iface=dtap0", "mtu_request=9000")
    assert switch.vsctl("get", "interface", "p1", "error").strip() == "[]"
    assert switch.vsctl("get", "interface", "p1", "mtu").strip() == "1500"
    assert "cannot set MTU 9000" in switch.log()
    assert "driver_name=net_tap" in switch.vsctl("get", "interface", "p1", "status")


def test_initialized_without_hugepages():
    net = Net()
    s = Switch(netns=net.namespace("sw"), start=False)
    try:
        s.start_server()
        s.vsctl("--no-wait", "init")
        s.vsctl("--no-wait", "set", "open", ".", "other_config:dpdk-init=true", "other_config:dpdk-socket-mem=9999999")
        s.start_switch()
        wait_until(lambda: s.vsctl("get", "open", ".", "dpdk_initialized").strip() == "true", what="DPDK runs")
        assert "DPDK 22.11" in s.vsctl("get", "open", ".", "dpdk_version")
        assert "dpdk" in s.vsctl("get", "open", ".", "iface_types")
        assert "only its virtual devices work" in s.log()
    finally:
        s.close()
        net.close()


def test_devices_found_by_other_names(switch):
    """By the MAC address of a device that is there, and representors of a device that has none."""
    def error(name, devargs, *options):
        add_port(switch, name, 9, devargs, *options)
        text = switch.vsctl("get", "interface", name, "error")
        switch.vsctl("del-port", name)
        return text
    add_port(switch, "p1", 1, f"net_pcap0,tx_pcap={switch.dir}/out.pcap")
    mac = switch.vsctl("get", "interface", "p1", "mac_in_use").strip().strip('"')
    assert "no device with this MAC address is there" in error("bad", "class=eth,mac=02:00:00:00:99:99")
    assert f"'class=eth,mac={mac}' is in use by another port" in error("bad", f"class=eth,mac={mac}")
    for devargs in ("class=eth", "class=eth,mac=02:00", "class=crypto,mac=02:00:00:00:00:01"):
        assert "of classes there is" in error("bad", devargs)
    assert "representor" in error("bad", "net_null7,representor=[0]")
    assert error("good", "net_null8", "options:dpdk-vf-mac=02:00:00:00:00:01", "options:rx-steering=rss+lacp").strip() == "[]"
    assert "options:dpdk-vf-mac has no effect: the device is no representor" in switch.log()
    assert "options:rx-steering is to be rss, which is used" in switch.log()


@contextlib.contextmanager
def with_hugepages(extra):
    """A switch with DPDK on hugepages and these options of its environment, where DIR is the switch's directory."""
    with stock_dpdk.hugepages(400):
        if stock_dpdk.free_hugepages() < 200:
            pytest.skip("there are no 200 hugepages of 2 MB")
        net = Net()
        s = Switch(netns=net.namespace("sw"), start=False)
        try:
            s.start_server()
            s.vsctl("--no-wait", "init")
            s.vsctl("--no-wait", "set", "open", ".", "other_config:dpdk-init=true", "other_config:dpdk-socket-mem=200",
                    f"other_config:dpdk-extra=\"{extra.replace('DIR', s.dir)}\"")
            s.start_switch()
            s.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev")
            yield s
        finally:
            s.close()
            net.close()


def test_devices_that_were_there_before():
    """Those of dpdk-extra are used by a port, stay when it goes, and can be used again. Only with hugepages are DPDK's own options taken."""
    with with_hugepages("--no-pci --vdev=net_frob0 --vdev=net_pcap3,tx_pcap=DIR/out.pcap") as s:
        assert "dpdk-extra: --vdev=net_frob0 is left out: there is no driver of that name" in s.log()
        for devargs in ("class=eth,mac=02:70:63:61:70:00", "net_pcap3", "class=eth,mac=02:70:63:61:70:00"):
            add_port(s, "p1", 1, devargs)
            assert s.vsctl("get", "interface", "p1", "error").strip() == "[]"
            wait_until(lambda: "driver_name=net_pcap" in s.vsctl("get", "interface", "p1", "status"), what="its status")
            s.vsctl("del-port", "p1")


def test_wrong_options_of_dpdk_leave_a_switch():
    """What DPDK refuses is told, and userspace bridges work without it."""
    with with_hugepages("--no-such-thing") as s:
        add_port(s, "p1", 1, "net_null3")
        assert s.vsctl("get", "interface", "p1", "error").strip() == "[]"
        assert "trying without hugepages" in s.log()

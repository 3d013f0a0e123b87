# SPDX-License-Identifier: Apache-2.0
"""The first steps that everybody takes, as they are written in tutorials: taps, ports, flows, drop, restore. Once with our tools and once with
the stock ones."""
import re
import subprocess
import sys

import pytest

import harness
from harness import run, wait_until


class Guest:
    """A host behind a tap device that `ip tuntap` made and that a program like QEMU holds."""

    def __init__(self, net, switch, tap, address):
        self.ns = net.namespace(tap)
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", switch.netns, sys.executable, str(harness.ROOT / "tests/tap_guest.py"), tap, self.ns],
            stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"
        run("ip", "-n", self.ns, "link", "set", "eth0", "up")
        run("ip", "-n", self.ns, "addr", "add", f"{address}/24", "dev", "eth0")

    def ping(self, address):
        return run("ip", "netns", "exec", self.ns, "ping", "-n", "-c", 1, "-W", 2, address, check=False).returncode == 0

    def close(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(params=["ours", "stock"])
def tools(request):
    return getattr(harness, request.param)


@pytest.fixture
def bare(net):
    s = harness.Switch(netns=net.namespace("sw"))
    yield s
    s.close()


def test_walkthrough(net, bare, tools):
    s = bare

    def vsctl(*args):
        return s.tool("ovs-vsctl", f"--db=unix:{s.dir}/db.sock", "--timeout=30", *args, tools=tools).stdout

    def ofctl(*args):
        return s.tool("ovs-ofctl", *args, tools=tools).stdout

    def ip(*args):
        run("ip", "-n", s.netns, *args)

    # 1. A bridge and two virtual interfaces.
    vsctl("add-br", "br-test")
    ip("link", "set", "up", "br-test")
    ip("tuntap", "add", "vnic0", "mode", "tap")
    ip("tuntap", "add", "vnic1", "mode", "tap")
    vsctl("add-port", "br-test", "vnic0")
    vsctl("add-port", "br-test", "vnic1")
    ip("link", "set", "up", "vnic0")
    ip("link", "set", "up", "vnic1")

    # 2, 3. Two machines with addresses reach each other.
    vm0 = Guest(net, s, "vnic0", "192.168.10.100")
    vm1 = Guest(net, s, "vnic1", "192.168.10.101")
    try:
        wait_until(lambda: vm0.ping("192.168.10.101"), what="ping")
        assert vm1.ping("192.168.10.100")

        # 4. Ports.
        assert vsctl("get", "Interface", "vnic0", "ofport") == "1\n"
        show = ofctl("show", "br-test")
        assert re.match(r"OFPT_FEATURES_REPLY \(xid=0x2\): dpid:[0-9a-f]{16}\nn_tables:254, n_buffers:0\n"
                        r"capabilities: FLOW_STATS TABLE_STATS PORT_STATS QUEUE_STATS ARP_MATCH_IP\n"
                        r"actions: output enqueue set_vlan_vid set_vlan_pcp strip_vlan mod_dl_src mod_dl_dst mod_nw_src "
                        r"mod_nw_dst mod_nw_tos mod_tp_src mod_tp_dst\n", show), show
        assert re.search(r"^ 1\(vnic0\): addr:[0-9a-f:]{17}\n     config:     0\n     state:      0\n"
                         r"     current:    10[MG]B-FD COPPER\n     speed: 10(000)? Mbps now, 0 Mbps max\n", show, re.M), show
        assert re.search(r"^ 2\(vnic1\): ", show, re.M)
        assert re.search(r"^ LOCAL\(br-test\): addr:", show, re.M)
        assert show.endswith("OFPT_GET_CONFIG_REPLY (xid=0x4): frags=normal miss_send_len=0\n")

        # 5. The one flow that makes it an ordinary switch.
        flows = ofctl("dump-flows", "br-test")
        assert re.fullmatch(r"(NXST_FLOW reply .*\n)? cookie=0x0, duration=[0-9.]+s, table=0, n_packets=\d+, n_bytes=\d+, (idle_age=\d+, )?priority=0 actions=NORMAL\n",
                            flows), flows

        # 6. Drop what comes from vm0.
        ofctl("del-flows", "br-test", "in_port=1")
        ofctl("add-flow", "br-test", "priority=10,in_port=1,actions=drop")
        flows = ofctl("dump-flows", "br-test")
        assert re.search(r" cookie=0x0, duration=[0-9.]+s, table=0, n_packets=\d+, n_bytes=\d+, (idle_age=\d+, )?priority=10,in_port=(1|vnic0) "
                         r"actions=drop\n", flows), flows
        assert flows.index("priority=10") < flows.index("priority=0 "), flows
        assert not vm0.ping("192.168.10.101")

        # 7. Delete it again.
        ofctl("del-flows", "br-test", "in_port=1")
        assert "drop" not in ofctl("dump-flows", "br-test")
        assert vm0.ping("192.168.10.101")
        capture = subprocess.Popen(["ip", "netns", "exec", s.netns, "tcpdump", "-l", "-n", "-c", "2", "-i", "vnic0", "icmp"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        capture.stderr.readline()
        assert vm0.ping("192.168.10.101")
        out = capture.communicate(timeout=10)[0]
        assert "192.168.10.100 > 192.168.10.101: ICMP echo request" in out
        assert "192.168.10.101 > 192.168.10.100: ICMP echo reply" in out

        # Rate limits and queueing: the commands work and the database has what they say.
        vsctl("set", "interface", "vnic0", "ingress_policing_rate=8", "ingress_policing_burst=2")
        assert "ingress_policing_rate: 8\n" in vsctl("list", "interface", "vnic0")
        vsctl("set", "interface", "vnic0", "ingress_policing_rate=0", "ingress_policing_burst=0")
        qos = vsctl("set", "port", "vnic0", "qos=@newqos", "--", "--id=@newqos", "create", "qos", "type=linux-noop")
        assert vsctl("get", "port", "vnic0", "qos") == qos
        vsctl("clear", "Port", "vnic0", "qos")
        vsctl("--all", "destroy", "qos")
        assert vsctl("list", "qos") == ""

        # VLANs: two ports reach each other as long as they are in the same one.
        vsctl("set", "port", "vnic0", "tag=2")
        assert not vm0.ping("192.168.10.101")
        vsctl("remove", "port", "vnic0", "tag", "2")
        assert vm0.ping("192.168.10.101")
        vsctl("set", "port", "vnic0", "vlan_mode=trunk", "trunks=2")
        assert not vm0.ping("192.168.10.101")
        vsctl("set", "port", "vnic0", "vlan_mode=access", "trunks=[]")
        assert vm0.ping("192.168.10.101")

        # Afterwards, the database.
        assert open(s.db).readline().startswith("OVSDB JSON ")
        assert "br-test" in s.tool("ovsdb-client", "dump", f"unix:{s.dir}/db.sock", tools=tools).stdout
        assert s.tool("ovsdb-client", "list-dbs", f"unix:{s.dir}/db.sock", tools=tools).stdout == "Open_vSwitch\n_Server\n"
        assert re.fullmatch(r"[0-9a-f-]{36}\n    Bridge br-test\n(        .*\n|    .*\n)*", vsctl("show"))
        vsctl("del-br", "br-test")
        assert vsctl("list-br") == ""
        wait_until(lambda: run("ip", "-n", s.netns, "link", "show", "br-test", check=False).returncode, what="br-test goes")
    finally:
        vm0.close()
        vm1.close()

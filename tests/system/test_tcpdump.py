# SPDX-License-Identifier: Apache-2.0
"""ovs-tcpdump: the packets of a port, through a mirror that comes and goes with it."""
import os
import signal
import subprocess

import pytest

import harness
from harness import run, wait_until


@pytest.fixture
def tcpdump(switch):
    started = []

    def start(*args):
        process = subprocess.Popen(["ip", "netns", "exec", switch.netns, harness.OURS / "ovs-tcpdump",
                                    "--db-sock", f"unix:{switch.dir}/db.sock", *args],
                                   env=switch.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def mirrors(switch):
    return switch.vsctl("--bare", "--columns=name", "find", "Mirror").split()


def test_sees_both_directions_and_leaves_nothing(switch, hosts, tcpdump):
    hosts[0].ping(hosts[1].address)
    dump = tcpdump("-i", "p0", "-n", "-l", "-c", "4", "icmp")
    wait_until(lambda: mirrors(switch) == ["m_p0"], what="the mirror")
    wait_until(lambda: "listening on mip0" in dump.stderr.readline(), what="tcpdump listens")
    assert hosts[0].ping(hosts[1].address, count=2)
    out, _ = dump.communicate(timeout=15)
    assert dump.returncode == 0
    assert out.count("192.168.10.100 > 192.168.10.101: ICMP echo request") == 2
    assert out.count("192.168.10.101 > 192.168.10.100: ICMP echo reply") == 2
    assert not mirrors(switch)
    assert switch.vsctl("list-ports", "br0").split() == ["p0", "p1"]
    assert run("ip", "-n", switch.netns, "link", "show", "mip0", check=False).returncode, "the device is gone, too"


def test_writes_a_file_and_cleans_up_when_interrupted(switch, hosts, tcpdump, tmp_path):
    dump = tcpdump("-i", "p1", "-U", "-w", str(tmp_path / "p1.pcap"), "--mirror-to", "see1")
    wait_until(lambda: "listening on see1" in dump.stderr.readline(), what="tcpdump listens")
    assert hosts[0].ping(hosts[1].address)
    wait_until(lambda: os.path.getsize(tmp_path / "p1.pcap") > 24, what="packets in the file")
    os.killpg(dump.pid, signal.SIGINT)
    dump.communicate(timeout=15)
    assert "ICMP echo" in run("tcpdump", "-n", "-r", tmp_path / "p1.pcap").stdout
    assert not mirrors(switch) and switch.vsctl("list-ports", "br0").split() == ["p0", "p1"]


def test_the_mirror_filters(switch, hosts, tcpdump):
    dump = tcpdump("-i", "p0", "-n", "-l", "-c", "2", "--filter", "icmp,nw_src=192.168.10.101")
    wait_until(lambda: "listening on mip0" in dump.stderr.readline(), what="tcpdump listens")
    assert hosts[0].ping(hosts[1].address, count=3)
    out, _ = dump.communicate(timeout=15)
    assert out.count("192.168.10.101 > 192.168.10.100: ICMP echo reply") == 2


def test_mistakes_change_nothing(switch, hosts, tcpdump):
    def errors(*args):
        dump = tcpdump(*args)
        _, err = dump.communicate(timeout=20)
        assert dump.returncode == 1
        assert not mirrors(switch) and switch.vsctl("list-ports", "br0").split() == ["p0", "p1"]
        return err

    assert "must at least specify an interface" in errors()
    assert "could not find interface p7 in the switch" in errors("-i", "p7")
    assert "Must not specify interface multiple times" in errors("-i", "p0", "-i", "p1")
    assert "has 15 letters at most" in errors("-i", "p0", "--mirror-to", "x" * 16)
    assert "Mirror port (p1) exists already" in errors("-i", "p0", "--mirror-to", "p1")
    assert "No such file" in errors("-i", "p0", "--dump-cmd", "/no/such/program")

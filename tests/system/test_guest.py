# SPDX-License-Identifier: Apache-2.0
"""A real guest on a port of type dpdkvhostuserclient: the drivers, offloads and reconnections of QEMU and of Linux."""
import contextlib
import hashlib
import os
import signal
import subprocess

import pytest

import guest
from harness import Host, Net, Switch, wait_until

CSUM, GUEST_CSUM, GUEST_TSO4, HOST_TSO4 = 0, 1, 7, 11  # bits of virtio-net
GUEST, HOST, SIZE = "10.0.0.1", "10.0.0.2", 3_000_000
# It offers a file, and takes one as often as the host asks for it.
SCRIPT = f"""
dd if=/dev/urandom of=/www/up bs=1000 count={SIZE // 1000} 2>/dev/null
echo "up $(sha256sum </www/up)"
httpd -p 80 -h /www
(while :; do
    wget -q -O /down http://{HOST}:8000/down && echo "down $(sha256sum </down)" && rm /down && sleep 1000
    sleep 0.5
done) &
"""
FETCH = "import hashlib, urllib.request as u; d = u.urlopen('http://%s/up', timeout=20).read(); print(len(d), hashlib.sha256(d).hexdigest())"


@pytest.mark.slow
def test_guest(tmp_path):
    if reason := guest.why_not():
        pytest.skip(reason)
    with contextlib.ExitStack() as stack:
        net = Net()
        stack.callback(net.close)
        s = Switch(netns=net.namespace("sw"))
        stack.callback(s.close)
        s.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev")
        host = Host(net, s.netns, "p2", HOST)
        s.vsctl("add-port", "br0", "p2")
        path = tmp_path / "vm.sock"
        s.vsctl("add-port", "br0", "vm", "--", "set", "interface", "vm", "type=dpdkvhostuserclient", f"options:vhost-server-path={path}")
        vm = guest.Guest(tmp_path, path, GUEST, SCRIPT)
        stack.callback(vm.close)
        vm.wait("guest ready")
        assert {CSUM, GUEST_CSUM, GUEST_TSO4, HOST_TSO4} <= vm.features()
        for value in ("false", "true"):
            s.vsctl("set", "open", ".", f"other_config:userspace-tso-enable={value}")
            assert f"userspace-tso-enable={value}: 1 guests that are connected go on as they are" in s.log()
        wait_until(lambda: host.ping(GUEST), what="the guest answers")
        assert "status=connected" in s.vsctl("get", "interface", "vm", "status")
        up_and_down(stack, vm, host, tmp_path)
        # Segments of the guest were larger than a frame, and nobody cut them, as the host takes them so.
        wait_until(lambda: counted(s)[1] > SIZE, what="statistics")
        packets, size = counted(s)
        assert size / packets > 2000, f"{size} bytes in {packets} packets"
        restart(s, host)


def up_and_down(stack, vm, host, tmp_path):
    done = host.run("python3", "-c", FETCH % GUEST).stdout.split()
    assert done[0] == str(SIZE) and f"up {done[1]}" in vm.said()
    data = os.urandom(SIZE)
    (tmp_path / "www").mkdir()
    (tmp_path / "www/down").write_bytes(data)
    server = host.popen("python3", "-m", "http.server", "8000", "--bind", HOST, cwd=tmp_path / "www", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stack.callback(server.wait)
    stack.callback(server.kill)
    vm.wait("down " + hashlib.sha256(data).hexdigest())


def counted(s):
    """What came from the guest: packets, bytes."""
    stats = dict(pair.split("=") for pair in s.vsctl("get", "interface", "vm", "statistics").strip().strip("{}").split(", "))
    return int(stats["rx_packets"]), int(stats["rx_bytes"])


def restart(s, host):
    """The socket is QEMU's: a new switch connects to it, and the guest notices nothing but a pause."""
    for sig in (signal.SIGTERM, signal.SIGKILL):
        s.kill_switch(sig)
        assert not host.ping(GUEST)
        s.start_switch()
        wait_until(lambda: "status=connected" in s.vsctl("get", "interface", "vm", "status"), timeout=20, what="connected again")
        wait_until(lambda: host.ping(GUEST), timeout=20, what="the guest answers again")
    done = host.run("python3", "-c", FETCH % GUEST).stdout.split()
    assert done[0] == str(SIZE)

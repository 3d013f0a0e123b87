# SPDX-License-Identifier: Apache-2.0
"""Killing either daemon at any moment: the other goes on, and everything is as configured afterwards."""
import os
import re
import select
import signal
import socket
import subprocess
import time

from harness import run, wait_until


def pinger(a, b, interval="0.05"):
    return a.popen("ping", "-n", "-i", interval, "-W", "1", b.address, stdout=subprocess.PIPE, text=True)


def stop(process):
    process.send_signal(signal.SIGINT)
    out = process.communicate(timeout=10)[0]
    sent, received = map(int, re.search(r"(\d+) packets transmitted, (\d+) received", out).groups())
    return sent - received


def test_switch_killed_under_ping(hosts, switch):
    a, b = hosts
    switch.vsctl("set", "port", "p0", "tag=3", "--", "set", "port", "p1", "tag=3")
    wait_until(lambda: a.ping(b.address), what="ping")
    ping = pinger(a, b)
    time.sleep(1)
    switch.kill_switch(signal.SIGKILL)
    switch.start_switch()
    wait_until(lambda: a.ping(b.address), what="ping after the restart")
    time.sleep(1)
    assert stop(ping) <= 20  # one second of 50 ms intervals
    assert switch.vsctl("get", "port", "p0", "tag") == "3\n"
    assert switch.vsctl("get", "Interface", "p0", "ofport") == "1\n"


def test_switch_killed_at_random_moments_of_configuration(net, switch, hosts):
    for i in range(5):
        switch.vsctl("--no-wait", "add-port", "br0", f"int{i}", "--", "set", "interface", f"int{i}", "type=internal")
        time.sleep(0.01 * i)
        switch.kill_switch(signal.SIGKILL)
        switch.start_switch()
    for i in range(5):
        wait_until(lambda: switch.vsctl("get", "Interface", f"int{i}", "ofport") not in ("[]\n", "-1\n"), what=f"int{i} is a port")
    ports = switch.ofctl("show", "br0")
    for i in range(5):
        assert f"(int{i}):" in ports


def test_server_restarted_under_ping(hosts, switch):
    a, b = hosts
    wait_until(lambda: a.ping(b.address), what="ping")
    ping = pinger(a, b)
    time.sleep(0.5)
    switch.kill_server(signal.SIGKILL)
    time.sleep(1)
    switch.start_server()
    time.sleep(1)
    assert stop(ping) == 0
    # The switch follows the database again.
    switch.vsctl("add-port", "br0", "after", "--", "set", "interface", "after", "type=internal")
    assert "(after):" in switch.ofctl("show", "br0")


def test_torn_database_is_repaired(switch):
    switch.kill_switch(signal.SIGTERM)
    switch.kill_server(signal.SIGTERM)
    with open(switch.db, "ab") as f:
        f.write(b"OVSDB JSON 500 0123456789012345678901234567890123456789\n{\"torn")
    switch.start_server()
    assert switch.vsctl("--no-wait", "list-br") == "br0\n"
    assert re.search(r"\|(WARN|ERR)\|.*", switch.log("ovsdb-server"))
    switch.vsctl("--no-wait", "set", "bridge", "br0", "external_ids:a=b")
    switch.kill_server(signal.SIGTERM)
    switch.start_server()
    assert switch.vsctl("--no-wait", "get", "bridge", "br0", "external_ids") == "{a=b}\n"
    switch.start_switch()


def test_internal_devices_outlive_the_switch(switch):
    """The bridge's own interface keeps index, address and state over a crash and an exit; `exit --cleanup` and del-br remove it."""
    def link():
        return run("ip", "-n", switch.netns, "-o", "-4", "addr", "show", "dev", "br0", check=False).stdout

    def exists():
        return run("ip", "-n", switch.netns, "link", "show", "br0", check=False).returncode == 0

    run("ip", "-n", switch.netns, "addr", "add", "10.9.8.7/24", "dev", "br0")
    run("ip", "-n", switch.netns, "link", "set", "br0", "up")
    before = link()
    assert "10.9.8.7/24" in before
    for how in (signal.SIGKILL, signal.SIGTERM):
        switch.kill_switch(how)
        assert "10.9.8.7/24" in link()
        switch.start_switch()
        wait_until(lambda: switch.vsctl("get", "Interface", "br0", "link_state") == "up\n", what="br0 is in use again")
        assert link() == before
    switch.appctl("exit", "--cleanup")
    wait_until(lambda: not exists(), what="br0 is removed")
    switch.switch.wait(10)
    switch.start_switch()
    wait_until(exists, what="br0 is made again")
    switch.vsctl("del-br", "br0")
    wait_until(lambda: not exists(), what="br0 is removed")


def test_flows_are_put_back_before_packets_and_controllers_come(switch, hosts):
    """other_config:flow-restore-wait: what ovs-ctl sets while it restores the flows of a restarted switch."""
    with socket.socket(socket.AF_UNIX) as controller:
        controller.bind(f"{switch.dir}/controller")
        controller.listen()
        controller.settimeout(10)
        switch.vsctl("set-fail-mode", "br0", "secure", "--", "set-controller", "br0", f"unix:{switch.dir}/controller")
        controller.accept()[0].close()
        assert not hosts[0].ping(hosts[1].address), "the controller has set no flows"
        switch.vsctl("set", "Open_vSwitch", ".", "other_config:flow-restore-wait=true")
        switch.kill_switch(signal.SIGTERM)
        while select.select([controller], [], [], 0)[0]:
            controller.accept()[0].close()
        switch.start_switch()
        wait_until(lambda: os.path.exists(f"{switch.dir}/br0.mgmt"), what="the bridge")
        switch.ofctl("add-flow", "br0", "priority=7,actions=NORMAL")
        assert not hosts[0].ping(hosts[1].address), "packets have to wait"
        assert not select.select([controller], [], [], 0)[0], "controllers have to wait"
        switch.vsctl("remove", "Open_vSwitch", ".", "other_config", "flow-restore-wait")
        controller.accept()[0].close()
        wait_until(lambda: hosts[0].ping(hosts[1].address), what="ping")
        assert "priority=7" in switch.ofctl("dump-flows", "br0"), "what was restored stays"

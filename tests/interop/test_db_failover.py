# SPDX-License-Identifier: Apache-2.0
"""Our database clients where there are several servers: a cluster of stock servers that loses its leader, and an active-backup pair
of ours."""
import contextlib
import json
import os
import random
import re
import signal
import subprocess
import time

import pytest

import harness
from harness import run, wait_until

SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"


def have_stock():
    with contextlib.suppress(FileNotFoundError):
        return all(harness.stock(p) for p in ("ovsdb-server", "ovsdb-tool"))
    return False


pytestmark = pytest.mark.skipif(not have_stock(), reason="the stock programs are not installed")


class Server:
    """One database server with a directory of its own."""

    def __init__(self, directory, tools, *args):
        os.makedirs(directory, exist_ok=True)
        self.dir, self.tools, self.args = str(directory), tools, args
        self.target = f"unix:{self.dir}/db.sock"
        self.env = dict(os.environ, OVS_RUNDIR=self.dir, OVS_DBDIR=self.dir, OVS_LOGDIR=self.dir)
        self.process = None

    def start(self):
        self.process = subprocess.Popen([self.tools("ovsdb-server"), f"{self.dir}/db", f"--remote=p{self.target}",
                                         f"--unixctl={self.dir}/ctl", "-vconsole:off", *self.args], env=self.env, cwd=self.dir)
        wait_until(lambda: os.path.exists(f"{self.dir}/db.sock") and os.path.exists(f"{self.dir}/ctl"), what="server")

    def stop(self, sig=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(sig)
            self.process.wait(10)
        self.process = None

    def appctl(self, *args):
        return run(self.tools("ovs-appctl"), "-t", f"{self.dir}/ctl", *args, env=self.env, check=False).stdout

    def is_leader(self):
        return self.process and "Role: leader" in self.appctl("cluster/status", "Open_vSwitch")


@pytest.fixture
def cluster(tmp_path):
    """Three stock servers with the database of Open vSwitch."""
    tool = harness.stock("ovsdb-tool")
    base = random.randrange(20000, 50000)
    addresses = [f"tcp:127.0.0.1:{base + i}" for i in range(3)]
    servers = [Server(tmp_path / name, harness.stock) for name in "abc"]
    run(tool, "create-cluster", f"{servers[0].dir}/db", SCHEMA, addresses[0])
    for i in (1, 2):
        run(tool, "join-cluster", f"{servers[i].dir}/db", "Open_vSwitch", addresses[i], addresses[0])
    try:
        for s in servers:
            s.start()
        for s in servers:
            run(harness.ours("ovsdb-client"), "-t", "20", "wait", s.target, "Open_vSwitch", "connected")
        yield servers
    finally:
        for s in servers:
            s.stop(signal.SIGKILL)


def leader_of(servers):
    return wait_until(lambda: next((s for s in servers if s.is_leader()), None), what="a leader")


def test_tools_with_a_cluster(cluster):
    all_targets = ",".join(s.target for s in cluster)
    leader = leader_of(cluster)
    followers = [s for s in cluster if s is not leader]
    vsctl = [harness.ours("ovs-vsctl"), "--no-wait", "-t20"]
    client = harness.ours("ovsdb-client")
    run(*vsctl, f"--db={all_targets}", "add-br", "br0")
    query = json.dumps(["Open_vSwitch", {"op": "select", "table": "Bridge", "where": [], "columns": ["name"]}])
    for _ in range(3):  # in random order: followers are passed over
        assert run(*vsctl, f"--db={all_targets}", "list-br").stdout == "br0\n"
        done = run(client, "-vconsole:off", "-t20", "transact", all_targets, query)
        assert json.loads(done.stdout) == [{"rows": [{"name": "br0"}]}]
    wait_until(lambda: run(*vsctl, f"--db={followers[0].target}", "list-br").stdout == "br0\n", what="a follower alone is good enough")
    two = ",".join(s.target for s in followers)
    done = run(client, "-t20", "query", two, query, check=False)
    assert done.returncode == 1 and "no servers were available" in done.stderr and "not the leader" in done.stderr
    assert run(client, "-t20", "--no-leader-only", "query", two, query).returncode == 0
    assert run(*vsctl, "--no-leader-only", f"--db={two}", "list-br").stdout == "br0\n"
    # The leader dies: who wants a leader waits for the next.
    leader.stop(signal.SIGKILL)
    run(*vsctl, "--retry", f"--db={all_targets}", "--", "add-br", "br1")
    assert leader_of(followers)
    assert run(*vsctl, "--retry", f"--db={all_targets}", "list-br").stdout == "br0\nbr1\n"


def test_switch_with_a_cluster(cluster, tmp_path):
    """ovs-vswitchd goes on when the server that it uses dies, and with one of two servers that has lost the majority."""
    env = dict(os.environ, OVS_RUNDIR=str(tmp_path), OVS_LOGDIR=str(tmp_path))
    targets = ",".join(s.target for s in cluster)
    vsctl = [harness.ours("ovs-vsctl"), "-t20", "--retry", f"--db={targets}"]
    run(*vsctl, "--no-wait", "init", env=env)
    out = open(tmp_path / "out", "w")
    switch = subprocess.Popen([harness.ours("ovs-vswitchd"), targets, "--enable-dummy", "--disable-system", "--pidfile", "-vconsole:info"],
                              env=env, cwd=tmp_path, stderr=out)
    try:
        run(*vsctl, "add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", env=env)
        for i in range(3):
            run(*vsctl, "add-port", "br0", f"p{i}", "--", "set", "interface", f"p{i}", "type=dummy", env=env)
            assert int(run(*vsctl, "get", "interface", f"p{i}", "ofport", env=env).stdout) > 0
            if i < 2:
                # One after the other: with the second the majority is gone, so it comes back.
                victim = leader_of(cluster)
                victim.stop(signal.SIGKILL)
                leader_of([s for s in cluster if s is not victim])
                victim.start()
        assert switch.poll() is None
    finally:
        switch.terminate()
        switch.wait(10)
        out.close()
    text = (tmp_path / "out").read_text()
    assert not re.search(r"(?m)\|(?!dpdk\|)\w+\|(EMER|ERR)\|", text), text


def test_active_backup_pair_of_ours(tmp_path):
    """The client follows when the backup becomes the active one."""
    one, two = (Server(tmp_path / name, harness.ours) for name in "ab")
    for s in (one, two):
        run(harness.ours("ovsdb-tool"), "create", f"{s.dir}/db", SCHEMA)
    two.args = (f"--sync-from={one.target}",)
    targets = f"{one.target},{two.target}"
    env = dict(os.environ, OVS_RUNDIR=str(tmp_path))
    vsctl = [harness.ours("ovs-vsctl"), "-t20", "--no-wait", "--no-shuffle-remotes", f"--db={targets}"]
    try:
        one.start()
        two.start()
        run(*vsctl, "add-br", "br0", env=env)
        waiting = subprocess.Popen([*vsctl, "--retry", "wait-until", "bridge", "br1"], env=env)
        wait_until(lambda: run(harness.ours("ovs-vsctl"), "--no-wait", f"--db={two.target}", "list-br", env=env).stdout == "br0\n", what="replication")
        one.stop(signal.SIGKILL)
        two.appctl("ovsdb-server/disconnect-active-ovsdb-server")
        run(*vsctl, "--retry", "add-br", "br1", env=env)
        assert waiting.wait(20) == 0
        assert run(*vsctl, "list-br", env=env).stdout == "br0\nbr1\n"
    finally:
        one.stop(signal.SIGKILL)
        two.stop(signal.SIGKILL)


def test_several_waiters_come_back(tmp_path):
    """The server is away for a while: all that wait find it again, and see what they waited for."""
    server = Server(tmp_path / "a", harness.ours)
    run(harness.ours("ovsdb-tool"), "create", f"{server.dir}/db", SCHEMA)
    vsctl = [harness.ours("ovs-vsctl"), "-t20", "--no-wait", "--retry", f"--db={server.target}"]
    try:
        server.start()
        run(*vsctl, "add-br", "br0")
        waiting = [subprocess.Popen([*vsctl, "wait-until", "bridge", "br0", f"external_ids:n={i}"]) for i in (1, 2, 2, 3)]
        time.sleep(0.3)
        server.stop(signal.SIGKILL)
        time.sleep(0.3)
        server.start()
        for i, group in ((1, waiting[:1]), (2, waiting[1:3]), (3, waiting[3:])):
            assert all(p.poll() is None for p in group)
            run(*vsctl, "set", "bridge", "br0", f"external_ids:n={i}")
            assert all(p.wait(20) == 0 for p in group)
    finally:
        for p in locals().get("waiting", []):
            if p.poll() is None:
                p.kill()
        server.stop(signal.SIGKILL)

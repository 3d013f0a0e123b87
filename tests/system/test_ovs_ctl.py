# SPDX-License-Identifier: Apache-2.0
"""ovs-ctl: what boot scripts and service managers call."""
import os
import re

import pytest

import harness
from harness import run


class Ctl:
    """ovs-ctl with directories and a namespace of its own."""

    def __init__(self, net, path):
        self.ns, self.path = net.namespace("ctl"), path
        self.env = dict(os.environ, PATH=f"{harness.OURS}:{os.environ['PATH']}")
        for name in ("RUNDIR", "LOGDIR", "DBDIR", "SYSCONFDIR"):
            (path / name).mkdir()
            self.env[f"OVS_{name}"] = str(path / name)

    def tool(self, *argv, **kw):
        return run("ip", "netns", "exec", self.ns, *argv, env=self.env, **kw)

    def __call__(self, *argv, **kw):
        return self.tool("ovs-ctl", *argv, **kw)

    def pids(self):
        return [(self.path / "RUNDIR" / f"{daemon}.pid").read_text() for daemon in ("ovsdb-server", "ovs-vswitchd")]


@pytest.fixture
def ctl(net, tmp_path):
    ctl = Ctl(net, tmp_path)
    yield ctl
    ctl("stop", check=False)


def start(ctl, *options):
    return ctl("--system-id=random", "--no-mlockall", *options, "start")


def test_start_status_stop(ctl):
    done = ctl("status", check=False)
    assert (done.returncode, done.stdout) == (1, "ovsdb-server is not running\novs-vswitchd is not running\n")
    done = start(ctl, "--external-id=a=one word", "--external-id=b=2")
    assert "conf.db does not exist ... (warning)." in done.stderr
    assert "Creating empty database" in done.stdout and "Starting ovs-vswitchd." in done.stdout
    assert re.fullmatch(r"ovsdb-server is running with pid \d+\novs-vswitchd is running with pid \d+\n", ctl("status").stdout)
    # The bridge is there as soon as the command returns, also after a start.
    ctl.tool("ovs-vsctl", "--no-wait", "add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev")
    ids = ctl.tool("ovs-vsctl", "get", "Open_vSwitch", ".", "external_ids").stdout
    identity = (ctl.path / "SYSCONFDIR/openvswitch/system-id.conf").read_text().strip()
    assert f'system-id="{identity}"' in ids and 'a="one word"' in ids and 'b="2"' in ids
    assert "hostname=" in ids and f'rundir="{ctl.path}/RUNDIR"' in ids
    before = ctl.pids()
    assert "ovsdb-server is already running." in start(ctl).stdout
    assert ctl.pids() == before
    assert re.search(r"Exiting ovs-vswitchd \(\d+\).\nExiting ovsdb-server \(\d+\).", ctl("stop").stdout)
    assert ctl("stop").stdout == "ovs-vswitchd is not running.\novsdb-server is not running.\n"
    start(ctl)
    assert "br0" in ctl.tool("ovs-ofctl", "show", "br0").stdout
    assert identity in ctl.tool("ovs-vsctl", "get", "Open_vSwitch", ".", "external_ids:system-id").stdout


def test_restart_brings_flows_and_groups_back(ctl):
    start(ctl)
    ctl.tool("ovs-vsctl", "add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev")
    ctl.tool("ovs-ofctl", "-O", "OpenFlow13", "add-group", "br0", "group_id=7,type=all,bucket=output:LOCAL,bucket=output:1")
    ctl.tool("ovs-ofctl", "add-flows", "br0", "-", stdin="table=3,cookie=0x9,priority=8,tcp,tp_dst=80,actions=group:7\n"
             "priority=3,ip,nw_src=10.0.0.0/8,idle_timeout=500,actions=mod_dl_dst:00:00:00:00:00:01,LOCAL\n")

    def flows():
        return (ctl.tool("ovs-ofctl", "--no-stats", "dump-flows", "br0").stdout,
                ctl.tool("ovs-ofctl", "-O", "OpenFlow13", "dump-groups", "br0").stdout)

    had, before = flows(), ctl.pids()
    done = ctl("--system-id=random", "--no-mlockall", "restart")
    assert "Saving flows." in done.stdout and "Restoring saved flows." in done.stdout
    assert not set(ctl.pids()) & set(before)
    assert flows() == had
    assert "flow-restore-wait" not in ctl.tool("ovs-vsctl", "get", "Open_vSwitch", ".", "other_config").stdout


def test_ports_and_bridges_that_do_not_outlive_a_boot(ctl):
    start(ctl)
    ctl.tool("ovs-vsctl", "add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev",
             "--", "add-port", "br0", "t0", "--", "set", "port", "t0", "other_config:transient=true",
             "--", "set", "interface", "t0", "type=internal", "--", "add-port", "br0", "t1", "--", "set", "interface", "t1",
             "type=internal")
    ctl("delete-transient-ports")
    assert ctl.tool("ovs-vsctl", "list-ports", "br0").stdout == "t1\n"
    ctl("stop")
    start(ctl, "--delete-bridges")
    assert ctl.tool("ovs-vsctl", "list-br").stdout == ""


def test_an_old_schema_is_converted(ctl):
    schema = "/usr/share/openvswitch/vswitch.ovsschema"
    db = ctl.path / "DBDIR/conf.db"
    ctl.tool("ovsdb-tool", "create", db, schema)
    old = ctl.tool("ovsdb-tool", "db-version", db).stdout.strip()
    done = start(ctl)
    assert "Converting database schema." in done.stdout
    assert (ctl.path / f"DBDIR/conf.db.backup{old}").exists()
    assert ctl.tool("ovsdb-tool", "needs-conversion", db, harness.ROOT / "src/dbclient/vswitch.ovsschema").stdout == "no\n"


@pytest.mark.parametrize("argv, text", [
    (["bogus"], 'unknown command "bogus" (use --help for help)'),
    (["--bogus", "start"], 'unknown option "--bogus" (use --help for help)'),
    (["--bogus=1", "start"], 'unknown option "--bogus=1" (use --help for help)'),
    ([], "missing command name (use --help for help)"),
    (["--ovs-vswitchd-wrapper=gdb", "--no-ovsdb-server", "start"],
     'unknown wrapper "gdb" for ovs-vswitchd (valgrind, strace or glibc)'),
    (["--protocol=gre", "--dport=5", "enable-protocol"], "--sport and --dport go with --protocol=tcp or --protocol=udp"),
])
def test_mistakes(argv, text):
    done = run(harness.OURS / "ovs-ctl", *argv, check=False)
    assert (done.returncode, done.stderr) == (1, f"ovs-ctl: {text}\n")

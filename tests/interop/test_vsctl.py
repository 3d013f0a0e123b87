# SPDX-License-Identifier: Apache-2.0
"""ovs-vsctl beside the stock one: the same command lines against the same server give the same output, messages and exit status,
apart from UUIDs and from the order of what has no order. Ours against the stock server, the stock one against ours, ours against ours."""
import contextlib
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness  # noqa: E402

COMMANDS = pathlib.Path(__file__).with_name("vsctl_commands.txt")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# Our server says where a mistake is.
WHERE = re.compile(r" \(table \w+(, column \w+(, row [^)]+|, whose default does not do)?)?\)")
LOG_PREFIX = re.compile(r"^\d{4}-\S+Z\|\d+", re.M)


def have_stock():
    with contextlib.suppress(FileNotFoundError):
        return all(harness.stock(p) for p in ("ovs-vsctl", "ovsdb-server"))
    return False


needs_stock = pytest.mark.skipif(not have_stock(), reason="the stock programs are not installed")


def sections():
    found = {}
    for line in COMMANDS.read_text().splitlines():
        if line.startswith("# --- "):
            current = found.setdefault(line[6:], [])
        elif line.startswith("$"):
            current.append(shlex.split(line[1:]))
    return found


class Database:
    """A server of one side with an empty configuration, without a switch."""

    def __init__(self, tools):
        self.switch = harness.Switch(dbserver_tools=tools, start=False)
        self.switch.start_server()
        self.env = self.switch.env

    def vsctl(self, tools, *argv, wait=False, timeout=20):
        options = [] if wait else ["--no-wait"]
        return subprocess.run([tools("ovs-vsctl"), *options, *argv], env=self.env, capture_output=True, text=True,
                              timeout=timeout)


@pytest.fixture
def database():
    made = []

    def make(tools):
        made.append(Database(tools))
        return made[-1]

    yield make
    for db in made:
        db.switch.close()


def sort_tree(text):
    """Sorts the children of each line of "show", which come in the order of their UUIDs."""
    root = (-1, "", [])
    stack = [root]
    for line in text.splitlines():
        depth = len(line) - len(line.lstrip())
        while stack[-1][0] >= depth:
            stack.pop()
        node = (depth, line, [])
        stack[-1][2].append(node)
        stack.append(node)

    def render(node):
        return "".join(sorted(child[1] + "\n" + render(child) for child in node[2]))

    return render(root)


def sort_records(text):
    return sorted(text.rstrip("\n").split("\n\n"))


def normalize(argv, done, env, program):
    out = UUID.sub("<uuid>", done.stdout)
    words = set(argv)
    if "show" in words:
        out = sort_tree(out)
    elif words & {"list", "find"}:
        out = sort_records(out) if not any("format=" in w or w == "-f" for w in argv) else sorted(out.splitlines())
    err = UUID.sub("<uuid>", LOG_PREFIX.sub("", done.stderr))
    err = WHERE.sub("", err)
    err = err.replace(env["OVS_RUNDIR"], "<dir>").replace(program, "ovs-vsctl")
    return out, err, done.returncode


def transcript(db, tools, commands):
    program = tools("ovs-vsctl")
    return [(" ".join(argv), normalize(argv, db.vsctl(tools, *argv), db.env, program)) for argv in commands]


@pytest.fixture(scope="module")
def reference():
    """What the stock program says to each section with the stock server."""
    if not have_stock():
        pytest.skip("the stock programs are not installed")
    result = {}
    for name, commands in sections().items():
        db = Database(harness.stock)
        try:
            result[name] = transcript(db, harness.stock, commands)
        finally:
            db.switch.close()
    return result


PAIRS = [("ours", "stock"), ("stock", "ours"), ("ours", "ours")]


@needs_stock
@pytest.mark.parametrize("section", sections())
@pytest.mark.parametrize("vsctl,server", PAIRS, ids=lambda v: v)
def test_same_words(reference, database, section, vsctl, server):
    tools = {"ours": harness.ours, "stock": harness.stock}
    got = transcript(database(tools[server]), tools[vsctl], sections()[section])
    wrong = [f"$ {command}\nwanted {want}\ngot    {have}"
             for (command, want), (_, have) in zip(reference[section], got) if want != have]
    assert not wrong, "\n".join(wrong)


@needs_stock
def test_same_database(database):
    """The rows that the two make are the same, column by column."""
    commands = ["add-br br0", "add-port br0 p0 tag=5", "add-bond br0 b0 e0 e1 lacp=active", "add-br f0 br0 7", "add-port f0 fp",
                "set-controller br0 tcp:1.2.3.4", "set-manager ptcp:6640", "set bridge br0 other_config:a=b stp_enable=true",
                "del-port p0", "--bootstrap set-ssl a b c", "add-aa-mapping br0 1 2", "br-set-external-id f0 k v"]

    def dump(tools):
        db = database(harness.stock)
        for command in commands:
            assert db.vsctl(tools, *command.split()).returncode == 0
        tables = ["Open_vSwitch", "Bridge", "Port", "Interface", "Controller", "Manager", "SSL", "AutoAttach"]
        return [sort_records(UUID.sub("<uuid>", db.vsctl(harness.stock, "list", table).stdout)) for table in tables]

    assert dump(harness.ours) == dump(harness.stock)


def test_adding_a_port_is_a_mutation(database):
    """The bridge's row is not rewritten: two who add ports at once do not disturb each other."""
    db = database(harness.ours)
    assert db.vsctl(harness.ours, "add-br", "br0").returncode == 0
    everybody = [subprocess.Popen([harness.ours("ovs-vsctl"), "--no-wait", "add-port", "br0", f"p{i}"], env=db.env)
                 for i in range(20)]
    assert [p.wait(20) for p in everybody] == [0] * 20
    assert len(db.vsctl(harness.ours, "list-ports", "br0").stdout.split()) == 20


def test_wait_until_sees_a_change(database):
    db = database(harness.ours)
    waiting = subprocess.Popen([harness.ours("ovs-vsctl"), "--no-wait", "-t10", "wait-until", "bridge", "br0", "stp_enable=true",
                                "--", "get", "bridge", "br0", "name"], env=db.env, stdout=subprocess.PIPE, text=True)
    db.vsctl(harness.ours, "add-br", "br0")
    time.sleep(0.2)
    assert waiting.poll() is None
    db.vsctl(harness.ours, "set", "bridge", "br0", "stp_enable=true")
    assert waiting.communicate(timeout=10)[0] == "br0\n"
    assert waiting.returncode == 0


def test_waits_for_the_switch(database):
    """Without --no-wait it ends when cur_cfg has caught up with what it asked for, and tells which new port failed."""
    db = database(harness.ours)
    adding = subprocess.Popen([harness.ours("ovs-vsctl"), "-t10", "add-br", "br0", "--", "add-port", "br0", "bad"], env=db.env,
                              stderr=subprocess.PIPE, text=True)
    harness.wait_until(lambda: db.vsctl(harness.ours, "get", "open", ".", "next_cfg").stdout.strip() == "1")
    assert adding.poll() is None
    db.vsctl(harness.ours, "set", "interface", "bad", "ofport=-1", 'error="no such device"', "--", "set", "interface", "br0",
             "ofport=65534", "--", "set", "open", ".", "cur_cfg=1")
    _, err = adding.communicate(timeout=10)
    assert adding.returncode == 0
    assert err == (f"ovs-vsctl: Error detected while setting up 'bad': no such device.  See ovs-vswitchd log for details.\n"
                   f"ovs-vsctl: The default log directory is \"{db.env['OVS_LOGDIR']}\".\n")


def test_no_wait_for_nothing(database):
    """A command that changes nothing does not wait."""
    db = database(harness.ours)
    db.vsctl(harness.ours, "add-br", "br0")
    assert db.vsctl(harness.ours, "--may-exist", "add-br", "br0", wait=True, timeout=5).returncode == 0
    assert db.vsctl(harness.ours, "--dry-run", "add-br", "br1", wait=True, timeout=5).returncode == 0
    assert db.vsctl(harness.ours, "list-br").stdout == "br0\n"


def test_retry_waits_for_the_server(database):
    db = database(harness.ours)
    db.switch.kill_server()
    waiting = subprocess.Popen([harness.ours("ovs-vsctl"), "--no-wait", "--retry", "-t20", "init"], env=db.env)
    time.sleep(0.3)
    assert waiting.poll() is None
    db.switch.start_server()
    assert waiting.wait(20) == 0


def test_listens_for_the_server(database):
    """With a passive --db it waits for a server to come."""
    db = database(harness.ours)
    db.vsctl(harness.ours, "add-br", "br0")
    waiting = subprocess.Popen([harness.ours("ovs-vsctl"), "--no-wait", "-t20", "--db=ptcp:17640:127.0.0.1", "list-br"], env=db.env,
                               stdout=subprocess.PIPE, text=True)
    time.sleep(0.2)
    assert waiting.poll() is None
    assert db.vsctl(harness.ours, "set-manager", "tcp:127.0.0.1:17640").returncode == 0
    assert waiting.communicate(timeout=20)[0] == "br0\n"
    assert waiting.returncode == 0


def test_zone_limits(database):
    db = database(harness.ours)

    def vsctl(*argv):
        done = db.vsctl(harness.ours, *argv)
        return done.stdout + done.stderr

    vsctl("--", "--id=@d", "create", "datapath", "datapath_version=1", "--", "set", "open", ".", "datapaths:netdev=@d")
    assert vsctl("set-zone-limit", "netdev", "default", "5") == ""
    assert vsctl("set-zone-limit", "netdev", "zone=3", "10") == ""
    assert vsctl("list-zone-limits", "netdev") == "Default limit: 5\nZone: 3, Limit: 10\n"
    # Timeouts and a limit live in one zone, and each goes alone.
    assert vsctl("add-zone-tp", "netdev", "zone=3", "icmp_first=1", "icmp_reply=2") == ""
    assert vsctl("list-zone-tp", "netdev") == "Zone:3, Timeout Policies: icmp_first=1 icmp_reply=2\n"
    assert vsctl("del-zone-limit", "netdev", "zone=3") == ""
    assert vsctl("del-zone-limit", "netdev", "zone=3") == "ovs-vsctl: zone_id 3 does not have a limit\n"
    assert vsctl("--if-exists", "del-zone-limit", "netdev", "zone=3") == ""
    assert vsctl("list-zone-tp", "netdev").startswith("Zone:3")
    assert vsctl("del-zone-tp", "netdev", "zone=3") == ""
    assert vsctl("list", "ct_zone") == ""
    assert "from 0 to 4294967295" in vsctl("set-zone-limit", "netdev", "zone=3", "-1")
    assert "from 0 to 65535" in vsctl("set-zone-limit", "netdev", "zone=65536", "1")


def test_many_commands_at_once(database):
    """A command line of a thousand ports is one transaction and a matter of a moment."""
    db = database(harness.ours)
    argv = ["add-br", "br0"]
    for i in range(1000):
        argv += ["--", "add-port", "br0", f"p{i}"]
    start = time.monotonic()
    assert db.vsctl(harness.ours, *argv).returncode == 0
    assert time.monotonic() - start < 10
    assert len(db.vsctl(harness.ours, "list-ports", "br0").stdout.split()) == 1000
    assert os.path.getsize(db.switch.db) < 1_000_000

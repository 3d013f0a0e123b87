# SPDX-License-Identifier: Apache-2.0
"""What service managers rely on: --detach, --pidfile, --monitor, --user, --log-file, one instance only, vlog/set while running."""
import contextlib
import os
import pathlib
import pwd
import re
import signal

import pytest

import harness
from harness import run, wait_until

SCHEMA = harness.ROOT / "src/dbclient/vswitch.ovsschema"


class Place:
    def __init__(self, path):
        self.path = path
        self.env = dict(os.environ, OVS_RUNDIR=str(path), OVS_DBDIR=str(path), OVS_LOGDIR=str(path))
        self.tool("ovsdb-tool", "create", path / "conf.db", SCHEMA)

    def tool(self, program, *args, **kw):
        return run(harness.ours(program), *args, env=self.env, timeout=20, **kw)

    def server(self, *args, **kw):
        return self.tool("ovsdb-server", self.path / "conf.db", f"--remote=punix:{self.path}/db.sock", "--pidfile", "--detach",
                         "--log-file", *args, **kw)

    def pid(self, program="ovsdb-server"):
        try:
            return int((self.path / f"{program}.pid").read_text())
        except (FileNotFoundError, ValueError):
            return 0

    def names(self):
        return self.tool("ovsdb-client", "list-dbs", f"unix:{self.path}/db.sock", check=False).stdout


@pytest.fixture
def place(tmp_path):
    p = Place(tmp_path)
    yield p
    for program in ("ovs-vswitchd", "ovsdb-server"):
        if p.pid(program):
            with contextlib.suppress(ProcessLookupError):
                os.kill(p.pid(program), signal.SIGTERM)
            wait_until(lambda: not p.pid(program), what=f"{program} ends")


def test_detached_daemon_answers_when_its_starter_returns(place):
    # The starter's output is a pipe here: it ends, so nobody in the background holds it.
    assert "opened log file" in place.server("--no-chdir").stderr
    assert "Open_vSwitch" in place.names()
    pid = place.pid()
    assert os.readlink(f"/proc/{pid}/cwd") == os.getcwd()
    assert {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in range(3)} == {"/dev/null"}
    second = place.server(check=False)
    assert second.returncode == 1
    assert second.stderr.endswith(f"ovsdb-server: {place.path}/ovsdb-server.pid: already running as pid {pid}, aborting\n")
    assert place.pid() == pid
    place.tool("ovs-appctl", "-t", "ovsdb-server", "exit")
    wait_until(lambda: not place.pid(), what="the pidfile goes")


def test_monitor_restarts_a_crashed_daemon(place):
    place.server("--monitor")
    first = place.pid()
    assert os.readlink(f"/proc/{first}/cwd") == "/"
    os.kill(first, signal.SIGABRT)  # a sanitizer would take SIGSEGV for itself
    wait_until(lambda: place.pid() not in (0, first), timeout=5, what="a new daemon at once")
    wait_until(lambda: "Open_vSwitch" in place.names(), what="it answers")
    log = (place.path / "ovsdb-server.log").read_text()
    assert re.search(rf"\|daemon\|ERR\|1 crashes: pid {first} died, killed \(Aborted\), restarting\n", log), log
    monitor = int(re.search(r"PPid:\t(\d+)", pathlib.Path(f"/proc/{place.pid()}/status").read_text()).group(1))
    place.tool("ovs-appctl", "-t", "ovsdb-server", "exit")
    wait_until(lambda: not os.path.exists(f"/proc/{monitor}"), what="the monitor follows an ordinary end")


def test_user(place):
    if not harness.is_root():
        pytest.skip("needs root: --user")
    place.path.chmod(0o755)
    nobody = pwd.getpwnam("nobody")
    for path in (place.path, *place.path.iterdir()):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    # pytest's directories above are closed to others; a socket and files are reached through a directory that is not.
    for parent in place.path.parents[:3]:
        parent.chmod(parent.stat().st_mode | 0o011)
    place.server("--user=nobody")
    status = pathlib.Path(f"/proc/{place.pid()}/status").read_text()
    assert re.search(rf"Uid:(\t{nobody.pw_uid}){{4}}\n", status) and re.search(r"CapEff:\t0+\n", status), status
    place.tool("ovs-vsctl", f"--db=unix:{place.path}/db.sock", "--no-wait", "add-br", "b")
    bad = place.tool("ovs-vswitchd", "--user=nosuchuser", check=False)
    assert bad.returncode == 1 and "nosuchuser" in bad.stderr


def test_log_lines_and_levels(place):
    place.server()

    def appctl(*args, **kw):
        return place.tool("ovs-appctl", "-t", "ovsdb-server", *args, **kw)

    log = place.path / "ovsdb-server.log"
    for line in log.read_text().splitlines():
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\|\d{5}\|[a-z_]+(\([a-z0-9_-]+\))?\|(EMER|ERR|WARN|INFO|DBG)\|", line), line
    appctl("vlog/set", "file:dbg")
    assert re.search(r"^vlog +OFF +\S+ +DBG$", appctl("vlog/list").stdout, re.M), appctl("vlog/list").stdout
    appctl("vlog/set", "PATTERN:file:%p %c %m")
    assert re.search(r"^FILE +none +%p %c %m$", appctl("vlog/list-pattern").stdout, re.M)
    log.rename(place.path / "old.log")
    appctl("vlog/reopen")
    assert "INFO vlog opened log file" in log.read_text()
    bad = appctl("vlog/set", "nonsense:file:dbg", check=False)
    assert bad.returncode == 2 and 'no destination, level, or module "nonsense"' in bad.stderr
    assert appctl("--format", "json", "version").stdout.startswith('{"reply-format":"plain","reply":"ovsdb-server (Open vSwitch) ')

# SPDX-License-Identifier: Apache-2.0
"""--syslog-method, --syslog-target and facilities: what our programs send is what stock's send, and no syslog daemon can hold them up."""
import os
import re
import socket
import subprocess

import pytest

import dbharness
from harness import Net, Switch, is_root, ours, stock, wait_until

TEXT = "tcp_src=5,actions=1"  # both programs say three times what they think of it
SCHEMA = {"name": "small", "tables": {"T": {"columns": {"a": {"type": "integer"}}}}}
METHODS = ["unix:SOCKET", "udp:127.0.0.1:PORT", "null", "target"]


@pytest.fixture
def receivers(tmp_path):
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as unix, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        unix.bind(path)
        udp.bind(("127.0.0.1", 0))
        yield path, unix, udp


def once(texts):
    return list(dict.fromkeys(texts))


def waiting(*sockets):
    """The datagrams that are there, without what is never the same twice: times, and that stock says things twice."""
    texts = []
    for s in sockets:
        s.setblocking(False)
        while True:
            try:
                texts.append(s.recv(65536).decode())
            except BlockingIOError:
                break
    return once(re.sub(r"T[\d:]{8}\.\d{3}Z (\S+ \S+) \d+ ", r"TIME \1 PID ", re.sub(r"\|\d{5}\|", "|N|", t)) for t in texts)


def options(method, path, udp):
    if method == "target":
        return ["--syslog-method=null", f"--syslog-target=127.0.0.1:{udp.getsockname()[1]}"]
    return ["--syslog-method=" + method.replace("SOCKET", path).replace("PORT", str(udp.getsockname()[1]))]


def parse(side, *words, env=None):
    done = subprocess.run([side("ovs-ofctl"), *words, "parse-flow", TEXT], capture_output=True, text=True, timeout=30, env=dict(os.environ, **(env or {})))
    return done.returncode, done.stderr


@pytest.mark.parametrize("extra", [[], ["-vPATTERN:syslog:%A <%B> %c-%-6p|%m"], ["-vFACILITY:ftp"], ["-vsyslog:err"], ["-vFACILITY:local3", "-vPATTERN:syslog:<%B> %m\nx"]],
                         ids=["plain", "pattern", "facility", "level", "lines"])
@pytest.mark.parametrize("method", METHODS)
def test_messages(receivers, method, extra):
    path, unix, udp = receivers
    got = []
    for side in (stock, ours):
        assert parse(side, *options(method, path, udp), *extra)[0] == 0
        got.append(waiting(unix, udp))
    assert got[0] == got[1]
    assert bool(got[0]) == (method != "null" and extra != ["-vsyslog:err"])


@pytest.mark.parametrize("name", "kern user mail daemon auth syslog lpr news uucp clock ftp ntp audit alert clock2 local0 local7 cron".split())
def test_facility_in_pattern(name):
    words = [f"-vFACILITY:{name}", "-vPATTERN:console:%B", "-vconsole:info"]
    theirs, mine = (parse(side, *words) for side in (stock, ours))
    assert theirs[0] == mine[0] and once(theirs[1].split("\n")) == once(mine[1].split("\n"))


def test_environment(receivers):
    path, unix, udp = receivers
    got = []
    for side in (stock, ours):
        parse(side, env={"OVS_SYSLOG_METHOD": f"unix:{path}"})
        got.append(waiting(unix, udp))
    assert got[0] and got[0] == got[1]


@pytest.mark.parametrize("word,why", [
    ("method=foo", "unsupported syslog method 'foo'"), ("method=", "unsupported syslog method ''"), ("method=unix", "unsupported syslog method 'unix'"),
    ("method=unix:", "name of a socket"), ("method=unix:/" + 108 * "x", "name of a socket"), ("method=udp:localhost:1", "bad IP address"),
    ("method=udp:127.0.0.1:70000", "bad port number"), ("method=udp:127.0.0.1:1x", "bad port number"), ("method=udp:[::1", "']' expected"),
    ("target=127.0.0.1", "port must be specified"), ("target=", "port must be specified"), ("target=127.0.0.1:0", "bad port number")])
def test_mistakes(word, why):
    status, err = parse(ours, f"--syslog-{word}")
    assert status == 1 and why in err and err.startswith("ovs-ofctl: "), err


def test_ipv6(receivers):
    if not socket.has_ipv6:
        pytest.skip("no IPv6")
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        s.bind(("::1", 0))
        parse(ours, f"--syslog-method=udp:[::1]:{s.getsockname()[1]}")
        assert len(waiting(s)) == 3


def test_daemon_is_not_held_up(receivers, tmp_path):
    """A syslog daemon that reads nothing, goes, and comes back: the server answers all the time, and its messages arrive again."""
    path, unix, udp = receivers
    unix.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with dbharness.DbServer(databases=[SCHEMA], args=[f"--syslog-method=unix:{path}", "-vsyslog:dbg"]) as server:
        for _ in range(40):
            server.appctl("vlog/reopen")
        unix.close()
        os.unlink(path)
        server.appctl("vlog/reopen")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as again:
            again.bind(path)
            wait_until(lambda: server.appctl("vlog/reopen") == "" and waiting(again), what="messages for the new socket")


ALIASES = """daemon_unix dpif fail_open jsonrpc netdev netdev_dpdk netdev_linux netdev_vport ofproto_dpif ofproto_dpif_mirror ofproto_dpif_rid
ofproto_xlate_cache ovsdb_cs ovsdb_idl reconnect stream stream_tcp stream_unix tunnel vconn_stream dpif_netdev_lookup""".split()


def levels(text):
    return {words[0]: tuple(words[1:4]) for words in map(str.split, text.splitlines()[2:])}


def test_names_of_modules(tmp_path):
    """Names of stock's modules stand for what ours logs of the same; no name of ours stands for one; what is none is refused as by stock."""
    if not is_root():
        pytest.skip("needs root: network namespaces")
    net = Net()
    switch = None
    try:
        switch = Switch(tools=ours, netns=net.namespace("alias"), vswitchd_args=["--enable-dummy"])
        for alias in ALIASES + ["ofproto_dpif_xlate", "OFPROTO_DPIF_xlate", "bridge", "vlog"]:
            switch.appctl("vlog/set", "file:info")
            before = levels(switch.appctl("vlog/list"))
            switch.appctl("vlog/set", f"{alias}:file:dbg")
            after = levels(switch.appctl("vlog/list"))
            changed = {m for m in after if after[m] != before[m]}
            assert changed and len(changed) <= 3 and all(after[m] == (*before[m][:2], "DBG") for m in changed), alias
            assert changed == {alias.lower()} or alias.lower() not in after
        switch.appctl("vlog/disable-rate-limit", "netdev_linux")
        assert re.search(r"^ofport .*rate limiting disabled", switch.appctl("vlog/list"), re.M)
    finally:
        if switch:
            switch.close()
        net.close()


@pytest.mark.parametrize("word", ["nonsense", "nonsense:dbg", "console:nonsense", "ANY:nonsense:dbg", "ofproto_dpif_:dbg"])
def test_no_module(word):
    theirs, mine = (parse(side, f"-v{word}") for side in (stock, ours))
    assert theirs == mine and mine[0] == 1

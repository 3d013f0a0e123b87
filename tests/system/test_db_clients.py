# SPDX-License-Identifier: Apache-2.0
"""Clients that do harm: those that never read, or send what nobody can use, or a byte at a time, or come by the thousand. They are
bounded, and the others do not notice."""
import json
import pathlib
import socket
import sys
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from dbharness import Client, DbServer  # noqa: E402
from harness import ours, run, wait_until  # noqa: E402

SCHEMA = {"name": "T", "tables": {"a": {"isRoot": True, "indexes": [["n"]], "columns": {
    "n": {"type": "integer"}, "s": {"type": "string"}, "set": {"type": {"key": "integer", "min": 0, "max": "unlimited"}}}}}}


@pytest.fixture
def server():
    with DbServer(databases=[SCHEMA], args=["--remote=ptcp:0:127.0.0.1"]) as s:
        yield s


def insert(n, size=10):
    return {"op": "insert", "table": "a", "row": {"n": n, "s": "x" * size}}


def is_quick(client):
    """Another client is served, and soon."""
    begin = time.monotonic()
    assert client.call("echo", ["there"]) == ["there"]
    client.transact("T", {"op": "select", "table": "a", "where": [["n", "==", 1]]})
    return time.monotonic() - begin


def test_monitor_that_is_not_read(server):
    """Its updates are put off, and cost memory by row, not by transaction; in the end it knows what there is."""
    c, lazy = server.client(), server.client()
    c.transact("T", *[insert(n, 1000) for n in range(100)])
    lazy.call("monitor_cond", ["T", "m", {"a": [{"columns": ["n", "s"]}]}])
    before = server.rss()
    for i in range(300):
        c.transact("T", {"op": "update", "table": "a", "where": [], "row": {"s": f"{i} " + "y" * 1000}})
    assert server.rss() - before < 30_000  # of 30 MB that were never taken
    c.transact("T", {"op": "delete", "table": "a", "where": [["n", ">=", 50]]})
    rows = {}
    end = lazy.send("echo", ["end"])
    while True:
        message = lazy.receive()
        if message.get("id") == end:
            break
        for uuid, update in message["params"][1]["a"].items():
            if "delete" in update:
                rows.pop(uuid, None)
            else:
                rows[uuid] = (update.get("modify") or update.get("insert"))["s"]
    assert len(set(rows.values())) == 1 and next(iter(rows.values())).startswith("299 "), set(r[:5] for r in rows.values())


def test_answers_that_are_not_read(server):
    c = server.client()
    c.transact("T", *[insert(n, 2000) for n in range(1000)])
    before = server.rss()
    deaf = []
    for _ in range(20):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(server.sock)
        sock.setblocking(False)
        for i in range(50):
            try:
                sock.send(json.dumps({"method": "transact", "params": ["T", {"op": "select", "table": "a", "where": []}], "id": i}).encode())
            except BlockingIOError:
                break
        deaf.append(sock)
    assert is_quick(c) < 5
    assert server.rss() - before < 20 * 10_000  # one answer of 2 MB each, not fifty
    for sock in deaf:
        sock.close()
    wait_until(lambda: "sessions:1" in server.appctl("memory/show"), what="sessions to end")


def test_contents_are_in_memory_once(server):
    """Many clients come at once and ask for everything, and take their time."""
    c = server.client()
    c.transact("T", *[insert(n, 5000) for n in range(600)])
    before = server.rss()
    clients = [server.client(60) for _ in range(20)]
    requests = [k.send("monitor_cond_since", ["T", "m", {"a": [{"columns": ["n", "s"]}]}, "00000000-0000-0000-0000-000000000000"])
                for k in clients]
    assert is_quick(c) < 10
    assert server.rss() - before < 20_000  # 3 MB, not 60
    c.transact("T", {"op": "delete", "table": "a", "where": [["n", ">=", 300]]})
    for k, id_ in zip(clients, requests):
        k.call("echo", [])
        found, last, updates = k.kept[id_]["result"]
        gone = len(k.notes.pop()["params"][2]["a"]) if k.notes else 0  # who was late never heard of them
        assert not found and len(updates["a"]) - gone == 300


def test_a_byte_at_a_time(server):
    c, slow = server.client(), server.client()
    text = json.dumps({"method": "transact", "params": ["T", insert(1)], "id": "slow"}).encode()
    for byte in text:
        slow.sock.sendall(bytes([byte]))
        assert is_quick(c) < 5
    assert "uuid" in slow.answer("slow")["result"][0]


@pytest.mark.parametrize("data", [
    b"[" * 5000, b'{"method":"x","params":[' + b'{"a":' * 2000, b'{"method":"echo","params":["\xff\xfe"],"id":1}',
    b'{"method":"echo","params":["\xed\xa0\x80"],"id":1}', b'{"method":"echo","params":[1e999],"id":1}', b'{"method":"echo","params":[01],"id":1}',
    b'{"method":"echo","params":["a\x00b"],"id":1}', b"GET / HTTP/1.1\r\n\r\n", b'}{', b'{"method":3,"params":[],"id":1}'])
def test_what_is_no_message_ends_the_session(server, data):
    c, bad = server.client(), server.client()
    bad.sock.sendall(data)
    with pytest.raises((EOFError, ConnectionError)):
        bad.receive()
    assert is_quick(c) < 5


def test_numbers_out_of_range(server):
    c = server.client()
    c.sock.sendall(b'{"method":"transact","params":["T",{"op":"insert","table":"a","row":{"n":99999999999999999999}}],"id":7}')
    assert "out of the range of 64 bits" in c.answer(7)["error"]["details"]
    assert "error" in c.transact("T", insert(1.5))[0]
    assert "uuid" in c.transact("T", insert(9223372036854775807))[0]
    result = c.transact("T", {"op": "mutate", "table": "a", "where": [], "mutations": [["n", "+=", 1]]})
    assert result[0]["error"] == "range error"
    assert "uuid" in c.transact("T", insert(-9223372036854775808))[0]


def test_large_transactions_with_mistakes(server):
    """They are not parsed as a whole; mistakes in them are told like in small ones, and nothing is done."""
    c = server.client()
    ops = [insert(n, 100) for n in range(2000)]
    assert len(c.transact("T", *ops)) == 2000
    bad = [insert(n, 100) for n in range(3000, 5000)]
    bad[1500]["row"]["nn"] = 1
    result = c.transact("T", *bad)
    assert result[1500]["error"] == "unknown column" and result[1501] is None and len(result) == 2000
    text = json.dumps({"method": "transact", "params": ["T", *[insert(n, 100) for n in range(3000, 5000)]], "id": 77})
    c.sock.sendall(text.replace('"n": 3700', '"n": 37oo').encode())
    result = c.answer(77)["result"]
    assert "ovsdb operation 701 of 2000 is not valid JSON" in json.dumps(result)
    assert len(c.rows("T", "a", ["n"])) == 2000
    # One that waits, too.
    wait = {"op": "wait", "table": "a", "where": [["n", "==", -5]], "columns": ["n"], "until": "==", "rows": [{"n": -5}], "timeout": 5000}
    id_ = c.send("transact", ["T", wait, *[insert(n, 100) for n in range(6000, 6500)]])
    other = server.client()
    assert "uuid" in other.transact("T", insert(-5))[0]
    assert len(c.answer(id_)["result"]) == 501
    assert len(c.rows("T", "a", ["n"])) == 2501


def test_huge_message(server):
    """A message without end, from another host as it seems, is ended at its bound; the memory comes back."""
    c = server.client()
    port = next(int(w.split(":")[1]) for w in [tcp_port(server)])
    before = server.rss()
    sock = socket.create_connection(("127.0.0.1", port))
    chunk = b'"' + b"x" * (1 << 20) + b'",'
    sock.sendall(b'{"method":"echo","params":[')
    sent = 0
    with pytest.raises(ConnectionError):
        for _ in range(200):
            sock.sendall(chunk)
            sent += len(chunk)
            if sent % (20 * len(chunk)) == 0:
                assert is_quick(c) < 5
        sock.settimeout(5)
        while sock.recv(4096):
            pass
        raise ConnectionResetError
    assert 100 << 20 < sent < 190 << 20
    wait_until(lambda: server.rss() - before < 60_000, what="memory")
    assert "too large" in server.log()


def tcp_port(server):
    inodes = run("ss", "-ltnpH").stdout
    for line in inodes.splitlines():
        if f"pid={server.process.pid}," in line:
            return line.split()[3]
    raise AssertionError(inodes)


def test_more_connections_than_files():
    with DbServer(databases=[SCHEMA], start=False) as s:
        s.wrapper = ["prlimit", "--nofile=200:200"]
        s.start()
        c = s.client()
        many = []
        for _ in range(300):
            sock = socket.socket(socket.AF_UNIX)
            sock.connect(s.sock)
            many.append(sock)
        assert is_quick(c) < 5
        assert "sessions:136" in s.appctl("memory/show")
        s.appctl("ovsdb-server/compact")
        assert "refused a connection" in s.log()
        for sock in many:
            sock.close()
        wait_until(lambda: "sessions:1" in s.appctl("memory/show").split(), what="sessions to end")
        assert is_quick(s.client()) < 5


def test_ten_thousand_connections(server):
    import resource
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 10_500:
        pytest.skip("not so many files to be had")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    c = server.client()
    before = server.rss()
    many = []
    try:
        while len(many) < 10_000:
            try:
                many.append(Client(server.sock))
            except BlockingIOError:  # faster than they are accepted
                time.sleep(0.01)
        wait_until(lambda: "sessions:10001" in server.appctl("memory/show"), timeout=60, what="sessions")
        assert is_quick(c) < 5
        assert server.rss() - before < 10_000 * 10  # 10 kB each
        for m in many[::500]:
            m.call("monitor_cond", ["T", "m", {"a": [{"columns": ["n"]}]}])
        c.transact("T", insert(1))
        for m in many[::500]:
            assert m.note()["method"] == "update2"
    finally:
        for m in many:
            m.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    wait_until(lambda: "sessions:1" in server.appctl("memory/show").split(), timeout=60, what="sessions to end")


def test_noise_while_others_work(server):
    """Connections that come, say something senseless and go, by the hundred, beside a client that works."""
    stop = threading.Event()

    def disturb():
        while not stop.is_set():
            with socket.socket(socket.AF_UNIX) as sock:
                try:
                    sock.connect(server.sock)
                    sock.sendall(b'{"method":"lock","params":["x"],"id":0}{"method":"monitor","params":["T",1,{"a":{}}],"id":1}{"met')
                except OSError:
                    pass

    threads = [threading.Thread(target=disturb) for _ in range(4)]
    for t in threads:
        t.start()
    try:
        c = server.client()
        for n in range(200):
            assert "uuid" in c.transact("T", insert(n))[0]
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert len(c.rows("T", "a", ["n"])) == 200
    wait_until(lambda: "sessions:1" in server.appctl("memory/show").split(), what="sessions to end")


def test_tools_are_ours(server):
    assert run(ours("ovsdb-client"), "list-dbs", f"unix:{server.sock}").stdout.split() == ["T", "_Server"]

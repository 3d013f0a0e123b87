# SPDX-License-Identifier: Apache-2.0
"""Our database clients with a server that answers nonsense, and our tool with files full of it: an error and an exit status, never a
signal."""
import json
import os
import random
import selectors
import socket
import subprocess
import threading

import pytest

import harness
from harness import run

SCHEMA = json.loads((harness.ROOT / "src/dbclient/vswitch.ovsschema").read_text())
ZERO = "00000000-0000-0000-0000-000000000000"
ATOMS = [None, True, False, 0, -1, 2 ** 62, 1.5, "", "x", "Open_vSwitch", "_Server", ZERO, "00000000-0000-0000-0000-00000000000g", [], {}]
ROW = {"name": "br0", "ports": ["uuid", ZERO], "next_cfg": 1, "cur_cfg": 1, "bridges": ["set", [["uuid", ZERO]]], "model": "standalone",
       "connected": True, "leader": True}
UPDATES = {t: {ZERO: {"initial": ROW}} for t in ("Open_vSwitch", "Bridge", "Port", "Database")}
GOOD = {
    "list_dbs": ["Open_vSwitch", "_Server"], "get_schema": SCHEMA, "transact": [{"rows": [ROW]}, {"count": 1}, {"uuid": ["uuid", ZERO]}],
    "monitor": {t: {ZERO: {"new": ROW}} for t in ("Open_vSwitch", "Bridge", "Port")}, "monitor_cond": UPDATES,
    "monitor_cond_since": [False, ZERO, UPDATES], "monitor_cond_change": {}, "lock": {"locked": True}, "steal": {"locked": True}, "unlock": {},
    "set_db_change_aware": {}, "convert": {}, "echo": [], "get_server_id": ZERO}


def spoil(r, value, depth=0):
    """Something like `value`, with a part that is wrong."""
    if r.random() < 0.12 or (depth and not isinstance(value, (list, dict)) and r.random() < 0.5):
        return r.choice(ATOMS)
    if isinstance(value, dict) and value:
        out = dict(value)
        key = r.choice(sorted(out))
        choice = r.random()
        if choice < 0.7:
            out[key] = spoil(r, out[key], depth + 1)
        elif choice < 0.85:
            del out[key]
        else:
            out[r.choice(["", "x", ZERO, "_uuid", "name"])] = out.pop(key)
        return out
    if isinstance(value, list) and value:
        out = list(value)
        i = r.randrange(len(out))
        choice = r.random()
        if choice < 0.7:
            out[i] = spoil(r, out[i], depth + 1)
        elif choice < 0.85:
            del out[i]
        else:
            out.append(r.choice(ATOMS))
        return out
    return r.choice(ATOMS)


class HostileServer:
    """Answers each request, now and then as it should, and adds notifications that nobody asked for."""

    def __init__(self, path, seed):
        self.r = random.Random(seed)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(10)
        self.stopped = False
        self.wake = socket.socketpair()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def stop(self):
        self.stopped = True
        self.wake[0].send(b"x")
        self.thread.join(10)
        for s in (self.listener, *self.wake):
            s.close()

    def serve(self):
        selector = selectors.DefaultSelector()
        selector.register(self.listener, selectors.EVENT_READ, None)
        selector.register(self.wake[1], selectors.EVENT_READ, None)
        while not self.stopped:
            for key, _ in selector.select():
                if key.fileobj is self.listener:
                    selector.register(self.listener.accept()[0], selectors.EVENT_READ, [""])
                elif key.data is not None and not self.handle(key.fileobj, key.data):
                    selector.unregister(key.fileobj)
                    key.fileobj.close()
        for key in list(selector.get_map().values()):
            if key.data is not None:
                key.fileobj.close()
        selector.close()

    def handle(self, sock, buffer):
        try:
            data = sock.recv(1 << 16)
            if not data:
                return False
            buffer[0] += data.decode(errors="replace")
            while buffer[0]:
                try:
                    message, end = json.JSONDecoder().raw_decode(buffer[0])
                except ValueError:
                    return True
                buffer[0] = buffer[0][end:]
                for answer in self.answers(message):
                    sock.sendall(answer)
        except OSError:
            return False
        return True

    def answers(self, message):
        method, ident = message.get("method"), message.get("id")
        if method is None or ident is None:
            return
        chance = self.r.random()
        good = GOOD.get(method, {})
        if chance < 0.5:
            answer = {"id": ident, "error": None, "result": good}
        elif chance < 0.88:
            answer = {"id": ident, "error": None, "result": spoil(self.r, good)}
        elif chance < 0.94:
            answer = {"id": ident, "error": self.r.choice(ATOMS[1:]), "result": None}
        else:
            answer = spoil(self.r, {"id": ident, "error": None, "result": good})
        yield json.dumps(answer).encode()
        if self.r.random() < 0.3:
            name = message["params"][1] if len(message.get("params", [])) > 1 else None
            note = {"id": None, "method": self.r.choice(["update", "update2", "update3", "locked", "stolen", "monitor_canceled", "x"]),
                    "params": [name, ZERO, UPDATES] if self.r.random() < 0.5 else [name, UPDATES]}
            yield json.dumps(spoil(self.r, note)).encode()
        if self.r.random() < 0.03:
            yield self.r.choice([b"{", b"}", b"[1]", b"\xff\xff", b'"' * 3, b"[" * 3000])


COMMANDS = [
    ["ovsdb-client", "list-dbs", "WHERE"], ["ovsdb-client", "get-schema", "WHERE"], ["ovsdb-client", "get-schema-version", "WHERE"],
    ["ovsdb-client", "list-tables", "WHERE"], ["ovsdb-client", "list-columns", "WHERE"], ["ovsdb-client", "dump", "WHERE"],
    ["ovsdb-client", "dump", "WHERE", "Open_vSwitch", "Bridge", "name", "ports"], ["ovsdb-client", "backup", "WHERE"],
    ["ovsdb-client", "transact", "WHERE", '["Open_vSwitch"]'], ["ovsdb-client", "query", "WHERE", '["Open_vSwitch"]'],
    ["ovsdb-client", "--pretty", "monitor", "WHERE", "ALL"], ["ovsdb-client", "monitor-cond", "WHERE", "[]", "Bridge"],
    ["ovsdb-client", "-fjson", "monitor-cond-since", "WHERE", "[]", "Port", "name"], ["ovsdb-client", "lock", "WHERE", "l"],
    ["ovsdb-client", "wait", "WHERE", "Open_vSwitch", "connected"], ["ovsdb-client", "transact", "WHERE,unix:/nonexistent", '["Open_vSwitch"]'],
    ["ovsdb-client", "needs-conversion", "WHERE", str(harness.ROOT / "src/dbclient/vswitch.ovsschema")],
    ["ovsdb-client", "convert", "WHERE", str(harness.ROOT / "src/dbclient/vswitch.ovsschema")],
    ["ovs-vsctl", "--no-wait", "--db=WHERE", "show"], ["ovs-vsctl", "--no-wait", "--db=WHERE", "add-port", "br0", "p"],
    ["ovs-vsctl", "--no-wait", "--db=WHERE,unix:/nonexistent", "list", "bridge"], ["ovs-vsctl", "--db=WHERE", "set", "bridge", "br0", "stp_enable=true"],
    ["ovs-vsctl", "--no-wait", "--retry", "--db=WHERE", "del-br", "br0"]]


@pytest.mark.parametrize("seed", range(int(os.environ.get("HOSTILE_ROUNDS", "6"))))
def test_clients_survive(tmp_path, seed):
    server = HostileServer(f"{tmp_path}/sock", seed)
    env = dict(os.environ, OVS_RUNDIR=str(tmp_path), OVS_LOGDIR=str(tmp_path))
    try:
        running = [(command, subprocess.Popen([harness.ours(command[0]), "-t1", "-vconsole:off"] + [a.replace("WHERE", f"unix:{tmp_path}/sock")
                                                                                                     for a in command[1:]],
                                              env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
                   for command in COMMANDS]
        for command, p in running:
            _, err = p.communicate(timeout=20)
            assert p.returncode in (0, 1, 2, -14), (command, p.returncode, err[-2000:])  # -14: the time-out
            assert not any(finding.encode() in err for finding in harness.FINDINGS), err
    finally:
        server.stop()


def test_tool_survives(tmp_path):
    """Database files with spoilt records, whose checksums are right, and with spoilt bytes."""
    r = random.Random(5)
    tool = harness.ours("ovsdb-tool")
    env = dict(os.environ, OVS_RUNDIR=str(tmp_path))
    db = tmp_path / "db"
    run(tool, "create", db, harness.ROOT / "src/dbclient/vswitch.ovsschema", env=env)
    insert = ["Open_vSwitch", {"op": "insert", "table": "Open_vSwitch", "row": {"external_ids": ["map", [["a", "b"]]]}},
              {"op": "insert", "table": "QoS", "row": {"type": "x"}}, {"op": "comment", "comment": "c"}]
    for _ in range(3):
        insert[1]["op"] = "insert" if _ == 0 else "update"
        insert[1]["where"] = []
        run(tool, "transact", db, json.dumps(insert), env=env)
    good = db.read_bytes()
    records = [json.loads(line) for line in good.split(b"\n") if line.startswith(b"{")]
    commands = [["-mm", "show-log"], ["check"], ["db-name"], ["compact"], ["check", "--repair"], ["query"], ["convert"]]
    for i in range(120):
        if i % 3:
            spoilt = list(records)
            n = r.randrange(len(spoilt))
            spoilt[n] = spoil(r, spoilt[n])
            data = b""
            for record in spoilt:
                text = json.dumps(record).encode() + b"\n"
                data += b"OVSDB JSON %d %s\n" % (len(text), __import__("hashlib").sha1(text).hexdigest().encode()) + text
        else:
            data = bytearray(good)
            for _ in range(r.randrange(1, 6)):
                data[r.randrange(len(data))] = r.randrange(256)
            data = bytes(data[:r.randrange(len(data))] if r.random() < 0.3 else data)
        path = tmp_path / f"bad{i}"
        path.write_bytes(data)
        command = commands[i % len(commands)]
        more = [json.dumps(["Open_vSwitch", {"op": "select", "table": "Open_vSwitch", "where": []}])] if command == ["query"] else (
            [str(harness.ROOT / "src/dbclient/vswitch.ovsschema")] if command == ["convert"] else [])
        done = subprocess.run([tool, "-vconsole:off", *command, path, *more], env=env, capture_output=True, timeout=20)
        assert done.returncode in (0, 1, 2), (command, i, done)
        assert not any(finding.encode() in done.stderr for finding in harness.FINDINGS), done
        if command == ["check", "--repair"] and done.returncode == 0:
            assert subprocess.run([tool, "check", path], env=env, capture_output=True).returncode == 0

# SPDX-License-Identifier: Apache-2.0
"""The service models beside the stock server: relays, active-backup pairs in both directions, --config-file; access by role."""
import json
import os
import pathlib
import random
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from dbharness import DbServer  # noqa: E402
from harness import ours, run, stock, wait_until  # noqa: E402


def have_stock():
    try:
        return bool(stock("ovsdb-server"))
    except FileNotFoundError:
        return False


SIDES = [ours] + ([stock] if have_stock() else [])
SCHEMA = {"name": "T", "version": "1.0.0", "tables": {
    "a": {"isRoot": True, "indexes": [["n"]], "columns": {
        "n": {"type": "integer"}, "tags": {"type": {"key": "string", "value": "string", "min": 0, "max": "unlimited"}},
        "kids": {"type": {"key": {"type": "uuid", "refTable": "b"}, "min": 0, "max": "unlimited"}},
        "eph": {"type": "integer", "ephemeral": True}}},
    "b": {"columns": {"s": {"type": {"key": "string", "min": 0, "max": "unlimited"}},
                      "peer": {"type": {"key": {"type": "uuid", "refTable": "a", "refType": "weak"}, "min": 0}}}},
    "x": {"isRoot": True, "columns": {"s": {"type": "string"}}}}}
COLUMNS = {"a": ["_uuid", "n", "tags", "kids", "eph"], "b": ["_uuid", "s", "peer"], "x": ["_uuid", "s"]}


def contents(client, tables=COLUMNS):
    return {t: sorted(json.dumps(r, sort_keys=True) for r in client.rows("T", t, COLUMNS[t])) for t in tables}


def random_ops(r, n):
    kind = r.choice(["insert", "insert", "update", "mutate", "delete", "x"])
    where = [["n", "==", r.randrange(n)]]
    if kind == "insert":
        return [{"op": "delete", "table": "a", "where": where},
                {"op": "insert", "table": "b", "uuid-name": "b", "row": {"s": ["set", [f"s{r.randrange(9)}", "y"]]}},
                {"op": "insert", "table": "a", "uuid-name": "a", "row": {"n": where[0][2], "eph": 7, "kids": ["named-uuid", "b"]}},
                {"op": "update", "table": "b", "where": [["_uuid", "==", ["named-uuid", "b"]]], "row": {"peer": ["named-uuid", "a"]}}]
    if kind == "update":
        return [{"op": "update", "table": "a", "where": where, "row": {"tags": ["map", [[f"k{r.randrange(5)}", f"v{r.randrange(5)}"]]]}}]
    if kind == "mutate":
        return [{"op": "mutate", "table": "a", "where": where,
                 "mutations": [["tags", "insert", ["map", [[f"k{r.randrange(5)}", "m"]]]], ["eph", "+=", 1]]}]
    if kind == "delete":
        return [{"op": "delete", "table": "a", "where": where}]
    return [{"op": "insert", "table": "x", "row": {"s": f"x{r.randrange(1000)}"}}]


def change(client, r, rounds, n=12):
    for _ in range(rounds):
        assert all("error" not in (x or {"error": 1}) for x in client.transact("T", *random_ops(r, n)))


def relay_client(server, db="T"):
    """A client of a relay that has its schema: who was there before, and said nothing, is disconnected."""
    while True:
        c = server.client()
        try:
            c.call("set_db_change_aware", [True])
            wait_until(lambda: "tables" in c.call("get_schema", [db]), what="schema")
            return c
        except (EOFError, ConnectionError):
            pass


def same(a, b, tables=COLUMNS):
    return wait_until(lambda: contents(a, tables) == contents(b, tables), what="equal contents")


@pytest.mark.parametrize("source", SIDES, ids=lambda t: f"of-{t.name}")
@pytest.mark.parametrize("side", SIDES, ids=lambda t: t.name)
def test_relay(source, side):
    if ours not in (source, side):
        pytest.skip("none is ours")
    r = random.Random(1)
    with DbServer(source, [SCHEMA]) as main, DbServer(side, args=[f"relay:T:unix:{main.sock}"]) as relay:
        m, c = main.client(), relay_client(relay)
        c.call("monitor_cond", ["T", "mon", {"a": [{"columns": ["n", "tags"], "where": [["n", "<", 6]]}]}])
        change(m, r, 100)
        change(c, r, 100)  # passed on
        same(m, c)
        # Its own changes reach a client before the answer does.
        c.notes = []
        c.transact("T", {"op": "update", "table": "a", "where": [["n", "<", 6]], "row": {"tags": ["map", [["now", "here"]]]}})
        assert any("here" in json.dumps(n) for n in c.notes)
        assert c.transact("T", {"op": "insert", "table": "a", "row": {"nn": 1}})[0]["error"] == "unknown column"
        # The source restarts: the relay serves what it has, refuses changes, and catches up.
        before = contents(c)
        main.stop()
        if side is ours:
            wait_until(lambda: '"connected": false' in json.dumps(c.rows("_Server", "Database", ["connected"])), what="disconnect")
        assert contents(c) == before
        waiting = c.send("transact", ["T", {"op": "insert", "table": "x", "row": {"s": "for later"}}])
        main.start()
        assert "uuid" in c.answer(waiting)["result"][0]
        m = main.client()
        change(m, r, 20)
        same(m, c)
        # Another schema at the source becomes the relay's, too.
        schema = json.loads(json.dumps(SCHEMA))
        schema["tables"]["x"]["columns"]["more"] = {"type": "integer"}
        assert m.call("convert", ["T", schema]) == {}

        def schema_there():
            try:
                return json.dumps(relay.client().call("get_schema", ["T"]))
            except (EOFError, ConnectionError):  # who was there before the schema changed is disconnected
                return ""
        wait_until(lambda: "more" in schema_there(), what="the new schema")
        c = relay.client()
        wait_until(lambda: contents(main.client()) == contents(c), what="contents")


def test_relay_not_connected(tmp_path):
    with DbServer(args=[f"relay:T:unix:{tmp_path}/none,unix:{tmp_path}/neither"]) as s:
        c = s.client()
        assert c.call("list_dbs", []) == ["T", "_Server"]
        assert c.call("get_schema", ["T"])["error"] == "database not available"
        assert c.rows("_Server", "Database", ["connected", "schema", "model"], [["name", "==", "T"]]) == [
            {"connected": False, "schema": ["set", []], "model": "relay"}]
        assert "relay:x" in s.appctl("ovsdb-server/add-db", "relay:x", check=False)[2]
        assert "not an active connection method" in s.appctl("ovsdb-server/add-db", "relay:x:foo", check=False)[2]
        s.appctl("ovsdb-server/remove-db", "T")


def test_relays_share_transaction_ids():
    with DbServer(databases=[SCHEMA]) as main, DbServer(args=[f"relay:T:unix:{main.sock}"]) as one, \
            DbServer(args=[f"relay:T:unix:{main.sock}"]) as two:
        r = random.Random(2)
        c, d = relay_client(one), relay_client(two)
        zero = "00000000-0000-0000-0000-000000000000"
        found, last, _ = c.call("monitor_cond_since", ["T", "m", {"a": [{"columns": ["n"]}]}, zero])
        assert not found and last != zero
        change(main.client(), r, 30)
        same(c, d)
        found, _, updates = d.call("monitor_cond_since", ["T", "m", {"a": [{"columns": ["n"]}]}, last])
        assert found and "initial" not in json.dumps(updates)


@pytest.mark.parametrize("active", SIDES, ids=lambda t: f"of-{t.name}")
@pytest.mark.parametrize("backup", SIDES, ids=lambda t: t.name)
def test_active_backup(active, backup):
    if ours not in (active, backup):
        pytest.skip("none is ours")
    r = random.Random(3)
    with DbServer(active, [SCHEMA]) as a, DbServer(backup, [SCHEMA], [f"--sync-from=unix:{a.sock}", "--sync-exclude-tables=T:x"]) as b:
        c = a.client()
        change(c, r, 100)
        followed = ("a", "b")
        wait_until(lambda: contents(b.client(), followed) == contents(c, followed), what="replication")
        change(c, r, 100)
        d = b.client()
        same(c, d, followed)
        assert contents(d)["x"] == [] and contents(c)["x"] != []
        assert "read only" in json.dumps(d.transact("T", {"op": "insert", "table": "x", "row": {}}))
        status = b.appctl("ovsdb-server/sync-status")
        assert status == f"state: backup\nreplicating: unix:{a.sock}\ndatabase: T\nexclude: T:x\n"
        assert "lock" in json.dumps(d.call("lock", ["l"]))
        # The active one goes; the backup takes over, with all that was there.
        before = contents(c, followed)
        a.stop()
        b.appctl("ovsdb-server/disconnect-active-ovsdb-server")
        assert b.appctl("ovsdb-server/sync-status") == "state: active\n"
        d = b.client()
        assert contents(d, followed) == before
        change(d, r, 20)
        # And the other follows it in turn.
        a.start()
        a.appctl("ovsdb-server/set-active-ovsdb-server", f"unix:{b.sock}")
        a.appctl("ovsdb-server/connect-active-ovsdb-server")
        wait_until(lambda: contents(a.client()) == contents(d), what="replication")
        b.stop()
        b.start()
        wait_until(lambda: "T" in json.dumps(b.client().call("list_dbs", [])), what="restart")


def test_backup_of_another_schema():
    other = json.loads(json.dumps(SCHEMA))
    del other["tables"]["b"]["columns"]["s"]
    with DbServer(databases=[SCHEMA]) as a, DbServer(databases=[other], args=[f"--sync-from=unix:{a.sock}"]) as b:
        status = wait_until(lambda: "problem" in b.appctl("ovsdb-server/sync-status") and b.appctl("ovsdb-server/sync-status"),
                            what="problem")
        assert "its column s in table b is not in our schema" in status
        assert "no connection" not in b.appctl("ovsdb-server/get-sync-exclude-tables")
        for command in (["set-active-ovsdb-server", "bogus:1"], ["set-sync-exclude-tables", "foo"],
                        ["set-active-ovsdb-server-probe-interval", "x"]):
            assert b.appctl(f"ovsdb-server/{command[0]}", command[1], check=False)[0]


def test_config_file(tmp_path):
    with DbServer(databases=[SCHEMA]) as main, DbServer(databases=[dict(SCHEMA, name="U")], start=False, remote=False) as s:
        path = tmp_path / "config.json"
        file = s.files[0]
        s.files = []
        s.args = [f"--config-file={path}"]

        def write(**config):
            path.write_text(json.dumps(config))

        write(remotes={f"punix:{s.sock}": {}}, databases={file: {}})
        s.start()
        assert s.client().call("list_dbs", []) == ["U", "_Server"]
        for command in (["add-remote", "punix:x"], ["remove-db", "U"], ["set-active-ovsdb-server", "unix:x"], ["connect-active-ovsdb-server"]):
            assert "--config-file" in s.appctl(f"ovsdb-server/{command[0]}", *command[1:], check=False)[2]
        # A relay and a remote that only reads come, the file stays open.
        write(remotes={f"punix:{s.sock}": None, f"punix:{s.dir}/ro.sock": {"read-only": True, "inactivity-probe": 0}},
              databases={file: {"service-model": "standalone"}, "T": {"service-model": "relay", "source": {f"unix:{main.sock}": {}}}})
        s.appctl("ovsdb-server/reload")
        assert set(s.appctl("ovsdb-server/list-remotes").split()) == {f"punix:{s.sock}", f"punix:{s.dir}/ro.sock"}
        c = relay_client(s)
        change(c, random.Random(4), 10)
        s.sock, rw = f"{s.dir}/ro.sock", s.sock
        assert "read only" in json.dumps(s.client().transact("T", {"op": "insert", "table": "x", "row": {}}))
        s.sock = rw
        # Mistakes change nothing and say where they are.
        for config, text in (({"remote": {}}, "not allowed here"), ({"databases": {"T": {"service-model": "relay"}}}, "source"),
                             ({"databases": {"f": {"service-model": "clustered"}}}, "not supported"),
                             ({"remotes": {"punix:x": {"dscp": 64}}}, "dscp must be from 0 to 63"),
                             ({"databases": {"f": {"service-model": "relay", "source": {"ptcp:1": {}}}}}, "active connection method")):
            write(**config)
            code, _, err = s.appctl("ovsdb-server/reload", check=False)
            assert code and text in err, err
        path.write_text('{"remotes": {}')
        assert "line 1" in s.appctl("ovsdb-server/reload", check=False)[2]
        assert s.client().call("list_dbs", []) == ["T", "U", "_Server"]
        # The relay goes, the file becomes a backup.
        write(remotes={f"punix:{s.sock}": {}}, databases={file: {"service-model": "active-backup", "backup": True,
                                                                "source": {f"unix:{main.sock}": {"inactivity-probe": 3000}}}})
        s.appctl("ovsdb-server/reload")
        assert s.client().call("list_dbs", []) == ["U", "_Server"]
        assert "read only" in json.dumps(s.client().transact("U", {"op": "insert", "table": "x", "row": {}}))
        s.stop()
        s.args.append("--remote=punix:x")
        assert "--config-file" in run(ours("ovsdb-server"), *s.args, env=s.env, check=False).stderr


RBAC = {"name": "RB", "version": "1.0.0", "tables": {
    "Root": {"isRoot": True, "columns": {"conns": {"type": {"key": {"type": "uuid", "refTable": "Conn"}, "min": 0, "max": "unlimited"}}}},
    "Conn": {"columns": {"target": {"type": "string"}, "role": {"type": "string"},
                         "status": {"type": {"key": "string", "value": "string", "min": 0, "max": "unlimited"}, "ephemeral": True}}},
    "RBAC_Role": {"isRoot": True, "columns": {"name": {"type": "string"}, "permissions": {"type": {
        "key": "string", "value": {"type": "uuid", "refTable": "RBAC_Permission", "refType": "weak"}, "min": 0, "max": "unlimited"}}}},
    "RBAC_Permission": {"isRoot": True, "columns": {
        "table": {"type": "string"}, "authorization": {"type": {"key": "string", "min": 0, "max": "unlimited"}},
        "insert_delete": {"type": "boolean"}, "update": {"type": {"key": "string", "min": 0, "max": "unlimited"}}}},
    "Chassis": {"isRoot": True, "columns": {
        "name": {"type": "string"}, "n": {"type": "integer"},
        "ids": {"type": {"key": "string", "value": "string", "min": 0, "max": "unlimited"}}}},
    "Other": {"isRoot": True, "columns": {"name": {"type": "string"}}}}}


def certificates(directory):
    def openssl(*argv):
        subprocess.run(["openssl", *argv], cwd=directory, check=True, capture_output=True)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *key, "-days", "2", "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=ca")
    for name in ("srv", "h1"):
        openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                "-out", f"{name}.crt")

    def options(name):
        return ["-p", f"{directory}/{name}.key", "-c", f"{directory}/{name}.crt", "-C", f"{directory}/ca.crt"]
    return options


def where(name):
    return [["name", "==", name]]


def test_roles(tmp_path):
    """What a role may do is what the stock server says, in the same words; but for keys of maps, which there is no way to allow there."""
    options = certificates(tmp_path)
    cases = [
        {"op": "insert", "table": "Chassis", "row": {"name": "h3"}}, {"op": "insert", "table": "Chassis", "row": {"name": "h1"}},
        {"op": "insert", "table": "Chassis", "row": {"name": "q", "ids": ["map", [["owner", "h1"]]]}},
        {"op": "update", "table": "Chassis", "where": [], "row": {"n": 3}},
        {"op": "update", "table": "Chassis", "where": where("h1"), "row": {"n": 3}},
        {"op": "update", "table": "Chassis", "where": where("h1"), "row": {"name": "z"}},
        {"op": "mutate", "table": "Chassis", "where": where("h1"), "mutations": [["n", "+=", 1]]},
        {"op": "mutate", "table": "Chassis", "where": where("h2"), "mutations": [["n", "+=", 1]]},
        {"op": "mutate", "table": "Chassis", "where": where("h1"), "mutations": [["ids", "insert", ["map", [["y", "3"]]]]]},
        {"op": "delete", "table": "Chassis", "where": where("h2")}, {"op": "delete", "table": "Chassis", "where": where("nobody")},
        {"op": "delete", "table": "Chassis", "where": where("h1")}, {"op": "insert", "table": "Other", "row": {"name": "b"}},
        {"op": "update", "table": "Other", "where": [], "row": {"name": "c"}}, {"op": "insert", "table": "Root", "row": {}},
        {"op": "update", "table": "Root", "where": [], "row": {}},
        {"op": "select", "table": "Chassis", "where": [], "columns": ["name"]}]
    got = {}
    for tools in SIDES:
        with DbServer(tools, [RBAC], ["--remote=db:RB,Root,conns", *options("srv")]) as s:
            c = s.client()
            port = 36600 + len(got) + hash(str(tmp_path)) % 900
            c.transact("RB", {"op": "insert", "table": "RBAC_Permission", "uuid-name": "pc", "row": {
                "table": "Chassis", "authorization": ["set", ["name", "ids:owner"]], "insert_delete": True,
                "update": ["set", ["n", "ids:x"]]}},
                {"op": "insert", "table": "RBAC_Permission", "uuid-name": "po",
                 "row": {"table": "Other", "authorization": "", "insert_delete": False, "update": "name"}},
                {"op": "insert", "table": "RBAC_Role", "row": {"name": "ctl", "permissions": ["map", [
                    ["Chassis", ["named-uuid", "pc"]], ["Other", ["named-uuid", "po"]]]]}},
                {"op": "insert", "table": "Other", "row": {"name": "o"}}, {"op": "insert", "table": "Chassis", "row": {"name": "h2"}},
                {"op": "insert", "table": "Conn", "uuid-name": "c1", "row": {"target": f"punix:{s.dir}/role.sock", "role": "ctl"}},
                {"op": "insert", "table": "Conn", "uuid-name": "c2", "row": {"target": f"pssl:{port}:127.0.0.1", "role": "ctl"}},
                {"op": "insert", "table": "Root", "row": {"conns": ["set", [["named-uuid", "c1"], ["named-uuid", "c2"]]]}})
            wait_until(lambda: run(tools("ovsdb-client"), *options("h1"), "list-dbs", f"ssl:127.0.0.1:{port}", check=False).returncode == 0,
                       what="TLS")

            def transact(op, target):
                out = run(tools("ovsdb-client"), *options("h1"), "transact", target, json.dumps(["RB", op])).stdout
                result = json.loads(out)[0]
                return dict(result, uuid=None) if "uuid" in result else result
            got[tools] = [transact(op, f"ssl:127.0.0.1:{port}") for op in cases]
            # Without a certificate there is nobody to have the role.
            got[tools].append(transact(cases[1], f"unix:{s.dir}/role.sock"))
            if tools is ours:
                c.transact("RB", {"op": "insert", "table": "Chassis", "row": {"name": "h1"}})
                for key, good in (("x", True), ("y", False)):
                    result = transact({"op": "mutate", "table": "Chassis", "where": where("h1"),
                                       "mutations": [["ids", "insert", ["map", [[key, "3"]]]]]}, f"ssl:127.0.0.1:{port}")
                    assert ("count" in result) == good, result
                # Nor by way of a relay, whose source does not know who asks.
                relay = f"relay:RB:unix:{s.sock}"
                with DbServer(args=[relay, "--remote=db:RB,Root,conns", f"--remote=punix:{s.dir}/relay.sock"]) as t:
                    d = relay_client(t, "RB")
                    c.transact("RB", {"op": "update", "table": "Conn", "where": [["target", "==", f"punix:{s.dir}/role.sock"]],
                                      "row": {"target": f"punix:{s.dir}/role2.sock"}})
                    wait_until(lambda: os.path.exists(f"{s.dir}/role2.sock"), what="remote of the relay")
                    assert "permission error" in json.dumps(transact(cases[1], f"unix:{s.dir}/role2.sock"))
                    assert "uuid" in d.transact("RB", cases[1])[0]
    assert got[ours][0]["error"] == "permission error"
    for tools in SIDES:
        assert got[tools] == got[ours]

# SPDX-License-Identifier: Apache-2.0
"""src/dbclient against real servers, ours and the stock one: a program that follows the database (db_follower.c) under random
transactions, conditions that change, and lost connections, and whose rows and changes are compared with what the server has."""
import contextlib
import json
import os
import pathlib
import random
import signal
import subprocess
import time

import pytest

import harness
import ovn_load
from harness import Switch, wait_until

FOLLOWER = pathlib.Path(os.environ.get("SLUICE_OBJ", harness.ROOT / "build/obj")) / "tests/interop/db_follower"
DB = "Open_vSwitch"
STOCK_SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
ROUNDS = int(os.environ.get("DBCLIENT_ROUNDS", "16"))

pytestmark = pytest.mark.skipif(not FOLLOWER.exists(), reason="db_follower is not built")


class Follower:
    def __init__(self, target, env):
        self.process = subprocess.Popen([FOLLOWER, target], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self):
        line = self.process.stdout.readline()
        assert line, (self.process.wait(10), self.process.stderr.read())
        return line.strip()

    def close(self):
        self.process.stdin.close()
        try:
            code = self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait(10)
        err = self.process.stderr.read()
        assert code == 0, err
        assert not any(finding in err for finding in harness.FINDINGS), err


@pytest.fixture(params=["ours", "stock"])
def server(request):
    side = getattr(harness, request.param)
    with contextlib.suppress(FileNotFoundError):
        side("ovsdb-server")
    s = Switch(tools=harness.ours, dbserver_tools=side, start=False, schema=STOCK_SCHEMA if side is harness.stock else None)
    try:
        s.start_server()
        s.vsctl("--no-wait", "add-br", "br0")
        yield s
    finally:
        s.close()


def transact(ask, *operations):
    results = ask("transact", [DB, *operations])
    bad = [r for r in results if r and "error" in r]
    assert not bad, bad
    return results


def some_operation(r, uuids):
    """Something about queues, which live without being referred to, QoS, which refer to them, and the bridge."""
    kind = r.randrange(9)
    strings = ["map", [[f"k{i}", str(r.randrange(5))] for i in range(r.randrange(4))]]
    if kind < 3 or not uuids:
        return {"op": "insert", "table": "Queue", "row": {"dscp": r.randrange(8), "external_ids": strings}}
    where = [["_uuid", "==", ["uuid", r.choice(uuids)]]]
    if kind == 3:
        return {"op": "update", "table": "Queue", "where": where, "row": {"dscp": r.choice([r.randrange(8), ["set", []]])}}
    if kind == 4:
        return {"op": "mutate", "table": "Queue", "where": where, "mutations": [["external_ids", "delete", ["set", ["k0", "k1"]]],
                                                                               ["external_ids", "insert", strings]]}
    if kind == 5:
        return {"op": "delete", "table": "Queue", "where": [["dscp", "==", r.randrange(8)]]}
    if kind == 6:
        return {"op": "update", "table": "QoS", "where": [["type", "==", f"t{r.randrange(2)}"]], "row": {"external_ids": strings}}
    if kind == 7:
        return {"op": "insert", "table": "QoS", "row": {"type": f"t{r.randrange(2)}", "other_config": strings}}
    return {"op": "update", "table": "Bridge", "where": [], "row": {"flood_vlans": ["set", r.sample(range(20), r.randrange(4))]}}


def holds(row, clause):
    column, function, value = clause
    equal = row[column] == value
    return equal if function == "==" else not equal


@pytest.mark.parametrize("seed", [1, 2])
def test_follows(server, seed):
    r = random.Random(seed)
    ask = ovn_load.Waiting(f"{server.dir}/db.sock")
    follower = Follower(f"unix:{server.dir}/db.sock", server.env)
    conditions = {"Queue": None, "QoS": None}
    try:
        for n in range(1, ROUNDS + 1):
            if r.random() < 0.3:
                table = r.choice(sorted(conditions))
                clause = ["dscp", r.choice(["==", "!="]), r.randrange(8)] if table == "Queue" else ["type", "==", f"t{r.randrange(2)}"]
                conditions[table] = r.choice([None, [clause], [clause, ["dscp", "==", 3]] if table == "Queue" else [clause]])
                follower.tell(f"condition {table} {json.dumps(conditions[table])}")
            for _ in range(r.randrange(1, 15)):
                uuids = [row["_uuid"][1] for row in transact(ask, {"op": "select", "table": "Queue", "where": [], "columns": ["_uuid"]})[0]["rows"]]
                transact(ask, *(some_operation(r, uuids) for _ in range(r.randrange(1, 4))))
                if r.random() < 0.04:
                    follower.tell("reconnect")
                if r.random() < 0.15:
                    table = r.choice(sorted(conditions))
                    conditions[table] = [["dscp", "==", r.randrange(8)]] if table == "Queue" else None
                    follower.tell(f"condition {table} {json.dumps(conditions[table])}")
            if n == ROUNDS // 2:
                server.kill_server(signal.SIGTERM)
                server.start_server()
                ask = ovn_load.Waiting(f"{server.dir}/db.sock")
            transact(ask, {"op": "update", "table": "Open_vSwitch", "where": [], "row": {"next_cfg": n}})
            follower.tell(f"until {n}")
            assert follower.hear() == "reached"
            for table in ("Queue", "QoS", "Bridge"):
                follower.tell(f"dump {table}")
                have = json.loads(follower.hear())
                rows = {row["_uuid"][1]: row for row in transact(ask, {"op": "select", "table": table, "where": []})[0]["rows"]}
                condition = conditions.get(table)
                want = {uuid for uuid, row in rows.items() if condition is None or any(holds(row, c) for c in condition)}
                assert set(have) == want, (n, table, condition)
                for uuid, row in have.items():
                    for column, value in row.items():
                        if column in rows[uuid] and column != "_uuid":
                            assert ovn_load.elements(value) == ovn_load.elements(rows[uuid][column]), (n, table, uuid, column)
    finally:
        ask.close()
        follower.close()


def test_verified_counting(server):
    """Four programs add to one number, each sees what it relies on verified: none of the additions is lost."""
    followers = [Follower(f"unix:{server.dir}/db.sock", server.env) for _ in range(4)]
    try:
        for f in followers:
            f.tell("count 30")
        retries = []
        for f in followers:
            word, n = f.hear().split()
            assert word == "counted"
            retries.append(int(n))
        assert server.vsctl("--no-wait", "get", "bridge", "br0", "external_ids:count") == '"120"\n'
        assert sum(retries) > 0  # they did get into each other's way
    finally:
        for f in followers:
            f.close()


def test_counting_over_lost_connections(server):
    """A transaction whose connection is lost is tried again: nothing is counted too little, and twice at most once per loss."""
    follower = Follower(f"unix:{server.dir}/db.sock", server.env)
    try:
        follower.tell("count 6000")
        time.sleep(0.15)
        assert server.vsctl("--no-wait", "get", "bridge", "br0", "external_ids:count") != '"6000"\n'
        server.kill_server(signal.SIGKILL)
        server.start_server()
        assert follower.hear().startswith("counted")
        count = int(server.vsctl("--no-wait", "get", "bridge", "br0", "external_ids:count").strip('"\n'))
        assert 6000 <= count <= 6001, count
    finally:
        follower.close()

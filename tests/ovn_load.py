# SPDX-License-Identifier: Apache-2.0
"""A database server under the load of an OVN deployment: one program that writes logical flows and port bindings in bulk, and many
hypervisors that each follow the part of the database that concerns them. Used by a test (seconds) and by bench/db_clients (minutes).

A hypervisor monitors the rows of a few datapaths with conditions, which change every few seconds; claims ports in transactions that
verify what they rely on; and now and then loses its connection and resumes with monitor_cond_since. Each transaction of the writer
carries the time, so that every client knows how far it is behind. In the end each compares its copy with what the server says.
"""
import json
import multiprocessing
import os
import random
import selectors
import signal
import socket
import statistics
import time
import traceback

import ovs.json

ZERO = "00000000-0000-0000-0000-000000000000"


def optional(key, **more):
    return {"type": dict({"key": key, "min": 0}, **more)}


STRINGS = optional("string", value="string", max="unlimited")
SCHEMA = {"name": "Southbound", "version": "1.0.0", "tables": {
    "Global": {"isRoot": True, "maxRows": 1, "columns": {"nb_cfg": {"type": "integer"}, "stamp": {"type": "real"}}},
    "Chassis": {"isRoot": True, "indexes": [["name"]], "columns": {"name": {"type": "string"}, "nb_cfg": {"type": "integer"},
                                                                  "external_ids": STRINGS}},
    "Datapath": {"isRoot": True, "indexes": [["tunnel_key"]], "columns": {"tunnel_key": {"type": "integer"}, "external_ids": STRINGS}},
    "Port": {"isRoot": True, "indexes": [["logical_port"], ["datapath", "tunnel_key"]], "columns": {
        "logical_port": {"type": "string"}, "tunnel_key": {"type": "integer"},
        "datapath": {"type": {"key": {"type": "uuid", "refTable": "Datapath"}}},
        "chassis": optional({"type": "uuid", "refTable": "Chassis", "refType": "weak"}),
        "mac": optional("string", max="unlimited"), "options": STRINGS}},
    "Flow": {"isRoot": True, "columns": {
        "datapath": {"type": {"key": {"type": "uuid", "refTable": "Datapath"}}}, "table_id": {"type": "integer"},
        "priority": {"type": "integer"}, "match": {"type": "string"}, "actions": {"type": "string"}, "external_ids": STRINGS}}}}
COLUMNS = {table: sorted(t["columns"]) for table, t in SCHEMA["tables"].items()}
# Sets and maps come as differences in update2 and update3.
COMPOSITE = {table: {c for c, s in t["columns"].items() if isinstance(s["type"], dict) and s["type"].get("max", 1) != 1}
             for table, t in SCHEMA["tables"].items()}


class Connection:
    """JSON-RPC over a unix socket, without waiting. Replies and notifications go to callbacks."""

    def __init__(self, path, on_notify):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.socket.setblocking(False)
        self.on_notify = on_notify
        self.parser = None
        self.out = b""
        self.waiting = {}
        self.last_id = 0

    def send(self, message):
        self.out += json.dumps(message).encode()
        self.flush()

    def flush(self):
        while self.out:
            try:
                n = self.socket.send(self.out)
            except BlockingIOError:
                return
            self.out = self.out[n:]

    def call(self, method, params, callback=None):
        self.last_id += 1
        self.waiting[self.last_id] = callback
        self.send({"method": method, "params": params, "id": self.last_id})

    def receive(self):
        """Reads what is there. False when the server has closed the connection."""
        for _ in range(50):
            try:
                data = self.socket.recv(1 << 18)
            except BlockingIOError:
                return True
            if not data:
                return False
            text = data.decode()  # our rows are ASCII
            while text:
                if self.parser is None:
                    self.parser = ovs.json.Parser()
                text = text[self.parser.feed(text):]
                if self.parser.is_done():
                    message = self.parser.finish()
                    self.parser = None
                    if isinstance(message, str):
                        raise AssertionError(message)
                    self.dispatch(message)
        return True

    def dispatch(self, message):
        if message.get("method") == "echo":
            self.send({"id": message["id"], "result": message["params"], "error": None})
        elif "method" in message:
            self.on_notify(message["method"], message["params"])
        else:
            callback = self.waiting.pop(message["id"])
            if message.get("error") is not None:
                raise AssertionError(message["error"])
            if callback:
                callback(message["result"])

    def close(self):
        self.socket.close()


class Waiting(Connection):
    """The same, one call after the other."""

    def __init__(self, path):
        super().__init__(path, lambda method, params: None)

    def __call__(self, method, params):
        box = []
        self.call(method, params, box.append)
        while not box:
            self.flush()
            selector = selectors.DefaultSelector()
            selector.register(self.socket, selectors.EVENT_READ | (selectors.EVENT_WRITE if self.out else 0))
            selector.select(10)
            selector.close()
            assert self.receive()
        return box[0]

    def transact(self, *operations):
        results = self("transact", ["Southbound", *operations])
        bad = [r for r in results if r and "error" in r]
        assert not bad, bad
        return results


def elements(value):
    """A set or map as a Python dict; a set's values are None."""
    if isinstance(value, list) and len(value) == 2 and value[0] == "map":
        return {json.dumps(k): v for k, v in value[1]}
    if isinstance(value, list) and len(value) == 2 and value[0] == "set":
        return {json.dumps(k): None for k in value[1]}
    return {json.dumps(value): None}


class Replica:
    """Rows as {table: {uuid: {column: value}}}, kept up to date by update3."""

    def __init__(self):
        self.tables = {t: {} for t in COLUMNS}

    def clear(self):
        for rows in self.tables.values():
            rows.clear()

    def apply(self, updates):
        for table, rows in updates.items():
            for uuid, update in rows.items():
                self.apply_row(table, self.tables[table], uuid, update)

    @staticmethod
    def apply_row(table, rows, uuid, update):
        if "initial" in update or "insert" in update:
            row = update.get("initial", update.get("insert"))
            rows[uuid] = {c: elements(v) if c in COMPOSITE[table] else v for c, v in row.items()}
        elif "modify" in update:
            row = rows[uuid]
            for column, value in update["modify"].items():
                if column not in COMPOSITE[table]:
                    row[column] = value
                    continue
                have = row.setdefault(column, {})
                for key, v in elements(value).items():
                    if key in have and have[key] == v:
                        del have[key]
                    else:
                        have[key] = v
        else:
            del rows[uuid]


def normal_row(table, row):
    """Without what is default, sets and maps as dicts: for comparison."""
    out = {}
    for column, value in row.items():
        if column.startswith("_"):
            continue
        if column in COMPOSITE[table] and not isinstance(value, dict):
            value = elements(value)
        if value in ({}, ["set", []], 0, "", False):
            continue
        out[column] = value
    return out


class Hypervisor:
    """One client that behaves like ovn-controller."""

    def __init__(self, number, path, datapaths, seed):
        self.number = number
        self.path = path
        self.random = random.Random(seed)
        self.datapaths = datapaths  # UUIDs of all
        self.replica = Replica()
        self.last = ZERO
        self.lags = []
        self.stats = {"updates": 0, "changes": 0, "resumed": 0, "anew": 0, "claims": 0, "lost races": 0}
        self.chassis = None
        self.monitoring = False
        self.claiming = False
        self.changing = False
        self.mine = self.random.sample(datapaths, 3)
        self.next_change = self.next_drop = self.next_claim = 0.0
        self.generation = 0
        self.connection = None

    def connect(self, selector):
        self.selector = selector
        self.connection = Connection(self.path, self.on_notify)
        selector.register(self.connection.socket, selectors.EVENT_READ, self)
        self.connection.call("set_db_change_aware", [True])
        if not self.chassis:
            self.connection.call("transact", ["Southbound", {"op": "insert", "table": "Chassis", "row": {"name": f"hv{self.number}"}}],
                                 self.on_chassis)
        self.generation += 1
        self.connection.call("monitor_cond_since", ["Southbound", self.generation, self.requests(), self.last], self.on_monitor)
        now = time.monotonic()
        self.next_change = now + self.random.uniform(1, 6)
        self.next_drop = now + self.random.uniform(4, 30)

    def disconnect(self):
        if self.changing:
            self.last = ZERO  # nobody knows under which condition the rows that we have were sent
        self.selector.unregister(self.connection.socket)
        self.connection.close()
        self.connection = None
        self.monitoring = self.claiming = self.changing = False

    def condition(self):
        return [["datapath", "==", ["uuid", uuid]] for uuid in self.mine]

    def requests(self):
        requests = {t: [{"columns": COLUMNS[t]}] for t in ("Global", "Chassis", "Datapath")}
        for t in ("Port", "Flow"):
            requests[t] = [{"columns": COLUMNS[t], "where": self.condition()}]
        return requests

    def on_chassis(self, result):
        self.chassis = result[0]["uuid"]

    def on_monitor(self, result):
        found, self.last, updates = result
        if self.generation > 1:
            self.stats["resumed" if found else "anew"] += 1
        if not found:
            self.replica.clear()
        self.replica.apply(updates)
        self.monitoring = True

    def on_notify(self, method, params):
        if method != "update3" or params[0] != self.generation:
            return
        self.last = params[1]
        self.replica.apply(params[2])
        self.stats["updates"] += 1
        for update in params[2].get("Global", {}).values():
            stamp = update.get("modify", {}).get("stamp")
            if stamp:
                self.lags.append(time.monotonic() - stamp)

    def change_condition(self):
        self.mine = self.random.sample(self.datapaths, self.random.randrange(1, 5))
        where = [{"where": self.condition()}]
        self.changing = True
        self.connection.call("monitor_cond_change", [self.generation, self.generation, {"Port": where, "Flow": where}], self.on_changed)

    def on_changed(self, result):
        self.changing = False
        self.stats["changes"] += 1

    def claim(self):
        free = [(uuid, row) for uuid, row in self.replica.tables["Port"].items() if row.get("chassis") in (None, ["set", []])]
        rows = free or list(self.replica.tables["Port"].items())
        if not rows or not self.chassis:
            return
        uuid, row = self.random.choice(rows)
        old = row.get("chassis") or ["set", []]
        new = self.chassis if old == ["set", []] else ["set", []]
        where = [["_uuid", "==", ["uuid", uuid]]]
        self.claiming = True
        self.connection.call("transact", ["Southbound", {
            "op": "wait", "table": "Port", "where": where, "columns": ["chassis"], "until": "==", "rows": [{"chassis": old}], "timeout": 0},
            {"op": "update", "table": "Port", "where": where, "row": {"chassis": new}},
            {"op": "mutate", "table": "Chassis", "where": [["_uuid", "==", self.chassis]], "mutations": [["nb_cfg", "+=", 1]]}], self.on_claimed)

    def on_claimed(self, result):
        self.claiming = False
        if any(r and "error" in r for r in result):
            assert result[0] and result[0].get("error") == "timed out", result
            self.stats["lost races"] += 1
        else:
            self.stats["claims"] += 1

    def step(self, now, quiet):
        if self.connection is None:
            self.connect(self.selector)
        self.connection.flush()
        if not self.monitoring or quiet:
            return
        if now > self.next_change and not self.changing:
            self.next_change = now + self.random.uniform(2, 6)
            self.change_condition()
        if now > self.next_claim and not self.claiming:
            self.next_claim = now + self.random.uniform(0.2, 1)
            self.claim()
        if now > self.next_drop:
            self.disconnect()

    def compare(self, ask):
        """The copy is what the server has."""
        for table, rows in self.replica.tables.items():
            conditions = self.condition() if table in ("Port", "Flow") else [True]
            want = {}
            for condition in conditions:
                for row in ask.transact({"op": "select", "table": table, "where": [condition]})[0]["rows"]:
                    want[row["_uuid"][1]] = normal_row(table, row)
            have = {uuid: normal_row(table, row) for uuid, row in rows.items()}
            assert have == want, f"hv{self.number}, {table}: {len(have)} rows, the server has {len(want)}"


def run_hypervisors(path, numbers, datapaths, stop, done, results, seed):
    try:
        selector = selectors.DefaultSelector()
        clients = [Hypervisor(n, path, datapaths, f"{seed} {n}") for n in numbers]
        for c in clients:
            c.connect(selector)
        pause = 0.0  # the longest that this process took for one round, or was not given the processor
        while not done.is_set():
            ready = selector.select(0.05)
            begin = time.monotonic()
            for key, _ in ready:
                if key.data.connection and key.fileobj is key.data.connection.socket and not key.data.connection.receive():
                    raise AssertionError(f"hv{key.data.number}: the server closed the connection")
            now = time.monotonic()
            for c in clients:
                c.step(now, stop.is_set())
            pause = max(pause, time.monotonic() - begin)
        for c in clients:
            c.compare(Waiting(path))
        results.put([{"lags": c.lags, "stats": c.stats, "pause": pause} for c in clients])
    except Exception:
        results.put(traceback.format_exc())


class Writer:
    """What ovn-northd does: bulk changes, and small ones in between."""

    def __init__(self, path, n_datapaths, ports_per_datapath, flows_per_datapath, seed=1):
        self.ask = Waiting(path)
        self.random = random.Random(seed)
        self.flows_per_datapath = flows_per_datapath
        self.n = 0
        self.ask.transact({"op": "insert", "table": "Global", "row": {}})
        results = self.ask.transact(*({"op": "insert", "table": "Datapath", "row": {"tunnel_key": i, "external_ids": ["map", [["name", f"ls{i}"]]]}}
                                      for i in range(n_datapaths)))
        self.datapaths = [r["uuid"][1] for r in results]
        for i, datapath in enumerate(self.datapaths):
            self.ask.transact(*({"op": "insert", "table": "Port", "row": {
                "logical_port": f"ls{i}-p{j}", "tunnel_key": j, "datapath": ["uuid", datapath],
                "mac": f"0a:00:00:00:{i:02x}:{j:02x} 10.{i}.{j}.1", "options": ["map", [["requested-chassis", f"hv{j % 24}"]]]}}
                for j in range(ports_per_datapath)))
            self.ask.transact(*(self.flow(datapath) for _ in range(flows_per_datapath)))

    def flow(self, datapath):
        self.n += 1
        return {"op": "insert", "table": "Flow", "row": {
            "datapath": ["uuid", datapath], "table_id": self.n % 40, "priority": self.random.randrange(65535),
            "match": f"outport == \"p{self.n}\" && ip4.dst == 10.{self.n % 250}.0.{self.n % 254} && tcp.dst == {self.n % 65535}",
            "actions": "reg0[1] = 1; next;", "external_ids": ["map", [["source", "northd.c:1234"], ["stage", f"ls_in_{self.n % 9}"]]]}}

    def stamp(self):
        return [{"op": "mutate", "table": "Global", "where": [], "mutations": [["nb_cfg", "+=", 1]]},
                {"op": "update", "table": "Global", "where": [], "row": {"stamp": time.monotonic()}}]

    def small(self):
        i = self.random.randrange(len(self.datapaths))
        self.ask.transact({"op": "mutate", "table": "Port", "where": [["logical_port", "==", f"ls{i}-p{self.random.randrange(5)}"]],
                           "mutations": [["options", "delete", ["set", ["n"]]], ["options", "insert", ["map", [["n", str(self.n)]]]]]},
                          self.flow(self.datapaths[i]), *self.stamp())

    def bulk(self):
        """All flows of one datapath are made anew."""
        datapath = self.random.choice(self.datapaths)
        self.ask.transact({"op": "delete", "table": "Flow", "where": [["datapath", "==", ["uuid", datapath]]]},
                          *(self.flow(datapath) for _ in range(self.flows_per_datapath)), *self.stamp())


def rss(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS")) / 1024


def run_load(path, pid, seconds, n_clients=24, n_processes=2, n_datapaths=20, ports=25, flows=200, rate=10, bulk_every=3.0, seed=1,
             progress=None):
    """Runs the load against the server at `path`, whose process is `pid`. Gives a dict of what was measured; raises AssertionError
    when something was lost."""
    writer = Writer(path, n_datapaths, ports, flows, seed)
    context = multiprocessing.get_context("fork")
    stop, done, results = context.Event(), context.Event(), context.Queue()
    processes = [context.Process(target=run_hypervisors, args=(path, range(i, n_clients, n_processes), writer.datapaths, stop, done, results, seed),
                                 daemon=True) for i in range(n_processes)]
    memory, failed, slowest = [], None, 0.0
    try:
        for p in processes:
            p.start()
        begin = time.monotonic()
        next_bulk = begin + 1
        next_small = next_memory = begin
        while time.monotonic() < begin + seconds and results.empty():
            now = time.monotonic()
            if now >= next_memory:
                memory.append(rss(pid))
                next_memory = now + max(0.5, seconds / 200)
                if progress:
                    progress(now - begin, memory[-1])
            if now >= next_bulk:
                writer.bulk()
                next_bulk = now + bulk_every
            else:
                writer.small()
            slowest = max(slowest, time.monotonic() - now)
            next_small = max(next_small + 1 / rate, time.monotonic() - 1)
            time.sleep(max(0, next_small - time.monotonic()))
        stop.set()
        time.sleep(1.5)  # what is under way arrives
        writer.ask.transact(*writer.stamp())
        time.sleep(0.5)
        done.set()
        clients = []
        for _ in processes:
            part = results.get(timeout=60)
            if isinstance(part, str):
                failed = part
                break
            clients += part
    finally:
        for p in processes:
            if failed or p.is_alive():
                p.terminate()
            p.join(10)
            if p.is_alive():
                os.kill(p.pid, signal.SIGKILL)
        writer.ask.close()
    assert not failed, failed
    lags = sorted(lag for c in clients for lag in c["lags"])
    third = max(1, len(memory) // 3)
    return {
        "clients": len(clients), "flows written": writer.n, "updates": sum(c["stats"]["updates"] for c in clients),
        "condition changes": sum(c["stats"]["changes"] for c in clients), "resumed": sum(c["stats"]["resumed"] for c in clients),
        "started anew": sum(c["stats"]["anew"] for c in clients), "claims": sum(c["stats"]["claims"] for c in clients),
        "lost races": sum(c["stats"]["lost races"] for c in clients),
        "lag, median ms": statistics.median(lags) * 1000, "lag, 99% ms": lags[int(len(lags) * 0.99)] * 1000, "lag, worst ms": lags[-1] * 1000,
        "writer's slowest transaction ms": slowest * 1000, "clients' longest own pause ms": max(c["pause"] for c in clients) * 1000,
        "memory, second third MB": statistics.median(memory[third:2 * third] or memory), "memory, last third MB": statistics.median(memory[-third:]),
        "memory, most MB": max(memory),
    }

# SPDX-License-Identifier: Apache-2.0
"""Random transactions on the server and on a naive model of RFC 7047: the same results, the same errors, the same contents; the same
again after a restart, and in a client that only followed the updates."""
import copy
import json
import pathlib
import random
import sys
import uuid

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from dbharness import DbServer  # noqa: E402


def many(key, **more):
    return {"type": dict({"key": key, "min": 0, "max": "unlimited"}, **more)}


SCHEMA = {"name": "M", "tables": {
    "p": {"isRoot": True, "indexes": [["n"], ["s", "b"]], "maxRows": 9, "columns": {
        "n": {"type": "integer"}, "s": {"type": "string"}, "b": {"type": "boolean"},
        "small": {"type": {"key": {"type": "integer", "minInteger": 0, "maxInteger": 9}, "min": 0, "max": 3}},
        "tags": many("string", value="integer"), "fixed": {"type": "integer", "mutable": False},
        "kids": many({"type": "uuid", "refTable": "q"}), "pals": many({"type": "uuid", "refTable": "q", "refType": "weak"})}},
    "q": {"columns": {
        "s": {"type": "string"}, "next": {"type": {"key": {"type": "uuid", "refTable": "q"}, "min": 0}},
        "back": many({"type": "uuid", "refTable": "p", "refType": "weak"})}}}}
DEFAULTS = {"integer": 0, "string": "", "boolean": False}
REFS = {("p", "kids"): ("q", True), ("p", "pals"): ("q", False), ("q", "next"): ("q", True), ("q", "back"): ("p", False)}


class Failed(Exception):
    pass


def kind(table, column):
    t = SCHEMA["tables"][table]["columns"][column]["type"]
    return "map" if isinstance(t, dict) and "value" in t else "set" if isinstance(t, dict) else "one"


def parse(table, column, value, any_size=False):
    """The value as a Python one: a frozenset, a dict, or a scalar."""
    k = kind(table, column)
    if k == "one":
        return value
    if k == "map":
        return dict(map(tuple, value[1]))
    atoms = value[1] if isinstance(value, list) and value[0] == "set" else [value]
    out = frozenset(a[1] if isinstance(a, list) else a for a in atoms)
    if column == "small":
        if len(atoms) > 3 and not any_size:
            raise Failed("syntax error")
        if any(not 0 <= a <= 9 for a in out):
            raise Failed("constraint violation")
    if column == "next" and len(out) > 1:
        raise Failed("syntax error")
    return out


class Model:
    def __init__(self):
        self.tables = {"p": {}, "q": {}}

    def transact(self, ops):
        """Results, as the server's: one per operation, None behind one that failed, one more for a commit that failed."""
        before = copy.deepcopy(self.tables)
        results = []
        try:
            for op in ops:
                results.append(getattr(self, op["op"])(op))
            self.commit()
        except Failed as e:
            results.append(str(e))
            self.tables = before
            results += [None] * (len(ops) - len(results))
        return results

    def rows(self, op):
        return {u: r for u, r in self.tables[op["table"]].items() if all(self.holds(op["table"], u, r, c) for c in op["where"])}

    def holds(self, table, row_uuid, row, clause):
        column, function, arg = clause
        have, want = (row_uuid, arg[1]) if column == "_uuid" else (row[column], parse(table, column, arg, True))
        if column == "_uuid" or kind(table, column) == "one":
            return {"==": have == want, "!=": have != want, "includes": have == want, "excludes": have != want,
                    "<": column == "n" and have < want, ">=": column == "n" and have >= want}[function]
        if kind(table, column) == "map":
            have, want = set(have.items()), set(want.items())
        return {"==": have == want, "!=": have != want, "includes": want <= have, "excludes": not want & have}[function]

    def insert(self, op):
        columns = SCHEMA["tables"][op["table"]]["columns"]
        row = {c: DEFAULTS[v["type"]] if kind(op["table"], c) == "one" else {} if kind(op["table"], c) == "map" else frozenset()
               for c, v in columns.items()}
        row.update({c: parse(op["table"], c, v) for c, v in op["row"].items()})
        self.tables[op["table"]][op["uuid"]] = row
        return {"uuid": ["uuid", op["uuid"]]}

    def update(self, op):
        new = {c: parse(op["table"], c, v) for c, v in op["row"].items()}
        if "fixed" in new:
            raise Failed("constraint violation")
        rows = self.rows(op)
        for row in rows.values():
            row.update(new)
        return {"count": len(rows)}

    def mutate(self, op):
        rows = self.rows(op)
        table = op["table"]
        mutations = [(c, f, v if f == "+=" else parse(table, c, v, f == "delete")) for c, f, v in op["mutations"]]
        for row in rows.values():
            for column, function, arg in mutations:
                old = row[column]
                if function == "+=":
                    row[column] = old + arg if column == "n" else frozenset(a + arg for a in old)
                    if column == "small" and any(not 0 <= a <= 9 for a in row[column]):
                        raise Failed("constraint violation")
                elif kind(table, column) == "map":
                    row[column] = dict(arg, **old) if function == "insert" else {k: v for k, v in old.items() if arg.get(k) != v}
                else:
                    row[column] = old | arg if function == "insert" else old - arg
                    if column == "small" and len(row[column]) > 3:
                        raise Failed("constraint violation")
        return {"count": len(rows)}

    def delete(self, op):
        rows = self.rows(op)
        for u in rows:
            del self.tables[op["table"]][u]
        return {"count": len(rows)}

    def select(self, op):
        return {"rows": copy.deepcopy(self.rows(op))}

    def abort(self, op):
        raise Failed("aborted")

    def wait(self, op):
        have = {r["n"] for r in self.rows(op).values()}
        if (have == {r["n"] for r in op["rows"]}) != (op["until"] == "=="):
            raise Failed("timed out")
        return {}

    def referred(self):
        """Rows that others refer to strongly."""
        return {ref for (t, c), (_, strong) in REFS.items() if strong for u, r in self.tables[t].items() for ref in r[c] if ref != u}

    def commit(self):
        if self.referred() - set(self.tables["q"]):
            raise Failed("referential integrity violation")
        while garbage := set(self.tables["q"]) - self.referred():
            for u in garbage:
                del self.tables["q"][u]
        for (t, c), (target, strong) in REFS.items():
            if not strong:
                for row in self.tables[t].values():
                    row[c] &= set(self.tables[target])
        p = self.tables["p"].values()
        if len(p) > 9 or len({r["n"] for r in p}) < len(p) or len({(r["s"], r["b"]) for r in p}) < len(p):
            raise Failed("constraint violation")


class Generator:
    def __init__(self, r, model):
        self.r, self.model = r, model
        self.new = []

    def ref(self, table):
        known = list(self.model.tables[table]) + [u for t, u in self.new if t == table]
        return ["uuid", self.r.choice(known) if known and self.r.random() < 0.97 else str(uuid.UUID(int=self.r.getrandbits(128), version=4))]

    def value(self, table, column):
        r = self.r
        if (table, column) in REFS:
            most = 1 if column == "next" else 3
            return ["set", list(map(list, {tuple(self.ref(REFS[table, column][0])) for _ in range(r.randint(0, most))}))]
        if column == "tags":
            return ["map", [[k, r.randrange(3)] for k in r.sample(["a", "b", "a longer name of a tag", "d"], r.randrange(4))]]
        if column == "small":
            return ["set", r.sample(range(11 if r.random() < 0.05 else 10), r.choice([0, 1, 2, 3, 3, 4] if r.random() < 0.3 else [0, 1, 2]))]
        return {"s": lambda: f"s{r.randrange(12)}{'x' * 20 * r.randrange(2)}", "b": lambda: r.random() < 0.5}.get(
            column, lambda: r.randrange(14))()

    def row(self, table, full):
        columns = sorted(SCHEMA["tables"][table]["columns"])
        if not full:
            columns = [c for c in columns if c != "fixed" or self.r.random() < 0.05]
        return {c: self.value(table, c) for c in columns if self.r.random() < (0.8 if full else 0.3)}

    def where(self, table):
        r = self.r
        if r.random() < 0.15:
            return []
        if r.random() < 0.3 and self.model.tables[table]:
            return [["_uuid", r.choice(["==", "!=", "includes", "excludes"]), self.ref(table)]]
        column = r.choice(["n", "n", "s", "b", "tags", "small", "kids"] if table == "p" else ["s", "next", "back"])
        functions = ["==", "!=", "includes", "excludes"] + (["<", ">="] if column == "n" else [])
        clauses = [[column, r.choice(functions), self.value(table, column)]]
        if clauses[0][0] == "small":
            clauses[0][2] = ["set", [v for v in clauses[0][2][1] if v < 10][:3]]
        return clauses + ([["s", "==", self.value(table, "s")], ["b", "==", r.random() < 0.5]] if table == "p" and r.random() < 0.1 else [])

    def op(self):
        r = self.r
        table = r.choice("ppq")
        name = r.choice(["insert"] * 5 + ["update"] * 4 + ["mutate"] * 4 + ["delete", "delete", "select", "wait", "abort"])
        if name == "insert":
            u = str(uuid.UUID(int=r.getrandbits(128), version=4))
            self.new.append((table, u))
            return {"op": name, "table": table, "uuid": u, "row": self.row(table, True)}
        if name == "abort":
            return {"op": name} if r.random() < 0.3 else {"op": "select", "table": "p", "where": []}
        if name == "wait":
            where = [["n", "<", r.randrange(14)]]
            return {"op": name, "table": "p", "where": where, "columns": ["n"], "until": r.choice(["==", "!="]), "timeout": 0,
                    "rows": [{"n": n} for n in {row["n"] for row in self.model.tables["p"].values() if row["n"] < where[0][2]}]}
        op = {"op": name, "table": table, "where": self.where(table)}
        if name == "update":
            op["row"] = self.row(table, False)
        if name == "mutate":
            column = r.choice(["n", "small", "tags", "kids", "pals"] if table == "p" else ["back"])
            function = r.choice(["insert", "delete"]) if column != "n" and not (column == "small" and r.random() < 0.3) else "+="
            op["mutations"] = [[column, function, r.randrange(3) if function == "+=" else self.value(table, column)]]
        return op


def plain(table, rows):
    """Rows of the server in the form of the model."""
    return {r["_uuid"][1]: {c: parse(table, c, v, True) for c, v in r.items() if c not in ("_uuid", "_version")} for r in rows}


def comparable(op, result):
    if result is None or isinstance(result, str):
        return result
    if "error" in result:
        return result["error"]
    return {"rows": plain(op["table"], result["rows"])} if op["op"] == "select" and isinstance(result["rows"], list) else result


def follow(replica, updates):
    for table, rows in updates.items():
        for u, update in rows.items():
            (what, columns), = update.items()
            if what == "delete":
                del replica[table][u]
                continue
            if what in ("insert", "initial"):
                model = Model()
                model.insert({"table": table, "uuid": u, "row": columns})
                replica[table][u] = model.tables[table][u]
                continue
            for c, v in columns.items():
                old, diff = replica[table][u][c], parse(table, c, v, True)
                if kind(table, c) == "one" or c == "next":
                    replica[table][u][c] = diff
                elif kind(table, c) == "set":
                    replica[table][u][c] = old ^ diff
                else:
                    replica[table][u][c] = {k: v for k, v in {**old, **diff}.items() if old.get(k) != diff.get(k)}


@pytest.mark.parametrize("seed", range(4))
def test_random_transactions(seed):
    r = random.Random(seed)
    model = Model()
    with DbServer(databases=[SCHEMA]) as s:
        c, watcher = s.client(), s.client()
        replica = {"p": {}, "q": {}}
        watcher.call("monitor_cond", ["M", "m", {t: [{"columns": sorted(v["columns"])}] for t, v in SCHEMA["tables"].items()}])
        n_good = 0
        for _ in range(700):
            generator = Generator(r, model)
            ops = [generator.op() for _ in range(r.choice([1, 1, 2, 3, 5]))]
            expected = model.transact(ops)
            got = c.transact("M", *ops)
            padded = ops + [{"op": "commit"}]
            assert [comparable(o, x) for o, x in zip(padded, got)] == [comparable(o, x) for o, x in zip(padded, expected)], json.dumps(ops)
            n_good += not any(isinstance(x, str) for x in expected)
            contents = c.transact("M", *[{"op": "select", "table": t, "where": []} for t in "pq"])
            assert {t: plain(t, x["rows"]) for t, x in zip("pq", contents)} == model.tables, json.dumps(ops)
        assert n_good > 150
        watcher.call("echo", [])
        for note in watcher.notes:
            follow(replica, note["params"][1])
        assert replica == model.tables
        s.stop()
        s.start()
        contents = s.client().transact("M", *[{"op": "select", "table": t, "where": []} for t in "pq"])
        assert {t: plain(t, x["rows"]) for t, x in zip("pq", contents)} == model.tables

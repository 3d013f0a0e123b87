# SPDX-License-Identifier: Apache-2.0
"""Generated schemas, and generated transactions on them, to the stock ovsdb-server and to ours: results, notifications, contents
and files are compared. OVSDB_SCHEMAS=200 tries more schemas than the few of `make check`."""
import os
import random

import pytest

from test_ovsdb_differential import OURS, STOCK, Generator, Server, StockIsWrong, drive, exchange_files

N_SCHEMAS = int(os.environ.get("OVSDB_SCHEMAS", "24"))
ROUNDS = int(os.environ.get("OVSDB_SCHEMA_ROUNDS", "250"))
FIRST = int(os.environ.get("OVSDB_FIRST_SCHEMA", "0"))

pytestmark = pytest.mark.skipif(not (os.path.exists(STOCK) and os.path.exists(OURS)), reason="needs both servers")


class SchemaMaker:
    def __init__(self, r):
        self.r = r
        self.names = [f"t{i}" for i in range(r.randrange(1, 6))]

    def chance(self, p):
        return self.r.random() < p

    def base(self, may_refer):
        kind = self.r.choice(["integer", "integer", "real", "boolean", "string", "string", "uuid"])
        base = {"type": kind}
        if kind == "integer":
            if self.chance(0.2):
                base["enum"] = ["set", self.r.sample([0, 1, 2, 5, 9], self.r.randrange(1, 5))]
            elif self.chance(0.3):
                base["minInteger"] = self.r.choice([-5, 0, 1])
                if self.chance(0.5):
                    base["maxInteger"] = self.r.choice([7, 10])
        elif kind == "real":
            if self.chance(0.15):
                base["enum"] = ["set", self.r.sample([0, 1.5, 2.25, -1], self.r.randrange(1, 4))]
            elif self.chance(0.3):
                base["maxReal"] = self.r.choice([1.5, 3, 1e9])
        elif kind == "string":
            if self.chance(0.2):
                base["enum"] = ["set", self.r.sample(["", "x", "y z", "z", "ab"], self.r.randrange(1, 5))]
            elif self.chance(0.3):
                base["minLength"] = self.r.randrange(3)
                base["maxLength"] = self.r.randrange(2, 7)
        elif kind == "uuid" and may_refer and self.chance(0.85):
            base["refTable"] = self.r.choice(self.names)
            if self.chance(0.5):
                base["refType"] = "weak"
        return base

    def type(self):
        key = self.base(True)
        if self.chance(0.45):
            return key["type"] if key == {"type": key["type"]} and self.chance(0.5) else {"key": key}
        spec = {"key": key, "min": 0 if self.chance(0.85) else 1}
        if self.chance(0.35):
            # Of a pair of a strong and a weak reference the stock server goes on counting the strong one when it cuts the weak one.
            spec["value"] = self.base("refTable" not in key)
        spec["max"] = self.r.choice([1, 2, 3, 5, "unlimited", "unlimited"])
        return spec

    def table(self):
        columns = {"k": {"type": "integer"}}
        for i in range(self.r.randrange(1, 8)):
            column = {"type": self.type()}
            if self.chance(0.06):
                column["mutable"] = False
            # A required reference that is not kept could not be loaded again.
            if self.chance(0.06) and not needs_reference(column):
                column["ephemeral"] = True
            columns[f"c{i}"] = column
        table = {"columns": columns}
        fit = [n for n, c in columns.items() if not c.get("ephemeral")]
        if self.chance(0.5):
            table["indexes"] = [["k"]]
            if self.chance(0.4):
                table["indexes"].append(self.r.sample(fit, self.r.randrange(1, min(3, len(fit)) + 1)))
        if self.chance(0.2):
            table["maxRows"] = self.r.randrange(3, 15)
        return table

    def schema(self):
        schema = {"name": "T", "version": "1.0.0", "tables": {n: self.table() for n in self.names}}
        if self.chance(0.8):
            for n in self.r.sample(self.names, self.r.randrange(1, len(self.names) + 1)):
                schema["tables"][n]["isRoot"] = True
        return schema


def bases(column):
    spec = column["type"]
    if not isinstance(spec, dict) or "key" not in spec:
        spec = {"key": spec}
    return [b if isinstance(b, dict) else {"type": b} for b in (spec["key"], spec.get("value")) if b]


def is_weak(column):
    return any(b.get("refType") == "weak" for b in bases(column))


def needs_reference(column):
    spec = column["type"]
    least = spec.get("min", 1) if isinstance(spec, dict) else 1
    return least and any("refTable" in b for b in bases(column))


class AnyGenerator(Generator):
    """Transactions for any schema."""

    def __init__(self, seed, schema):
        super().__init__(seed, schema)
        marked = any(t.get("isRoot") for t in self.tables.values())
        self.roots = [n for n, t in self.tables.items() if t.get("isRoot") or not marked]

    def some_table(self):
        return self.r.choice(list(self.tables))

    def row(self, table, all_columns=False):
        columns = self.tables[table]["columns"]
        share = self.pick(0.15, 0.4, 0.8)
        row = {n: self.value(c) for n, c in columns.items() if self.r.random() < (0.9 if needs_reference(c) else share)}
        if self.r.random() < 0.9:
            row["k"] = self.r.randrange(30)
        return row

    def where(self, table):
        columns = self.tables[table]["columns"]
        clauses = []
        for _ in range(self.pick(0, 1, 1, 1, 2, 3)):
            chance = self.r.random()
            if self.rows[table] and chance < 0.3:
                clauses.append(["_uuid", self.pick("==", "==", "!=", "includes", "excludes"), ["uuid", "@" + self.r.choice(self.rows[table])]])
            elif chance < 0.33:
                clauses.append(self.pick(True, False))
            else:
                name = "k" if self.r.random() < 0.4 else self.r.choice(sorted(columns))
                value = self.r.randrange(30) if name == "k" else self.value(columns[name])
                clauses.append([name, self.pick("==", "==", "!=", "<", "<=", ">", ">=", "includes", "excludes"), value])
        return clauses

    def wait(self, table):
        columns = self.tables[table]["columns"]
        names = self.r.sample(sorted(columns), self.r.randrange(1, len(columns) + 1))
        rows = [{n: self.value(columns[n]) for n in names} for _ in range(self.pick(0, 0, 1, 2))]
        return {"op": "wait", "table": table, "where": self.where(table), "columns": names, "until": self.pick("==", "!="), "timeout": 0,
                "rows": rows}

    def transaction(self):
        names = list(self.tables)
        self.local = [(self.r.choice(names), f"n{i}") for i in range(self.pick(0, 0, 1, 2))]
        ops = [{"op": "insert", "table": t, "row": self.row(t), "uuid-name": n} for t, n in self.local]
        self.r.shuffle(ops)
        ops += [self.operation() for _ in range(self.pick(1, 1, 2, 3))]
        if any(not isinstance(op, dict) or op.get("op") != "insert" for op in ops):
            # As in test_ovsdb_differential: the stock server forgets some weak references otherwise.
            for op in ops:
                if isinstance(op, dict) and op.get("op") == "insert" and op["table"] not in self.roots:
                    for name, column in self.tables[op["table"]]["columns"].items():
                        if is_weak(column):
                            op["row"].pop(name, None)
        return ops


def monitors(r, schema):
    """The whole, and a part under a condition of equality, which every type has."""
    generator = AnyGenerator(r.random(), schema)
    part = {}
    for name, table in schema["tables"].items():
        columns = sorted(table["columns"])
        clauses = [["k", r.choice(["==", "<", ">=", "!="]), r.randrange(30)]]
        other = r.choice(columns)
        if not any("refTable" in b for b in bases(table["columns"][other])):
            generator.r.random = lambda: 0.5  # no deliberate mistakes
            clauses.append([other, r.choice(["==", "!="]), generator.value(table["columns"][other], most=1)])
            generator.r = random.Random(r.random())
        part[name] = [{"columns": r.sample(columns, r.randrange(1, len(columns) + 1)), "where": clauses}]
    return part


@pytest.mark.parametrize("seed", range(FIRST, FIRST + N_SCHEMAS))
def test_generated_schema(tmp_path, seed):
    r = random.Random(f"schema {seed}")
    schema = SchemaMaker(r).schema()
    tables = list(schema["tables"])
    both = []
    try:
        for program in (STOCK, OURS):
            both.append(Server(program, str(tmp_path / ("stock" if program == STOCK else "ours")), schema))
        for s in both:
            s.call("monitor", ["T", "v1", {t: {} for t in tables}])
            s.call("monitor_cond", ["T", "v2", {t: {"where": []} for t in tables}])
        part = monitors(r, schema)
        answers = [s.call("monitor_cond", ["T", "part", part]) for s in both]
        # Of several mistakes either may be the one that is complained about.
        assert answers[0] == answers[1] or answers[0].get("error") == answers[1].get("error") != None, answers  # noqa: E711
        n_good, names = drive(*both, AnyGenerator(f"transactions {seed}", schema), tables, ROUNDS)
        assert n_good > ROUNDS // 100
        exchange_files(*both, tables, names, {t: [n for n, c in schema["tables"][t]["columns"].items() if c.get("ephemeral")] for t in tables})
    except StockIsWrong:
        pytest.skip("the stock server left a reference to a row that is gone")
    finally:
        for s in both:
            s.stop()

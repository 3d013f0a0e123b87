# SPDX-License-Identifier: Apache-2.0
"""Generated command lines to the stock ovs-vsctl and to ours, each with the stock server and a database of its own: the same output,
messages and exit status. VSCTL_LINES=2000 tries more."""
import json
import os
import pathlib
import random

import pytest

import harness
from test_vsctl import Database, needs_stock, normalize

LINES = int(os.environ.get("VSCTL_LINES", "150"))
SEEDS = [int(s) for s in os.environ.get("VSCTL_SEEDS", "1 2").split()]
SCHEMA = json.loads(pathlib.Path("/usr/share/openvswitch/vswitch.ovsschema").read_text()) if os.path.exists(
    "/usr/share/openvswitch/vswitch.ovsschema") else {"tables": {}}
BRIDGES, PORTS = ["br0", "br1", "fake0", "nobr"], ["p0", "p1", "p2", "bond0", "br0", "noport"]
WORDS = ["", "a", "abc", "1", "0", "-1", "7", "4095", "4096", "1.5", "1e3", "0x10", "true", "false", "yes", "[]", "{}", "[1,2]", "[1 2]", "{a=b}", "a=b",
         "a=b,c=d", "\"q\"", "\"a,b\"", "[\"x y\"]", "secure", "standalone", "@x", "active", "00000000-0000-0000-0000-000000000000", "\"\\\"\"",
         "é", "a:b", "x=1.5", "[a,", "{a=}", "=", "\"", "a b", "OpenFlow13", "[OpenFlow10,OpenFlow13]"]
OPERATORS = ["=", "!=", "<", ">", "<=", ">=", "{=}", "{!=}", "{<}", "{>}", "{<=}", "{>=}", "{in}", "{not-in}", "~"]


class Lines:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def table(self):
        name = self.r.choice(["Bridge", "Port", "Interface", "Open_vSwitch", "QoS", "Queue", "sFlow", "Controller", "Manager", "NetFlow"])
        return self.r.choice([name, name, name.lower(), name[:4].lower()]) if self.r.random() < 0.97 else "Nosuch"

    def full(self, table):
        return next((t for t in SCHEMA["tables"] if t.lower().startswith(table.lower())), "Bridge")

    def column(self, table):
        columns = sorted(SCHEMA["tables"][self.full(table)]["columns"])
        name = self.r.choice([c for c in columns if c not in ("statistics", "status")] + ["name", "other_config", "external_ids"])
        if name not in columns and self.r.random() < 0.7:
            name = columns[0]
        return self.r.choice([name, name, name, name.replace("_", "-"), name[:6]]) if self.r.random() < 0.95 else "nosuch"

    def keyed(self, table):
        column = self.column(table)
        return column + ":" + self.r.choice(["a", "b", "1", "\"x y\"", "", "hwaddr"]) if self.r.random() < 0.3 else column

    def record(self, table):
        table = self.full(table)
        pool = {"Bridge": BRIDGES, "Port": PORTS, "Interface": PORTS, "Open_vSwitch": ["."]}.get(table, [])
        return self.r.choice(pool + ["."] if self.r.random() < 0.05 else pool or [".", "x"]) if self.r.random() < 0.97 else "00000000-0000-0000-0000-000000000001"

    def value(self):
        return self.r.choice(WORDS)

    def options(self, *some):
        return [o for o in some if self.r.random() < 0.25]

    def database_command(self):
        r, table = self.r, self.table()
        kind = r.choice(["list", "find", "get", "set", "add", "remove", "clear", "create", "destroy"])
        if kind == "list":
            return self.options("--if-exists", "--columns=" + self.column(table)) + ["list", table] + ([self.record(table)] if r.random() < 0.5 else [])
        if kind == "find":
            return self.options("--columns=" + self.column(table)) + ["find", table] + [self.keyed(table) + r.choice(OPERATORS) + self.value() for _ in range(r.randrange(3))]
        if kind == "get":
            return self.options("--if-exists") + ["get", table, self.record(table)] + [self.keyed(table) for _ in range(r.randrange(3))]
        if kind == "set":
            return self.options("--if-exists") + ["set", table, self.record(table)] + [self.keyed(table) + "=" + self.value() for _ in range(r.randrange(1, 3))]
        if kind in ("add", "remove"):
            return self.options("--if-exists") + [kind, table, self.record(table), self.column(table)] + [self.value() for _ in range(r.randrange(1, 3))]
        if kind == "clear":
            return self.options("--if-exists") + ["clear", table, self.record(table), self.column(table)]
        if kind == "create":
            return self.options("--id=@x") + ["create", table] + [self.keyed(table) + "=" + self.value() for _ in range(r.randrange(3))]
        return self.options("--if-exists", "--all") + ["destroy", table] + ([self.record(table)] if r.random() < 0.8 else [])

    def switch_command(self):
        r = self.r
        bridge, port = r.choice(BRIDGES), r.choice(PORTS)
        return r.choice([
            lambda: self.options("--may-exist") + ["add-br", bridge] + (["br0", r.choice(["5", "0", "4096"])] if r.random() < 0.4 else []),
            lambda: self.options("--if-exists") + ["del-br", bridge], lambda: ["list-br"], lambda: ["br-exists", bridge],
            lambda: ["br-to-vlan", bridge], lambda: ["br-to-parent", bridge],
            lambda: ["br-set-external-id", bridge, r.choice(["k", "l"])] + ([self.value()] if r.random() < 0.7 else []),
            lambda: ["br-get-external-id", bridge] + (["k"] if r.random() < 0.5 else []),
            lambda: ["list-ports", bridge], lambda: ["list-ifaces", bridge], lambda: ["iface-to-br", port], lambda: ["port-to-br", port],
            lambda: self.options("--may-exist") + ["add-port", bridge, port] + [self.keyed("Port") + "=" + self.value() for _ in range(r.randrange(2))],
            lambda: self.options("--may-exist", "--fake-iface") + ["add-bond", bridge, "bond0", *r.sample(["e0", "e1", "e2", "p1"], r.randrange(1, 4))],
            lambda: self.options("--if-exists", "--with-iface") + ["del-port"] + ([bridge] if r.random() < 0.5 else []) + [port],
            lambda: ["get-controller", bridge], lambda: ["del-controller", bridge],
            lambda: ["set-controller", bridge] + r.sample(["tcp:1.2.3.4", "ptcp:", "ssl:h:1", "x"], r.randrange(3)),
            lambda: [r.choice(["get-fail-mode", "del-fail-mode"]), bridge], lambda: ["set-fail-mode", bridge, r.choice(["secure", "standalone", "x"])],
            lambda: ["get-manager"], lambda: ["del-manager"],
            lambda: ["get-ssl"], lambda: ["del-ssl"], lambda: self.options("--bootstrap") + ["set-ssl", "a", "b", "c"],
            lambda: ["get-aa-mapping", bridge], lambda: ["add-aa-mapping", bridge, r.choice(["1", "x"]), r.choice(["2", "5000"])],
            lambda: ["del-aa-mapping", bridge, "1", "2"], lambda: ["show"], lambda: ["emer-reset"], lambda: ["nosuch", "x"], lambda: ["list-br", "x"],
        ])()

    def line(self):
        line = self.options("--oneline")[:1] if self.r.random() < 0.2 else []
        line += self.r.choice([[], [], [], [], [], ["-fcsv"], ["-ftable", "--no-headings"], ["-djson"], ["--format=json"], ["--data=bare"], ["--dry-run"]])
        n = self.r.choice([1, 1, 1, 2, 3])
        for i in range(n):
            if i:
                line.append("--")
            line += self.database_command() if self.r.random() < 0.6 else self.switch_command()
        return line


def comparable(argv, answer):
    out, err, code = answer
    # Rows come in no order, also those of tables.
    lines = "\n".join(out if isinstance(out, list) else [out]).replace("\\n", "\n").splitlines()
    for i, line in enumerate(lines):
        if line.startswith('{"data":'):
            table = json.loads(line)
            lines[i] = str((table["headings"], sorted(map(str, table["data"]))))
    out = sorted(lines)
    if code and "transaction error" in err:
        # Which of several broken rules is named first is chance.
        err = "transaction error"
    return out, err, code


@needs_stock
@pytest.mark.parametrize("seed", SEEDS)
def test_generated_lines(seed):
    lines = Lines(seed)
    databases = {}
    try:
        for tools in (harness.stock, harness.ours):
            databases[tools] = Database(harness.stock)
            for argv in (["add-br", "br0"], ["add-port", "br0", "p0"], ["add-br", "fake0", "br0", "9"]):
                assert databases[tools].vsctl(harness.stock, *argv).returncode == 0
        wrong = []
        for n in range(LINES):
            argv = lines.line()
            answers = [comparable(argv, normalize(argv, db.vsctl(tools, *argv), db.env, tools("ovs-vsctl"))) for tools, db in databases.items()]
            if answers[0] != answers[1]:
                wrong.append(f"{n}: {argv}\nwanted {answers[0]}\ngot    {answers[1]}")
            if n % 10 == 0 or answers[0] != answers[1]:
                # The databases must not drift apart, or everything behind would differ.
                dumps = [sorted(map(str, normalize(["list"], db.vsctl(harness.stock, "list", t), db.env, "")[0]))
                         for db in databases.values() for t in ("Bridge", "Port", "Interface", "QoS", "Queue", "Controller")]
                assert dumps[:6] == dumps[6:], "\n".join(wrong + [f"{n}: {argv} left different databases"])
        assert not wrong, "\n".join(wrong)
    finally:
        for db in databases.values():
            db.switch.close()

# SPDX-License-Identifier: Apache-2.0
"""Our schema is that of the package, plus what version 8.8.0 adds: tables, columns, types and constraints are the interface."""
import json
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness  # noqa: E402

OURS = harness.ROOT / "src/dbclient/vswitch.ovsschema"
STOCK = pathlib.Path("/usr/share/openvswitch/vswitch.ovsschema")
U32 = (("integer", None, None, 0, 4294967295, None, None, None), None, 0, 1)
HOUR = (("integer", None, None, 1, 3600, None, None, None), None, 0, 1)
ADDED = {
    ("Mirror", "filter"): (("string", None, None, None, None, None, None, None), None, 0, 1),
    ("IPFIX", "stats_interval"): HOUR,
    ("IPFIX", "template_interval"): HOUR,
    ("Flow_Sample_Collector_Set", "local_group_id"): U32,
    ("Datapath", "ct_zone_default_limit"): U32,
    ("CT_Zone", "limit"): U32,
}


def base(json_type):
    if isinstance(json_type, str):
        json_type = {"type": json_type}
    known = {"type", "refTable", "refType", "minInteger", "maxInteger", "minLength", "maxLength", "enum"}
    assert set(json_type) <= known
    enum = json_type.get("enum")
    return (json_type["type"], json_type.get("refTable"), json_type.get("refType", "strong") if "refTable" in json_type else None,
            json_type.get("minInteger"), json_type.get("maxInteger"), json_type.get("minLength"), json_type.get("maxLength"),
            tuple(sorted(enum[1])) if enum else None)


def column_type(json_type):
    if isinstance(json_type, str):
        json_type = {"key": json_type}
    return (base(json_type["key"]), base(json_type["value"]) if "value" in json_type else None, json_type.get("min", 1),
            json_type.get("max", 1))


def canonical(path):
    """{(table, column): type and flags}, {table: flags}."""
    schema = json.loads(path.read_text())
    assert schema["name"] == "Open_vSwitch"
    columns, tables = {}, {}
    for name, table in schema["tables"].items():
        tables[name] = (table.get("isRoot", False), table.get("maxRows"), sorted(map(sorted, table.get("indexes", []))))
        for column, c in table["columns"].items():
            columns[name, column] = (column_type(c["type"]), c.get("mutable", True), c.get("ephemeral", False))
    return schema["version"], columns, tables


def test_equal_but_for_the_additions():
    if not STOCK.exists():
        pytest.skip("the stock schema is not installed")
    version, ours, our_tables = canonical(OURS)
    _, stock, stock_tables = canonical(STOCK)
    assert version == "8.8.0"
    assert our_tables == stock_tables
    for key, value in ADDED.items():
        assert ours.pop(key) == (value, True, False)
    prefixes = ("Flow_Table", "prefixes")
    (key, value, low, high), mutable, ephemeral = ours.pop(prefixes)
    assert (low, high) == (0, 4)
    assert ((key, value, low, 3), mutable, ephemeral) == stock.pop(prefixes)
    assert ours == stock


@pytest.mark.parametrize("tools", [harness.ours, harness.stock], ids=["ours", "stock"])
def test_both_servers_take_it(tools, tmp_path):
    try:
        program = tools("ovsdb-tool")
    except FileNotFoundError:
        pytest.skip("the stock programs are not installed")
    harness.run(program, "create", tmp_path / "db", OURS)
    assert harness.run(program, "db-version", tmp_path / "db").stdout.strip() == "8.8.0"

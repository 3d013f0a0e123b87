# SPDX-License-Identifier: Apache-2.0
"""The same commands for both switches, through both `ovs-ofctl`: bundles, flow monitors, tables. What is printed must be the same."""
import os
import re
import signal
import subprocess

import pytest

import harness
from harness import ours, stock, wait_until

FLOWS = "in_port=1,actions=drop\nin_port=2,actions=output:1\n"
CHANGES = """flow in_port=3,actions=drop
flow delete in_port=1
group group_id=1,type=all,bucket=output:1
flow add in_port=4,actions=group:1
packet-out in_port=1,packet=ffffffffffff00000000000108060001080006040001000000000001c0a80001000000000000c0a80002,actions=output:2
"""
BAD_CHANGES = """flow in_port=3,actions=drop
flow delete in_port=2
group group_id=8,type=all
flow in_port=9,actions=group:77
"""
SHOW = ["--no-stats", "dump-flows", "br0"]
O13, O14, O15 = ["-O", "OpenFlow13"], ["-O", "OpenFlow14"], ["-O", "OpenFlow15"]
BUNDLES = [
    ["--bundle", "add-flows", "br0", "FLOWS"], SHOW, [*O14, "bundle", "br0", "BAD"], SHOW, ["bundle", "br0", "CHANGES"], SHOW,
    ["--bundle", "add-flow", "br0", "in_port=1,actions=group:99"], [*O13, "--bundle", "add-flow", "br0", "in_port=1,actions=drop"],
    ["--bundle", "del-flows", "br0", "in_port=1"], ["--bundle", "add-group", "br0", "group_id=5,type=all"],
    ["--bundle", "add-group", "br0", "group_id=5,type=all"], [*O13, "dump-groups", "br0", "5"],
    ["--bundle", "replace-flows", "br0", "FLOWS"], SHOW, ["--bundle", "mod-flows", "br0", "in_port=2,actions=output:2"], SHOW,
    [*O15, "--bundle", "del-groups", "br0"], SHOW,
]

O12 = ["-O", "OpenFlow12"]
SETTINGS = [
    ["dump-tlv-map", "br0"], ["add-tlv-map", "br0", "{class=0xffff,type=0,len=4}->tun_metadata0"],
    ["add-tlv-map", "br0", "{class=0xffff,type=0,len=4}->tun_metadata1"], ["add-tlv-map", "br0", "{class=0xffff,type=1,len=4}->tun_metadata0"],
    ["add-tlv-map", "br0", ",".join(f"{{class=0xffff,type={i},len=124}}->tun_metadata{i}" for i in (2, 3, 4))], ["dump-tlv-map", "br0"],
    ["del-tlv-map", "br0", "{class=0xffff,type=0,len=4}->tun_metadata0"], ["dump-tlv-map", "br0"], ["del-tlv-map", "br0"],
    ["queue-get-config", "br0"], [*O14, "queue-get-config", "br0"], [*O14, "queue-get-config", "br0", "1"],
    [*O14, "queue-get-config", "br0", "1", "2"], [*O13, "queue-get-config", "br0", "9"], [*O14, "queue-get-config", "br0", "9"],
    ["queue-stats", "br0", "1", "1"], ["queue-stats", "br0", "9"], ["dump-ipfix-bridge", "br0"], ["dump-ipfix-flow", "br0"],
    [*O12, "mod-table", "br0", "1", "drop"], [*O12, "mod-table", "br0", "1", "continue"], [*O12, "mod-table", "br0", "all", "controller"],
    [*O12, "mod-table", "br0", "2", "drop"], [*O12, "dump-tables", "br0"], [*O14, "mod-table", "br0", "1", "evict"],
    [*O14, "mod-table", "br0", "2", "vacancy:20,80"], [*O14, "mod-table", "br0", "254", "evict"], [*O15, "mod-table", "br0", "3", "vacancy:10,10"],
    [*O14, "mod-table", "br0", "3", "vacancy:20,10"], [*O14, "mod-table", "br0", "3", "vacancy:20,101"], ["mod-table", "br0", "1", "drop"],
    [*O14, "mod-table", "br0", "1", "drop"], [*O14, "mod-table", "br0", "1", "what"], [*O14, "dump-table-desc", "br0"],
    [*O13, "mod-table", "br0", "5", "name:hello"], [*O14, "mod-table", "br0", "6", "name:six"], [*O15, "mod-table", "br0", "7", "name:seven"],
    [*O13, "mod-table", "br0", "5", "name:"], ["dump-tables", "br0"], [*O13, "dump-tables", "br0"], [*O14, "mod-table", "br0", "2", "novacancy"],
    [*O14, "mod-table", "br0", "all", "noevict"], [*O14, "dump-table-desc", "br0"], ["dump-table-desc", "br0"],
]

CONNECTIONS = [
    ["ct-flush-zone", "br0", "5"], ["ct-flush-zone", "br0", "65536"], ["ct-flush-zone", "br0", "x"], ["ct-flush-zone", "br0"], ["ct-flush", "br0"],
    ["ct-flush", "br0", "zone=5"], ["ct-flush", "br0", "zone=x"], ["ct-flush", "br0", "ct_nw_src=10.1.1.1,ct_nw_proto=17,ct_tp_src=1"],
    ["ct-flush", "br0", "zone=7", "ct_ipv6_src=::1,ct_nw_proto=6", "ct_ipv6_dst=::2"], ["ct-flush", "br0", "ct_nw_src=10.1.1.1", "ct_ipv6_src=::1"],
    ["ct-flush", "br0", "nonsense"], ["ct-flush", "br0", "ct_nw_src"], ["ct-flush", "br0", "zone=1", "zone=2"], ["ct-flush", "br0", "", ""],
    [*O15, "ct-flush", "br0", "ct_nw_proto=1,icmp_type=8,icmp_code=0,icmp_id=9"], ["ct-flush", "br0", "a", "b", "c", "d"],
]

FIRST = ["table=first,priority=5,in_port=1,actions=resubmit(,second)", "table=second,actions=goto_table:third", "table=9,actions=learn(table=third,output:in_port)"]
TABLE_NAMES = [
    *[[*O15, "mod-table", "br0", n, "name:" + name] for n, name in (("1", "first"), ("2", "second"), ("9", "third"), ("10", "first"), ("11", "7"), ("12", "with space"))],
    *[["add-flow", "br0", f] for f in FIRST], [*O13, "add-flow", "br0", FIRST[0]], [*O13, "add-flow", "br0", "table=second,actions=goto_table:third"],
    SHOW, ["--names", *SHOW], ["--no-names", *SHOW], [*O13, "--names", *SHOW], ["--names", *SHOW, "table=first"], [*SHOW, "table=nobody"],
    [*SHOW, "table=second"], ["--no-names", *SHOW, "table=second"], [*O14, "mod-table", "br0", "third", "evict"], ["mod-table", "br0", "nobody", "name:x"],
    ["--names", "dump-aggregate", "br0", "table=first"], ["del-flows", "br0", "table=second"], ["--names", *SHOW], [*O15, "--names", "dump-tables", "br0"],
    [*O14, "--names", "dump-table-desc", "br0"], ["del-flows", "br0", "table=x"],
]

PACKET = "in_port=1 packet=ffffffffffff0000000000010800 actions=meter:4,output:1"
METERS = [[*O13, *c] for c in (
    ["add-meter", "br0", "meter=1 kbps burst bands=type=drop rate=100 burst_size=10"], ["add-meter", "br0", "meter=1 kbps bands=type=drop rate=100"],
    ["dump-meters", "br0"], ["dump-meter", "br0", "meter=1"], ["add-meter", "br0", "meter=5 kbps pktps bands=type=drop rate=100"],
    ["add-meter", "br0", "meter=8 pktps bands=" + " ".join(["type=drop rate=1"] * 9)],
    ["add-meter", "br0", "meter=9 pktps bands=" + " ".join(["type=drop rate=1"] * 8)], ["dump-meter", "br0", "meter=9"],
    ["del-meter", "br0", "meter=7"], ["dump-meter", "br0", "meter=7"], ["mod-meter", "br0", "meter=7 pktps bands=type=drop rate=9"],
    ["add-meter", "br0", "meter=all pktps bands=type=drop rate=9"], ["add-flow", "br0", "in_port=1,actions=meter:1,output:2"],
    ["add-flow", "br0", "in_port=2,actions=meter:9,output:1"], ["add-flow", "br0", "in_port=3,actions=meter:77,output:1"], SHOW,
    ["meter-stats", "br0"], ["meter-stats", "br0", "meter=1"], ["meter-stats", "br0", "meter=77"],
    ["mod-meter", "br0", "meter=1 pktps bands=type=drop rate=9"], ["dump-meters", "br0"], ["del-meter", "br0", "meter=9"], SHOW,
    ["add-meter", "br0", "meter=controller pktps bands=type=drop rate=9"], ["dump-meter", "br0", "meter=controller"],
    ["del-meters", "br0"], SHOW, ["dump-meters", "br0"], ["meter-stats", "br0"], ["add-flow", "br0", "in_port=1,actions=controller(meter_id=5)"],
    ["add-meter", "br0", "meter=5 kbps bands=type=drop rate=100"], ["del-meter", "br0", "meter=5"], SHOW)] + [[*O15, *c] for c in (
        ["add-meter", "br0", "meter=1 kbps bands=type=drop rate=100"], ["add-flow", "br0", "in_port=1,actions=meter:1,output:2"], SHOW,
        ["add-group", "br0", "group_id=1,type=all,bucket=actions=meter:1,output:1"], ["dump-groups", "br0"], ["packet-out", "br0", PACKET],
        ["del-meter", "br0", "meter=1"], SHOW)]


class Side:
    def __init__(self, net, tools, tmp_path):
        self.s = harness.Switch(tools=tools, netns=net.namespace(tools.name[0]))
        self.files = {"FLOWS": FLOWS, "CHANGES": CHANGES, "BAD": BAD_CHANGES}
        for name, text in self.files.items():
            (tmp_path / name).write_text(text)
        self.dir = tmp_path
        self.s.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "other-config:datapath-id=1",
                     "protocols=" + ",".join(f"OpenFlow1{i}" for i in range(6)))
        for i in (1, 2):
            self.s.vsctl("add-port", "br0", f"i{i}", "--", "set", "interface", f"i{i}", "type=internal", f"ofport_request={i}")

    def argv(self, command):
        return [str(self.dir / a) if a in self.files else a for a in command]

    def run(self, tools, command):
        p = self.s.tool("ovs-ofctl", *self.argv(command), tools=tools, check=False)
        text = self.normal(p.stdout + p.stderr)
        # In which order tables give their flows is the switch's own affair.
        return p.returncode, "".join(sorted(text.splitlines(True))) if "dump-flows" in command else text

    def normal(self, text):
        text = re.sub(r"^\d{4}-\d\d-.*fatal_signal.*\n", "", text, flags=re.M)
        text = re.sub(r"duration[=:][0-9.]+s", "duration=X", re.sub(r"xid=0x[0-9a-f]+", "xid=X", text))
        return text.replace(self.s.dir, "DIR").replace(str(self.dir), "TMP")

    def watch(self, tools, options, commands):
        """What `monitor` prints while the commands are carried out."""
        path = self.dir / "watched"
        with open(path, "w") as out:
            p = subprocess.Popen([tools("ovs-ofctl"), *options], env=self.s.env, stdout=out, stderr=out)
            try:
                wait_until(lambda: "FLOW_MONITOR reply" in path.read_text(), what="the flows that are there")
                for c in commands:
                    self.s.tool("ovs-ofctl", *c, tools=stock)
                # All news come before what is asked for later.
                marker = "cookie=0xeeee"
                self.s.tool("ovs-ofctl", "add-flow", "br0", "table=2,cookie=0xeeee,udp,actions=drop", tools=stock)
                wait_until(lambda: marker in path.read_text() or p.poll() is not None, what="the last change")
                self.s.tool("ovs-ofctl", "del-flows", "br0", "table=2", tools=stock)
            finally:
                p.send_signal(signal.SIGTERM)
                p.wait(10)
        text = self.normal(path.read_text())
        return text[:text.index(marker)]


@pytest.fixture
def sides(net, tmp_path):
    made = []
    try:
        for tools in (stock, ours):
            (tmp_path / tools.name).mkdir()
            made.append(Side(net, tools, tmp_path / tools.name))
        yield made
    finally:
        for side in made:
            side.s.close()


def compare(sides, commands):
    for c in commands:
        results = [side.run(tools, c) for tools in (stock,) for side in sides]
        assert results[0] == results[1], " ".join(c)
    return results


def test_bundles(sides):
    compare(sides, BUNDLES)


def test_bundles_by_ours(sides):
    """Our program in place of stock's, with the same switch."""
    for c in BUNDLES:
        a, b = sides[0].run(stock, c), sides[1].run(ours, c)
        assert a == b, " ".join(c)


def test_meters(sides):
    compare(sides, METERS)


def test_meters_by_ours(sides):
    for c in METERS:
        a, b = sides[0].run(stock, c), sides[1].run(ours, c)
        assert a == b, " ".join(c)


def test_settings(sides):
    compare(sides, SETTINGS)


def test_settings_by_ours(sides):
    for c in SETTINGS:
        a, b = sides[0].run(stock, c), sides[1].run(ours, c)
        assert a == b, " ".join(c)


def all_ways(sides, commands):
    """Stock's program with its switch, ours with ours: all that differs."""
    differences = []
    for c in commands:
        a, b = sides[0].run(stock, c), sides[1].run(ours, c)
        if a != b:
            differences.append(f"{' '.join(c)}\n  stock {a}\n  ours  {b}")
    assert not differences, "\n".join(differences)


def test_connections(sides):
    all_ways(sides, CONNECTIONS)


def test_table_names(sides):
    all_ways(sides, TABLE_NAMES)


def test_flow_monitors(sides):
    changes = [["add-flow", "br0", "in_port=1,actions=output:2"], ["add-flow", "br0", "table=1,priority=5,ip,cookie=7,idle_timeout=9,actions=drop"],
               ["mod-flows", "br0", "in_port=1,actions=drop"], ["add-flow", "br0", "in_port=1,actions=output:1"], ["del-flows", "br0", "in_port=1"],
               ["del-flows", "br0", "table=1"]]
    for options in (["monitor", "br0", "watch:"], [*O14, "monitor", "br0", "watch:"], [*O13, "monitor", "br0", "watch:"],
                    ["monitor", "br0", "watch:!actions,!delete"]):
        seen = [side.watch(tools, options, changes) for side in sides for tools in (stock, ours)]
        assert len(set(seen)) == 1, f"{options}\n" + "\n----\n".join(seen)
        assert seen[0].count("event=") >= 5


def test_many_flows_in_one_bundle(sides, tmp_path):
    """All of 20,000, and, with one wrong at the end, none."""
    side = sides[1]
    flows = tmp_path / "many"
    text = "".join(f"table={i % 5},priority={i % 999},ip,nw_src=10.{i >> 8 & 255}.{i & 255}.{i % 7},actions=output:{i % 2 + 1}\n" for i in range(20000))
    flows.write_text(text)
    run = lambda *a, **k: side.s.tool("ovs-ofctl", *a, tools=ours, **k)  # noqa: E731
    run("--bundle", "add-flows", "br0", str(flows))
    before = sorted(run("--no-stats", "dump-flows", "br0").stdout.splitlines())
    assert len(before) == 20001
    flows.write_text("".join(f"{line.replace('output:1', 'output:2')}\n" for line in text.splitlines()) + "in_port=1,actions=group:5\n")
    assert run("--bundle", "add-flows", "br0", str(flows), check=False).returncode == 1
    assert sorted(run("--no-stats", "dump-flows", "br0").stdout.splitlines()) == before
    assert os.path.exists(f"{side.s.dir}/br0.mgmt")

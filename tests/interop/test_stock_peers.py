# SPDX-License-Identifier: Apache-2.0
"""The stock tools against our daemons, our tools against the stock daemons, and the library that Python programs use."""
import json
import os
import re
import signal
import subprocess
import textwrap

import pytest

import harness
from harness import Switch, run, wait_until

DUMMY = ["--enable-dummy", "--disable-system"]
PACKET = "in_port(1),eth(src=50:54:00:00:00:09,dst=50:54:00:00:00:0a),eth_type(0x1234)"


@pytest.fixture(params=[("ours", "stock"), ("stock", "ours")], ids=["stock-tools", "stock-daemons"])
def pair(request, net):
    """A switch of one side with a bridge br0 and dummy ports, and the tools of the other side."""
    daemons, tools = (getattr(harness, name) for name in request.param)
    schema = None if daemons is harness.ours else "/usr/share/openvswitch/vswitch.ovsschema"
    s = Switch(tools=daemons, netns=net.namespace("sw"), vswitchd_args=DUMMY, schema=schema)
    s.tools = tools  # from here on
    try:
        s.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail_mode=standalone",
                "protocols=[OpenFlow10,OpenFlow13,OpenFlow14,OpenFlow15]")
        for i in (1, 2):
            s.vsctl("add-port", "br0", f"p{i}", "--", "set", "interface", f"p{i}", "type=dummy", f"ofport_request={i}")
        yield s
    finally:
        s.close()


def test_vsctl(pair):
    assert pair.vsctl("list-ports", "br0") == "p1\np2\n"
    assert pair.vsctl("get", "interface", "p2", "ofport") == "2\n"
    pair.vsctl("set", "port", "p1", "tag=9", "--", "set", "bridge", "br0", "other-config:x=y")
    assert pair.vsctl("get", "port", "p1", "tag") == "9\n"
    assert "Bridge br0\n" in pair.vsctl("show")
    done = pair.tool("ovs-vsctl", f"--db=unix:{pair.dir}/db.sock", "--timeout=10", "add-port", "br0", "nosuchdev0", check=False)
    assert "Error detected while setting up 'nosuchdev0'" in done.stderr
    pair.vsctl("del-port", "nosuchdev0")
    pair.vsctl("del-br", "br0")
    assert pair.vsctl("list-br") == ""


@pytest.mark.parametrize("version", ["OpenFlow10", "OpenFlow13", "OpenFlow14", "OpenFlow15"])
def test_ofctl(pair, version, tmp_path):
    of = ["-O", version]
    flows = tmp_path / "flows"
    flows.write_text("table=0,priority=5,tcp,nw_src=10.0.0.0/8,tp_dst=80,actions=mod_dl_src:00:00:00:00:00:01,output:2\n"
                     "priority=6,in_port=1,dl_vlan=7,actions=strip_vlan,resubmit(,1)\n"
                     "table=1,priority=1,idle_timeout=60,actions=NORMAL\n")
    pair.ofctl(*of, "del-flows", "br0")
    pair.ofctl(*of, "add-flows", "br0", flows)
    pair.ofctl(*of, "mod-flows", "--strict", "br0", "priority=5,tcp,nw_src=10.0.0.0/8,tp_dst=80,actions=drop")
    pair.ofctl(*of, "del-flows", "br0", "table=1")
    dump = pair.ofctl(*of, "dump-flows", "br0", "table=0")
    assert re.search(r"priority=5,tcp,nw_src=10\.0\.0\.0/8,tp_dst=80 actions=drop\n", dump), dump
    assert re.search(r"priority=6,in_port=\S+,dl_vlan=7 actions=(strip_vlan|pop_vlan),resubmit\(,1\)\n", dump), dump
    assert "flow_count=2" in pair.ofctl(*of, "dump-aggregate", "br0")
    assert " 1(p1): addr:" in pair.ofctl(*of, "show", "br0") + pair.ofctl(*of, "dump-ports-desc", "br0")
    assert re.search(r"port +\"?(p1|1)\"?: +rx pkts=0", pair.ofctl(*of, "dump-ports", "br0"))
    assert re.search(r"active=2", pair.ofctl(*of, "dump-tables", "br0"))
    pair.ofctl(*of, "mod-port", "br0", "p1", "no-flood")
    pair.ofctl(*of, "packet-out", "br0", "in_port=1,packet=" + "50540000000a5054000000091234" + "00" * 50 + ",actions=output:2")
    wait_until(lambda: re.search(r"port +\"?(p2|2)\"?: .*\n +tx pkts=1", pair.ofctl(*of, "dump-ports", "br0", "p2")), what="sent")
    bad = pair.tool("ovs-ofctl", *of, "add-flow", "br0", "actions=output:0xfff0,goto_table:0", check=False)
    assert bad.returncode == 1


def test_appctl(pair):
    for command, pattern in [(["version"], r"ovs-vswitchd \(Open vSwitch\) 3\."), (["list-commands"], "ofproto/trace"),
                             (["ofproto/list"], "^br0\n$"), (["dpif/show"], r"p2 2/\d+: \(dummy"), (["vlog/list"], "(?m)^bridge "),
                             (["vlog/set", "bridge:file:dbg"], "^$"), (["coverage/show"], "Event coverage"),
                             (["memory/show"], "ports:"), (["fdb/flush", "br0"], "table successfully flushed"),
                             (["bridge/dump-flows", "br0"], "priority=0,actions=NORMAL"), (["time/stop"], ""),
                             (["netdev-dummy/receive", "p1", PACKET], "^$"), (["time/warp", "100"], "warped"),
                             (["fdb/show", "br0"], r"1 +0  50:54:00:00:00:09"),
                             (["ofproto/trace", "br0", "in_port=2,dl_dst=50:54:00:00:00:09"], r"Datapath actions: \d"),
                             (["dpctl/dump-flows"], r"in_port\(\d+\)|^$"), (["dpctl/show"], "lookups: hit:")]:
        out = pair.appctl(*command)
        assert re.search(pattern, out), (command, out)
    assert pair.tool("ovs-appctl", "nosuch", check=False).returncode == 2
    pair.appctl("exit")
    assert pair.switch.wait(10) == 0


def test_ovsdb_client(pair):
    where = f"unix:{pair.dir}/db.sock"
    assert pair.dbclient("list-dbs", where) == "Open_vSwitch\n_Server\n"
    assert json.loads(pair.dbclient("get-schema", where))["name"] == "Open_vSwitch"
    assert "Bridge table\n" in pair.dbclient("dump", where)
    rows = json.loads(pair.dbclient("transact", where, json.dumps(
        ["Open_vSwitch", {"op": "select", "table": "Bridge", "where": [], "columns": ["name"]}])))
    assert rows == [{"rows": [{"name": "br0"}]}]
    monitor = subprocess.Popen([pair.tools("ovsdb-client"), "monitor", where, "Port", "name", "--format=csv"], env=pair.env,
                               stdout=subprocess.PIPE, text=True)
    try:
        first = [monitor.stdout.readline() for _ in range(4)]
        assert sorted(line.split(",")[-1].strip() for line in first[1:]) == ["br0", "p1", "p2"]
        pair.vsctl("--no-wait", "del-port", "p2")
        seen = ""
        while "delete" not in seen:
            seen = monitor.stdout.readline()
        assert seen.endswith(",delete,p2\n")
    finally:
        monitor.terminate()
        monitor.wait(10)


def test_python_idl(switch):
    """What Neutron and others do: follow the database with ovs.db.idl, change it in a transaction, see the switch apply it."""
    program = textwrap.dedent("""
        import sys, ovs.db.idl, ovs.poller
        helper = ovs.db.idl.SchemaHelper(sys.argv[2])
        helper.register_all()
        idl = ovs.db.idl.Idl("unix:" + sys.argv[1], helper)
        def step():
            poller = ovs.poller.Poller(); idl.wait(poller); poller.timer_wait(1000); poller.block(); idl.run()
        while not idl.has_ever_connected(): step()
        root = next(iter(idl.tables["Open_vSwitch"].rows.values()))
        bridge = next(b for b in root.bridges if b.name == "br0")
        txn = ovs.db.idl.Transaction(idl)
        iface = txn.insert(idl.tables["Interface"]); iface.name = "py0"; iface.type = "internal"
        port = txn.insert(idl.tables["Port"]); port.name = "py0"; port.interfaces = [iface]; port.tag = 7
        bridge.addvalue("ports", port)
        bridge.setkey("external_ids", "by", "python")
        root.increment("next_cfg")
        print(txn.commit_block(), flush=True)
        want = root.next_cfg
        while root.cur_cfg < want: step()
        row = next(i for i in idl.tables["Interface"].rows.values() if i.name == "py0")
        print(row.ofport, row.error, bridge.external_ids, flush=True)
        txn = ovs.db.idl.Transaction(idl)
        bad = txn.insert(idl.tables["Bridge"]); bad.name = "br0"; root.addvalue("bridges", bad)
        print(txn.commit_block(), "constraint violation" in txn.get_error(), flush=True)
    """)
    schema = harness.ROOT / "src/dbclient/vswitch.ovsschema"
    done = run("/usr/bin/python3", "-c", program, f"{switch.dir}/db.sock", schema, timeout=30)
    assert done.stdout == "success\n[1] [] {'by': 'python'}\nerror True\n", done
    assert switch.vsctl("get", "port", "py0", "tag") == "7\n"


def test_database_file_goes_from_one_to_the_other(tmp_path):
    """Ours, stock's, ours, stock's: each reads what the others wrote, compacted and not, and adds to it."""
    env = dict(os.environ, OVS_RUNDIR=str(tmp_path), OVS_DBDIR=str(tmp_path), OVS_LOGDIR=str(tmp_path))
    db, sock = tmp_path / "conf.db", tmp_path / "db.sock"
    run(harness.ours("ovsdb-tool"), "create", db, "/usr/share/openvswitch/vswitch.ovsschema", env=env)
    names = []
    for n, tools in enumerate([harness.ours, harness.stock, harness.ours, harness.stock, harness.ours]):
        server = subprocess.Popen([tools("ovsdb-server"), str(db), f"--remote=punix:{sock}", "-vconsole:off"], env=env, cwd=tmp_path)
        try:
            wait_until(lambda: run(tools("ovsdb-client"), "list-dbs", f"unix:{sock}", env=env, check=False).returncode == 0,
                       what="server answers")
            vsctl = [tools("ovs-vsctl"), f"--db=unix:{sock}", "--no-wait", "--timeout=10"]
            assert run(*vsctl, "list-br", env=env).stdout.split() == sorted(names)
            names.append(f"b{n}")
            run(*vsctl, "add-br", names[-1], "--", "set", "bridge", names[-1], f"external_ids:n=\"\\\"{n} ü\\n\"",
                "other_config={a=b,c=\"\"}", f"flood_vlans=[1,{n + 2}]", env=env)
            if n > 1:
                run(*vsctl, "del-br", names.pop(0), env=env)
            if n == 2:
                run(tools("ovs-appctl"), "-t", f"{tmp_path}/ovsdb-server.{server.pid}.ctl", "ovsdb-server/compact", env=env)
        finally:
            server.send_signal(signal.SIGTERM if n % 2 else signal.SIGKILL)
            server.wait(10)
    for tools in (harness.ours, harness.stock):
        names_in_file = run(tools("ovsdb-tool"), "query", db, json.dumps(
            ["Open_vSwitch", {"op": "select", "table": "Bridge", "where": [], "columns": ["name"]}]), env=env).stdout
        assert sorted(row["name"] for row in json.loads(names_in_file)[0]["rows"]) == names
    assert run(harness.ours("ovsdb-tool"), "show-log", db, env=env).stdout == run(
        harness.stock("ovsdb-tool"), "show-log", db, env=env).stdout


LOAD_IDL = textwrap.dedent("""
    import sys, ovs.db.idl, ovs.poller
    path, schema, me, n = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    helper = ovs.db.idl.SchemaHelper(schema)
    helper.register_all()
    idl = ovs.db.idl.Idl("unix:" + path, helper)
    def step():
        poller = ovs.poller.Poller(); idl.wait(poller); poller.timer_wait(1000); poller.block(); idl.run()
    while not idl.has_ever_connected(): step()
    again = 0
    for i in range(n):
        while True:
            bridge = next(b for b in idl.tables["Bridge"].rows.values() if b.name == "br0")
            txn = ovs.db.idl.Transaction(idl)
            bridge.verify("external_ids")
            count = int(bridge.external_ids.get("count", "0"))
            bridge.setkey("external_ids", "count", str(count + 1))
            iface = txn.insert(idl.tables["Interface"]); iface.name = f"{me}-{i}"
            port = txn.insert(idl.tables["Port"]); port.name = f"{me}-{i}"; port.interfaces = [iface]
            bridge.addvalue("ports", port)
            status = txn.commit_block()
            if status == "success": break
            assert status == "try again", (status, txn.get_error())
            again += 1
            step()
    # What it has in the end, when nothing comes any more.
    for _ in range(3): step()
    print(again, sorted(p.name for p in idl.tables["Port"].rows.values()), flush=True)
""")


@pytest.mark.parametrize("server", ["ours", "stock"])
def test_everybody_at_once(server, tmp_path):
    """Python programs, stock's and our ovs-vsctl change one bridge at the same time, stock's and our ovsdb-client look on: no change is
    lost, everybody sees the same."""
    side = getattr(harness, server)
    s = Switch(tools=harness.ours, dbserver_tools=side, start=False, schema="/usr/share/openvswitch/vswitch.ovsschema")
    processes = []
    try:
        s.start_server()
        s.vsctl("--no-wait", "add-br", "br0")
        where, n = f"unix:{s.dir}/db.sock", 25
        watching = []
        for tools in (harness.ours, harness.stock):
            out = open(tmp_path / tools.name, "w+")
            watching.append((out, subprocess.Popen([tools("ovsdb-client"), "monitor", where, "Port", "name", "--format=csv", "--no-headings"],
                                                   stdout=out, env=s.env)))
            processes.append(watching[-1][1])
        loop = 'for i in $(seq 0 {n}); do "$0" --no-wait -t20 --db={where} add-port br0 {me}-$i -- set bridge br0 external_ids:{me}=$i || exit 1; done'
        vsctls = [subprocess.Popen(["sh", "-c", loop.format(n=n - 1, where=where, me=f"{tools.name}{k}"), tools("ovs-vsctl")], env=s.env)
                  for tools in (harness.ours, harness.stock) for k in range(2)]
        idls = [subprocess.Popen(["/usr/bin/python3", "-c", LOAD_IDL, f"{s.dir}/db.sock", "/usr/share/openvswitch/vswitch.ovsschema", f"py{k}", str(n)],
                                 env=s.env, stdout=subprocess.PIPE, text=True) for k in range(2)]
        processes += vsctls + idls
        assert [p.wait(60) for p in vsctls] == [0] * 4
        outputs = [p.communicate(timeout=60)[0] for p in idls]
        assert [p.returncode for p in idls] == [0, 0]
        names = sorted(["br0"] + [f"{me}-{i}" for me in ("ours0", "ours1", "stock0", "stock1", "py0", "py1") for i in range(n)])
        assert s.vsctl("--no-wait", "list-ports", "br0").split() == [name for name in names if name != "br0"]
        assert s.vsctl("--no-wait", "get", "bridge", "br0", "external_ids:count") == f'"{2 * n}"\n'
        for me, output in zip(("py0", "py1"), outputs):  # others may go on after it ended
            assert all(repr(f"{me}-{i}") in output for i in range(n)), output
        for out, p in watching:
            def seen():
                out.seek(0)
                return sorted(line.split(",")[2] for line in out.read().splitlines() if line)
            wait_until(lambda: len(seen()) == len(names), what="all seen")
            assert seen() == names
    finally:
        for p in processes:
            if p.poll() is None:
                p.kill()
            p.wait(10)
        s.close()

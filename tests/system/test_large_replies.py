# SPDX-License-Identifier: Apache-2.0
"""Answers that no one message can hold: a thousand ports, groups of many buckets, long flows, meters. Both `ovs-ofctl` and os-ken read
them whole, in every version, and no part is longer than a message or shorter than it need be."""
import re
import struct
import subprocess

import pytest

from os_ken.ofproto import ofproto_parser

from dummy import DummySwitch
from harness import ours, stock
from osken import OsKen

PORTS, GROUPS, BUCKETS, FLOWS, METERS = 1400, 60, 100, 600, 3000
VERSIONS = [f"OpenFlow1{i}" for i in range(6)]
# What to ask, in which versions; how often what is counted in the answer must be there.
QUESTIONS = [
    (["dump-ports"], 0, r"^  port ", PORTS + 2), (["dump-ports-desc"], 0, r"^ \S+\(\S+\): addr:", PORTS + 2), (["show"], 0, r"^ \S+\(\S+\): addr:", PORTS + 2),
    (["dump-groups"], 1, r"^ group_id=", GROUPS), (["dump-group-stats"], 1, r"^ group_id=", GROUPS), (["dump-flows"], 0, r"^ cookie=", FLOWS),
    (["dump-meters"], 3, r"^meter=", METERS), (["meter-stats"], 3, r"^meter:", METERS), (["dump-aggregate"], 0, r"flow_count=600", 1),
]




@pytest.fixture(scope="module")
def switch(tmp_path_factory):
    s = DummySwitch(n_ports=1)
    try:
        args = ["set", "bridge", "br0", "protocols=" + ",".join(VERSIONS)]
        for i in range(PORTS):
            args += ["--", "add-port", "br0", f"q{i}", "--", "set", "interface", f"q{i}", "type=dummy"]
        s.vsctl(*args)
        where = tmp_path_factory.mktemp("large")
        (where / "groups").write_text("".join(
            f"group_id={g},type=select," + ",".join(f"bucket=weight:{b % 9 + 1},actions=mod_dl_src:02:00:00:00:00:{b:02x},output:{b + 1}" for b in range(BUCKETS)) + "\n"
            for g in range(GROUPS)))
        (where / "flows").write_text("".join(f"reg0={i},actions=note:{'11.' * (i % 7 * 200)}22,output:1\n" for i in range(FLOWS)))
        s.ofctl("-O", "OpenFlow15", "add-groups", "br0", str(where / "groups"))
        s.ofctl("add-flows", "br0", str(where / "flows"))
        add_meters(s)
        yield s
    finally:
        s.close()


def add_meters(switch):
    k = OsKen(f"{switch.dir}/br0.mgmt", "OpenFlow13")
    p, ofp = k.parser, k.ofp
    for m in range(1, METERS + 1):
        k.send(p.OFPMeterMod(k.proto, ofp.OFPMC_ADD, ofp.OFPMF_KBPS | ofp.OFPMF_BURST, m, [p.OFPMeterBandDrop(rate=1000 + m, burst_size=m)]))
    k.barrier()
    k.close()


def shown(tools, switch, version, question):
    p = subprocess.run([tools("ovs-ofctl"), "-O", version, *question, f"{switch.dir}/br0.mgmt"], capture_output=True, text=True, timeout=60)
    assert p.returncode == 0, (version, question, p.stderr)
    return re.sub(r"(idle|hard)_age=\d+|duration=[0-9.]+s|xid=0x[0-9a-f]+|duration:[0-9.]+s", "", p.stdout)


@pytest.mark.parametrize("version", VERSIONS)
def test_both_programs_read_them(switch, version):
    for question, since, entry, n in QUESTIONS:
        if VERSIONS.index(version) < since:
            continue
        theirs, mine = shown(stock, switch, version, question), shown(ours, switch, version, question)
        assert len(re.findall(entry, mine, re.M)) == n, (question, mine[:300])
        # The header of each message is printed, too, where it has one.
        assert theirs == mine, (question, [(a, b) for a, b in zip(theirs.splitlines(), mine.splitlines()) if a != b][:3])


def requests(k):
    """What os-ken's version can ask that needs several messages, with how many entries there are."""
    p, none = k.parser, ()
    makers = {
        "OFPPortDescStatsRequest": ((0, 0xffffffff) if k.wire == 6 else (0,), PORTS + 2), "OFPPortStatsRequest": ((0, 0xffff if k.wire == 1 else 0xffffffff), PORTS + 2),
        "OFPGroupStatsRequest": ((0, 0xfffffffc), GROUPS), "OFPGroupDescStatsRequest": (none, GROUPS), "OFPMeterStatsRequest": ((0, 0xffffffff), METERS),
        "OFPMeterConfigStatsRequest": ((0, 0xffffffff), METERS), "OFPMeterDescStatsRequest": ((0, 0xffffffff), METERS),
        "OFPFlowDescStatsRequest": (none, FLOWS), "OFPFlowStatsRequest": ((0, p.OFPMatch(), 0xff, 0xffff) if k.wire == 1 else none, FLOWS),
    }
    for name, (args, n) in makers.items():
        # os-ken's parser of 1.5's group descriptions never ends; statistics of flows are asked as descriptions there.
        if hasattr(p, name) and not (k.wire == 6 and name == "OFPGroupDescStatsRequest") and not (k.wire == 6 and name == "OFPFlowStatsRequest"):
            if k.wire == 3 and name in ("OFPPortStatsRequest", "OFPGroupStatsRequest"):
                args = args[::-1]
            yield name, getattr(p, name)(k.proto, *args), n


@pytest.mark.parametrize("version", ["OpenFlow10", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15"])
def test_osken_reads_them(switch, version):
    k = OsKen(f"{switch.dir}/br0.mgmt", version)
    try:
        for name, request, n in requests(k):
            k.send(request)
            found, more, sizes = 0, True, []
            while more:
                kind, xid, data = k.receive()
                if xid != k.xid:
                    continue
                message = ofproto_parser.msg(k.proto, k.wire, kind, len(data), xid, data)
                assert hasattr(message, "flags"), (name, message, data[:40].hex())
                assert len(data) == struct.unpack("!H", data[2:4])[0]
                found += len(message.body)
                sizes.append(len(data))
                more = message.flags & 1
            assert found == n, name
            # No part is shorter than it need be: the next entry would not have fit (the longest has some 7,000 bytes).
            assert all(size > 65535 - 8000 for size in sizes[:-1]), (name, sizes)
            assert len(sizes) > 1, (name, sizes)
    finally:
        k.close()

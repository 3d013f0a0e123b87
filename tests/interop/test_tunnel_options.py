# SPDX-License-Identifier: Apache-2.0
"""Options of tunnels (tun_metadata0..63): one list of commands and traces for both switches; text and bytes of both ovs-ofctl."""
import random
import re
import shlex
import subprocess

import pytest

from harness import ours, stock
from test_openflow_differential import sent_bytes
from test_trace_differential import sides  # noqa: F401  a fixture

MAP = "add-tlv-map br0 {class=0xffff,type=0,len=4}->tun_metadata0,{class=0x1234,type=0x80,len=8}->tun_metadata1,{class=0x1234,type=2,len=4}->tun_metadata5"
# Nothing is mapped; then what can be mapped and what not; then what uses the fields, and keeps them from being deleted.
TABLE = """\
dump-tlv-map br0
add-flow br0 tun_metadata0=1,actions=drop
add-flow br0 actions=set_field:5->tun_metadata3
-O OpenFlow15 add-flow br0 actions=set_field:5->tun_metadata3
add-flow br0 actions=move:tun_metadata3[0..31]->reg0
add-flow br0 actions=push:tun_metadata3[0..31]
add-flow br0 actions=delete_field:tun_metadata3
add-flow br0 actions=learn(table=1,tun_metadata0=1)
add-flow br0 actions=output:tun_metadata3[0..15]
--no-stats dump-flows br0 tun_metadata63=1
add-tlv-map br0 {class=0xffff,type=0,len=4}->tun_metadata0
add-tlv-map br0 {class=0xffff,type=1,len=8}->tun_metadata1,{class=0xffff,type=2,len=124}->tun_metadata2
add-tlv-map br0 {class=0xffff,type=3,len=124}->tun_metadata3
add-tlv-map br0 {class=0xffff,type=3,len=120}->tun_metadata3
dump-tlv-map br0
add-flow br0 tun_metadata0=1,actions=set_field:5->tun_metadata1
add-flow br0 tun_metadata1=0x5/0xff,actions=move:tun_metadata1[0..31]->reg0
add-flow br0 priority=9,tun_metadata1,actions=load:0x7->tun_metadata0[0..7],load:1->tun_metadata0[8],push:tun_metadata0[0..31],pop:reg0
add-flow br0 priority=14,actions=move:tun_metadata0->tun_metadata1
add-flow br0 priority=15,actions=move:tun_metadata0[0..31]->tun_metadata1[32..63]
add-flow br0 priority=16,actions=move:tun_metadata0[0..31]->tun_metadata1[33..64]
add-flow br0 priority=17,actions=load:1->tun_metadata0[31]
add-flow br0 priority=19,actions=delete_field:tun_metadata0
add-flow br0 priority=20,actions=learn(table=1,tun_metadata0[0..31]=reg0[],load:tun_metadata1[0..15]->tun_metadata2[16..31])
add-flow br0 priority=21,actions=learn(table=1,tun_metadata0=5)
add-flow br0 priority=22,actions=learn(table=1,tun_metadata0[])
add-flow br0 priority=23,actions=learn(table=1,tun_metadata0[0..31])
add-flow br0 priority=24,actions=output:tun_metadata0[0..15],multipath(eth_src,50,modulo_n,1,0,tun_metadata0[0..15]),bundle_load(eth_src,0,hrw,ofport,tun_metadata0[0..15],members:1,2)
add-flow br0 priority=25,actions=push:tun_metadata0
add-flow br0 priority=26,actions=check_pkt_larger(100)->tun_metadata0[5]
add-flow br0 priority=27,tun_metadata5=1,actions=drop
add-flow br0 priority=28,tun_metadata0=0,actions=drop
add-flow br0 priority=29,tun_metadata0,tun_metadata2=0xffffffffffffffffffffffffffffff,tun_metadata1=1/1,actions=drop
--no-stats --sort=priority dump-flows br0
-O OpenFlow15 --no-stats --sort=priority dump-flows br0
-O OpenFlow13 --no-stats --sort=priority dump-flows br0
--no-stats dump-flows br0 tun_metadata0=1
--no-stats --sort=priority dump-flows br0 tun_metadata0
dump-aggregate br0 tun_metadata1
del-tlv-map br0 {class=0xffff,type=0,len=4}->tun_metadata0
del-tlv-map br0
del-flows br0 tun_metadata2
--no-stats --sort=priority dump-flows br0 tun_metadata0
del-flows br0
del-tlv-map br0 {class=0xffff,type=9,len=4}->tun_metadata0
dump-tlv-map br0
del-tlv-map br0 {class=0xffff,type=1,len=8}->tun_metadata9
dump-tlv-map br0
del-tlv-map br0
dump-tlv-map br0
add-tlv-map br0 {class=0xffff,type=0,len=4}->tun_metadata0,{class=0xffff,type=0,len=4}->tun_metadata1
add-tlv-map br0 {class=0xffff,type=0,len=4}->tun_metadata0,{class=0xffff,type=1,len=4}->tun_metadata0
dump-tlv-map br0
add-tlv-map br0 {class=0xffff,type=0,len=3}->tun_metadata0
add-tlv-map br0 {class=0xffff,type=0,len=128}->tun_metadata0
add-tlv-map br0 {class=0xffff,type=0,len=4}->tun_metadata64
add-tlv-map br0 {class=0xffff,type=0,len=0}->tun_metadata0
add-flow br0 priority=1,tun_metadata0,actions=drop
add-flow br0 priority=3,actions=set_field:0->tun_metadata0
add-flow br0 priority=5,actions=delete_field:tun_metadata0
--no-stats --sort=priority dump-flows br0
""".splitlines()
PACKETS = [
    MAP, "add-flow br0 tun_metadata0=1,actions=1", "add-flow br0 priority=40000,tun_metadata1=0x5/0xff,actions=2", "add-flow br0 priority=8,tun_metadata5,actions=3",
    "add-flow br0 priority=1,actions=4", "trace in_port=1", "trace in_port=2,tun_metadata0=1", "trace in_port=1,tun_metadata0=2",
    "trace in_port=1,tun_metadata1=0x1105", "trace in_port=1,tun_metadata5=0", "trace in_port=1,tun_metadata0=1,tun_metadata5=0,tun_metadata1=7",
    "del-flows br0", "add-flow br0 actions=set_field:5->tun_metadata0,resubmit(,1)",
    "add-flow br0 table=1,tun_metadata0=5,actions=move:tun_metadata0[0..31]->reg0,delete_field:tun_metadata0,resubmit(,2)",
    "add-flow br0 table=2,priority=2,tun_metadata0,actions=2", "add-flow br0 table=2,priority=1,reg0=5,actions=3",
    "trace in_port=1", "trace in_port=1,tun_metadata0=9",
    "del-flows br0", "add-flow br0 actions=load:0x1122334455667788->tun_metadata1[],push:tun_metadata1[],pop:tun_metadata1[],"
    "move:tun_metadata1[16..47]->tun_metadata0[],learn(table=3,tun_metadata0[]=tun_metadata0[],tun_metadata1=5,load:tun_metadata1[0..15]->reg1[0..15]),"
    "resubmit(,3),2", "trace in_port=1 ffffffffffff00000000000112340000", "--no-stats --sort=priority dump-flows br0", "trace in_port=1",
]


def do(side, step):
    if step.startswith("trace "):
        return side.channel.call("ofproto/trace", "br0", *step.split(" ")[1:])
    p = side.switch.tool("ovs-ofctl", *shlex.split(step), tools=stock, check=False)
    text = re.sub(r"xid=0x[0-9a-f]+", "xid=X", p.stdout + p.stderr)
    return p.returncode, text.replace(side.switch.dir, "DIR")


@pytest.fixture(autouse=True)
def clean(request):
    if "sides" in request.fixturenames:
        for side in request.getfixturevalue("sides"):  # ours, stock's
            do(side, "del-flows br0")
            do(side, "del-tlv-map br0")


@pytest.mark.parametrize("steps", [TABLE, PACKETS], ids=["table", "packets"])
def test_both_switches(sides, steps):  # noqa: F811
    different = []
    for step in steps:
        b, a = (do(side, step) for side in sides)
        if a != b:
            different.append(f"{step}\n  stock {a}\n  ours  {b}")
    assert not different, "\n".join(different)


def test_values_that_do_not_fit(sides):  # noqa: F811
    """Stock takes the first bytes of numbers that are too long for their option; ours says so."""
    side = sides[0]
    do(side, MAP)
    for flow in ["tun_metadata0=0x12345678aa,actions=drop", "actions=set_field:0x12345678aa->tun_metadata0", "actions=load:1->tun_metadata0[32]"]:
        code, text = do(side, "add-flow br0 " + flow)
        assert code == 1 and ("NXFMFC_INVALID_TLV_FIELD" in text or "OFPBAC_BAD_SET_LEN" in text), text
    text = side.channel.call("ofproto/trace", "br0", "in_port=1,tun_metadata9=1")
    assert "no option of tunnels is mapped to it" in text
    # Zeros before the number do not count.
    assert do(side, "add-flow br0 tun_metadata0=0x0000000000000007,actions=drop")[0] == 0
    assert "tun_metadata0=0x7 " in do(side, "--no-stats dump-flows br0")[1]


def test_keys_of_the_datapath(sides):  # noqa: F811
    """Options as they are in the header, in a trace and in a dump of stock's, which our parser must read."""
    side = sides[0]
    do(side, MAP)
    for flow in ["tun_metadata0=1,actions=1", "priority=40000,tun_metadata1=0x5/0xff,actions=2", "priority=1,actions=4"]:
        do(side, "add-flow br0 " + flow)
    key = "tunnel(tun_id=0x5,src=1.1.1.1,dst=2.2.2.2,ttl=64,geneve({class=0x1234,type=0x80,len=8,0x1122334455667705/0xff}" \
          "{class=0x1,type=0x1,len=0}{class=0xffff,type=0,len=4,0x7}),flags(key)),"
    rest = "in_port(1),eth(src=00:00:00:00:00:01,dst=00:00:00:00:00:02),eth_type(0x1234)"
    text = side.channel.call("ofproto/trace", key.replace("/0xff", "") + rest)
    assert "tun_metadata0=0x7,tun_metadata1=0x1122334455667705" in text and "Datapath actions: 2" in text
    assert "tun_metadata1=0x5/0xff" in text.split("Megaflow: ")[1]
    for bad in ("{class=0x1234,type=0x80,len=4,0x1}", "{class=0x9,type=0x81,len=4,0x1}"):
        assert "the packet is dropped" in side.channel.call("ofproto/trace", f"tunnel(src=1.1.1.1,dst=2.2.2.2,geneve({bad}))," + rest)
    # Stock prints what it was given; ours has no tunnels to put it on, and says so.
    assert sides[1].channel.call("dpctl/add-flow", key + rest, "2") == ""
    assert key in sides[1].channel.call("dpctl/dump-flows")
    assert "no tunnels" in side.channel.call("dpctl/add-flow", key + rest, "2")


def random_number(rng):
    n = rng.choice([1, 1, 2, 4, 8, 16, 40])
    return rng.choice([0, 1, rng.getrandbits(8 * n), rng.getrandbits(8 * n) << rng.randrange(64)])


def random_text(rng):
    parts = []
    for i in rng.sample(range(64), rng.randrange(1, 5)):
        name, value = f"tun_metadata{i}", random_number(rng)
        kind = rng.randrange(5)
        if kind == 0:
            parts.append(name)
        elif kind == 1:
            parts.append(f"{name}[{rng.randrange(8)}..{rng.randrange(8, 80)}]={value & 1:#x}")
        else:
            parts.append(f"{name}={value:#x}" + (f"/{random_number(rng):#x}" if kind == 2 else ""))
    sub = f"tun_metadata{rng.randrange(64)}[{rng.randrange(32)}..{rng.randrange(32, 64)}]"
    whole = f"tun_metadata{rng.randrange(64)}"
    mask = random_number(rng)
    actions = rng.sample([
        f"set_field:{random_number(rng):#x}->{whole}", f"set_field:{random_number(rng) & mask:#x}/{mask:#x}->{whole}", f"load:{rng.getrandbits(1):#x}->{sub}",
        f"move:{sub}->{sub}", f"push:{sub}", f"pop:{sub}", f"delete_field:{whole}", f"learn(table=1,{whole}={random_number(rng):#x},{sub}=1,load:1->{sub})",
        f"learn(table=1,{sub},load:{sub}->{sub},output:{whole}[0..15])", f"output:{whole}[0..15]", f"check_pkt_larger(5)->{whole}[7]"], rng.randrange(1, 4))
    return ",".join(parts) + ",actions=" + ",".join(actions)


@pytest.mark.parametrize("version", ["OpenFlow10", "OpenFlow13", "OpenFlow15"])
def test_generated(version, tmp_path):
    """What both print of a flow, and the bytes that both send."""
    rng = random.Random(version)
    flows = [random_text(rng) for _ in range(400)]
    printed = [[subprocess.run([tools("ovs-ofctl"), "-O", version, "parse-flow", f], capture_output=True, text=True).stdout for f in flows[:100]]
               for tools in (stock, ours)]
    for f, a, b in zip(flows, *printed):
        assert a == b, f
    sent_bytes(version, flows, tmp_path / "flows")


def test_recirculation_keeps_them(sides):  # noqa: F811
    """What a packet's options were when it was frozen (here to have its hash computed), they are when it comes back."""
    side = sides[0]
    do(side, MAP)
    do(side, "-O OpenFlow15 add-group br0 group_id=91,type=select,bucket=actions=resubmit(,1)")
    for flow in ["ip,actions=set_field:0x77->tun_metadata0,group:91", "table=1,tun_metadata0=0x77,actions=move:tun_metadata0[0..31]->tun_metadata1[32..63],resubmit(,2)",
                 "table=2,tun_metadata1=0x7700000000/0xffffffff00000000,actions=2"]:
        do(side, "add-flow br0 " + flow)
    try:
        for packet in ("in_port=1,tcp", "in_port=1,tcp,tun_metadata0=5,tun_metadata1=6"):
            first, last = side.channel.call("ofproto/trace", "br0", packet).split("resume with dp_hash")
            assert "recirc(" in first and "Datapath actions: 2" in last, last
    finally:
        do(side, "-O OpenFlow15 del-groups br0 group_id=91")

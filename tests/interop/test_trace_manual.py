# SPDX-License-Identifier: Apache-2.0
"""Each action of ovs-actions(7), its examples and edges, through both switches' `ofproto/trace`: the whole text has to be the same, with
megaflows that are as wide as stock's or wider, in the bits that are listed. A line of trace_manual.txt has flows, divided by " ; ",
and a packet after " | "."""
import difflib
import pathlib
import random
import re

import pytest

from test_trace_differential import looked_at_too, sides, vary  # noqa: F401  a fixture
from test_trace_recirculation import without_numbers

CASES = [line for line in (pathlib.Path(__file__).parent / "trace_manual.txt").read_text().splitlines() if line and not line.startswith("#")]
GROUPS = [
    "group_id=11,type=all,bucket=output:2,bucket=mod_dl_src:00:00:00:00:00:09,output:3",
    "group_id=12,type=indirect,bucket=mod_vlan_vid:5,output:2",
    "group_id=13,type=select,bucket=weight:0,output:2,bucket=weight:5,output:3",
    "group_id=14,type=ff,bucket=watch_port:77,output:2,bucket=watch_port:3,output:3",
    "group_id=16,type=select,selection_method=hash,fields=eth_src,bucket=output:3",
    "group_id=17,type=select,selection_method=hash,fields(eth_src,ip_dst),bucket=watch_port:77,output:2,bucket=watch_port:3,output:3",
    "group_id=18,type=ff,bucket=watch_group:14,output:2,bucket=watch_port:3,output:3",
    "group_id=19,type=ff,bucket=watch_port:77,output:2",
    "group_id=20,type=ff,bucket=watch_group:19,output:2,bucket=watch_port:3,output:3",
    "group_id=15,type=all,bucket=set_field:1->reg3,resubmit(,5)",
]


@pytest.fixture(scope="module", autouse=True)
def groups(sides):  # noqa: F811
    for side in sides:
        for group in GROUPS:
            side.switch.ofctl("-O", "OpenFlow15", "add-group", "br0", group)


def text_of(side, packet):
    """A trace in comparable form: [line], without its megaflow; and that."""
    actions, megaflow, text = side.trace(packet)
    text = re.sub(r"^Datapath actions: .*$", "Datapath actions: " + actions, text, flags=re.M)
    text = re.sub(r"^Megaflow: .*$", "", text, flags=re.M)
    return without_numbers(text).splitlines(), megaflow


def comparable(case, mine, stock):
    """Both without what docs/differences.md names."""
    # What ours says more, and the scores of its other hash.
    more = r"     >>>> .* <<<<$|     -> (no flow sample collector set|the packet is (not )?larger|table=9 )|     -> bucket \d+: score"
    slow = r"This flow is handled by the userspace slow path|  - Uses action\(s\) not supported by datapath"
    side_effects = "     >> suppressing side effects, so learn action ignored"
    mine, stock = [[line for line in lines if not re.match(f"{more}|{slow}|{side_effects}", line)] for lines in (mine, stock)]
    if "check_pkt_larger" in case:
        mine = [line for line in mine if "NXM_NX_REG0[0] is now" not in line]
    if "watch_group" in case or "group:20" in case:
        stock = [line.replace("not live due to port 19", "not live due to group 19") for line in stock]
    # Ours writes only the bits of a label that change.
    mine, stock = [[re.sub(r"set\(mpls\([^()]*\)\)", "set(mpls())", line) for line in lines] for lines in (mine, stock)]
    # Nothing that a flow's text shows has changed, but actset_output has.
    flow = next(line for line in stock if line.startswith("Flow: "))
    stock = [line.replace("Final " + flow.replace("Flow", "flow"), "Final flow: unchanged") for line in stock]
    if re.search(r"multipath|bundle", case):  # its hash functions are others; see test_hashes
        values = r"(is now |reg\d=|Datapath actions: p|>> skipping output)"
        mine, stock = [[re.sub(values + ".*", r"\1", line) for line in lines if not re.search("skipping output|^$", line)] for lines in (mine, stock)]
        mine, stock = [[re.sub("drop|p$", "", line) for line in lines] for lines in (mine, stock)]
    return mine, stock


def load(side, flows):
    side.switch.ofctl("-O", "OpenFlow13", "del-flows", "br0")
    refused = []
    for flow in filter(None, flows.split(" ; ")):
        done = side.switch.tool("ovs-ofctl", "-O", "OpenFlow13", "add-flow", "br0", flow, check=False)
        if done.returncode:
            refused.append((flow, re.sub(r"^\S+Z\|\d+\|| \(xid=0x\w+\)", "", done.stderr, flags=re.M)))
    return refused


@pytest.mark.parametrize("case", CASES)
def test_same_trace(sides, case):  # noqa: F811
    flows, packet = case.split(" | ")
    refused = [load(side, flows) for side in sides]
    assert refused[0] == refused[1]
    (mine, mask), (stock, stock_mask) = [text_of(side, packet) for side in sides]
    mine, stock = comparable(case, mine, stock)
    assert mine == stock, "\n".join(difflib.unified_diff(stock, mine, "stock", "ours", lineterm=""))
    extra = looked_at_too(mask, stock_mask)
    if ",nw_proto=0," in mask and ",nw_proto=0," not in stock_mask:  # no header that could be changed: that has to be looked at
        extra -= {"type"}
    assert not extra, (mask, stock_mask)


@pytest.mark.parametrize("case", CASES)
def test_megaflow_holds(sides, case):  # noqa: F811
    """Packets that differ in nothing that the megaflow looks at get the same actions."""
    ours = sides[0]
    flows, packet = case.split(" | ")
    load(ours, flows)
    actions, megaflow, _ = ours.trace(packet)
    r = random.Random(case)
    for _ in range(4):
        other = vary(r, packet, megaflow)
        assert ours.trace(other)[0] == actions, (packet, other, megaflow)


def test_exit_in_clone(sides):  # noqa: F811
    """It ends what is in the clone; stock ends what is behind it, too."""
    for side in sides:
        load(side, "actions=clone(exit,2),3")
    assert [side.trace("in_port=1")[0] for side in sides] == ["p3", "drop"]


def test_result_of_learn(sides):  # noqa: F811
    """A trace learns nothing, but goes on as a packet would; with stock as if learning had failed."""
    for side in sides:
        load(side, "actions=learn(table=9,eth_type=0x800,nw_src=1.2.3.4,limit=2,result_dst=reg0[0]),resubmit(,1) ; table=1,reg0=1,actions=2 ; table=1,priority=1,actions=3")
    assert [side.trace("in_port=1")[0] for side in sides] == ["p2", "p3"]
    assert "nw_src=1.2.3.4" not in sides[0].switch.ofctl("-O", "OpenFlow13", "dump-flows", "br0", "table=9")


HASHES = {"eth_src": ["dl_src"], "symmetric_l4": ["dl_src", "dl_dst", "nw_src", "nw_dst", "tcp_src", "tcp_dst"], "symmetric_l3l4": ["nw_src", "nw_dst", "tcp_src", "tcp_dst"],
          "symmetric_l3l4+udp": ["nw_src", "nw_dst", "tcp_src", "tcp_dst"], "nw_src": ["nw_src"], "nw_dst": ["nw_dst"], "symmetric_l3": ["nw_src", "nw_dst"]}
N_LINKS, N_PACKETS = 4, 120


def terms_of(r):
    return {"dl_src": f"00:00:00:00:00:{r.randrange(256):02x}", "dl_dst": f"00:00:00:00:01:{r.randrange(256):02x}", "nw_src": f"10.0.0.{r.randrange(256)}",
            "nw_dst": f"10.0.1.{r.randrange(256)}", "tcp_src": str(r.randrange(1, 65536)), "tcp_dst": str(r.randrange(1, 65536))}


@pytest.mark.parametrize("fields, algorithm", [("eth_src", a) for a in ("modulo_n", "hash_threshold", "hrw", "iter_hash")] + [(f, "hrw") for f in HASHES if f != "eth_src"])
def test_hashes(sides, fields, algorithm):  # noqa: F811
    """The numbers are not stock's (its hash is another function), but each link has its share with both, packets of one flow stay together,
    and what is symmetric is the same both ways."""
    r = random.Random(fields + algorithm)
    for side in sides:
        load(side, f"actions=multipath({fields},50,{algorithm},{N_LINKS},0,reg0[0..15]),2")

        def link(terms):
            text = side.channel.call("ofproto/trace", "br0", "in_port=1,tcp," + ",".join(f"{k}={v}" for k, v in terms.items()))
            return int(re.search(r"NXM_NX_REG0\[0..15\] is now (\w+)", text).group(1), 0)

        count = [0] * N_LINKS
        for i in range(N_PACKETS):
            terms = terms_of(r)
            chosen = link(terms)
            count[chosen] += 1
            if i < 10:
                others = {k: v for k, v in terms_of(r).items() if k not in HASHES[fields]}
                assert link({**terms, **others}) == chosen
            if i < 10 and fields.startswith("symmetric"):
                back = {key: terms[key.replace("src", "x").replace("dst", "src").replace("x", "dst")] for key in terms}
                assert link(back) == chosen
        assert all(N_PACKETS / N_LINKS / 2 < n < N_PACKETS / N_LINKS * 1.7 for n in count), (side.switch.tools.name, count)


@pytest.mark.parametrize("algorithm", ["hrw", "iter_hash"])
def test_stable_hashes(sides, algorithm):  # noqa: F811
    """One link less moves only what was on it, as the manual says of these two algorithms."""
    ours = sides[0]
    chosen = []
    for links in (5, 4):
        load(ours, f"actions=multipath(eth_src,50,{algorithm},{links},8,reg0[0..15]),2")
        r = random.Random(1)
        chosen.append([int(re.search(r"NXM_NX_REG0\[0..15\] is now (\w+)", ours.channel.call("ofproto/trace", "br0", f"in_port=1,dl_src={terms_of(r)['dl_src']}")).group(1), 0)
                       for _ in range(N_PACKETS)])
    moved = [(a, b) for a, b in zip(*chosen) if a != b]
    assert moved and all(a == 4 for a, _ in moved), moved


ETHERNET, IPV4 = bytes.fromhex("0000000000020000000000010800"), bytes.fromhex("4500001c000000004011b6cd0a0000010a000002") + bytes.fromhex("0005005000080000")
OUTER = bytes.fromhex("00000000000200000000000189")


def nsh(next_protocol, payload):
    return OUTER + bytes.fromhex("4f" "0fc202%02x000001ff" % next_protocol) + payload


@pytest.mark.parametrize("flows, frame, inner, actions", [
    ("dl_type=0x894f,actions=decap(),decap(),resubmit(,1) ; table=1,udp,nw_src=10.0.0.1,actions=mod_tp_dst:7,2", nsh(3, ETHERNET + IPV4),
     "eth,udp,in_port=1,vlan_tci=0x0000,dl_src=00:00:00:00:00:01", "set(udp(dst=7)),p2"),
    ("dl_type=0x894f,actions=decap(),decap(),resubmit(,1) ; table=1,packet_type=(1,0x800),nw_src=10.0.0.1,actions=encap(ethernet),3", nsh(1, IPV4),
     "packet_type=(1,0x800),in_port=1,nw_src=10.0.0.1", "push_eth(src=00:00:00:00:00:00,dst=00:00:00:00:00:00),p3"),
    ("actions=encap(nsh(md_type=1)),decap(),resubmit(,1) ; table=1,udp,nw_src=10.0.0.1,actions=2", ETHERNET + IPV4,
     "eth,udp,in_port=1,vlan_tci=0x0000,dl_src=00:00:00:00:00:01", "p2"),
    ("dl_type=0x8847,actions=decap(),decap(packet_type(ns=1,type=0x800)),resubmit(,1) ; table=1,packet_type=(1,0x800),nw_src=10.0.0.1,actions=encap(ethernet),3",
     OUTER[:12] + bytes.fromhex("884700005140") + IPV4, "packet_type=(1,0x800),in_port=1,nw_src=10.0.0.1", "push_eth(src=00:00:00:00:00:00,dst=00:00:00:00:00:00),p3"),
])
def test_uncovered_packets(sides, flows, frame, inner, actions):  # noqa: F811
    """A packet that was given is followed behind what decap() takes off; stock ends there. A flow that was given says nothing of it."""
    ours = sides[0]
    assert not load(ours, flows)
    text = ours.channel.call("ofproto/trace", "br0", "in_port=1", frame.hex())
    second = text.split("resume with what decap() uncovered")[1]
    assert re.search(r"^Flow: recirc_id=0x\w+," + re.escape(inner), second, re.M), text
    got = re.search(r"^Datapath actions: (.*)$", second, re.M).group(1)
    assert re.sub(r"\d+$", lambda m: ours.names[m.group()], got) == actions, text
    assert "uncovered" not in ours.channel.call("ofproto/trace", "br0", "in_port=1,dl_type=0x894f,nsh_np=3,nsh_mdtype=2")
    cut = ours.channel.call("ofproto/trace", "br0", "in_port=1", frame[:23].hex())
    assert "Datapath actions" in cut

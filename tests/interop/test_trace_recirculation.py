# SPDX-License-Identifier: Apache-2.0
"""Generated tables that recirculate through both switches' `ofproto/trace`, pass by pass: the same lines and actions."""
import os
import random
import re

import pytest

from test_trace_differential import Side, canonical, harness, looked_at_too

N_TABLES, N_PACKETS = int(os.environ.get("TRACE_TABLES", "25")), 12
GROUPS = [
    "group_id=1,type=select,selection_method=dp_hash,bucket=output:2,bucket=resubmit(,3)",
    "group_id=2,type=select,bucket=output:2,bucket=output:3",
    "group_id=3,type=select,selection_method=dp_hash,selection_method_param=0x100000007,bucket=mod_dl_src:00:00:00:00:00:05,output:1",
    "group_id=4,type=all,bucket=output:2,bucket=resubmit(,3)",
]


@pytest.fixture(scope="module")
def sides():
    if not harness.is_root():
        pytest.skip("needs root: network namespaces")
    with harness.both_sides(Side) as made:
        for side in made:
            side.switch.ofctl("-O", "OpenFlow13", "del-groups", "br0")
            for group in GROUPS:
                side.switch.ofctl("-O", "OpenFlow15", "add-group", "br0", group)
        yield made


def actions(r, table):
    # No stack: the stock switch crashes when a trace goes on with one of two fields, or freezes
    # a group of an action set.
    choices = ["output:2", "output:3", "IN_PORT", "debug_recirc", "debug_recirc", "mod_dl_dst:00:00:00:00:00:09", "load:1->NXM_NX_REG0[]", "load:2->NXM_NX_REG1[]",
               "set_field:5->metadata", "load:7->NXM_NX_PKT_MARK[]", "mod_nw_tos:32", "dec_ttl",
               "controller(reason=no_match,max_len=99)", "move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[]"]
    if table < 3:
        choices += [f"resubmit(,{t})" for t in range(table + 1, 4)] * 2 + [f"group:{g}" for g in (1, 2, 3)]
    if table < 2:
        choices += ["group:4"]
    out = [r.choice(choices) for _ in range(r.randint(1, 6))]
    if out[-1] == "debug_recirc":  # stock begins with table 0 again when nothing is left
        out.append("output:3")
    if r.random() < 0.3:
        out.append(r.choice(["write_actions(output:4,set_field:00:00:00:00:00:08->eth_dst)", "clear_actions"]))
    if table < 3 and r.random() < 0.2:
        out.append(f"goto_table:{table + 1}")
    return ",".join(out)


def table_of_flows(r):
    flows = []
    for table in range(4):
        for i in range(r.randint(1, 4)):
            match = r.choice(["ip", "tcp", "udp", "ip,reg0=1", "ip,metadata=5", "ip,in_port=1", "ip,nw_dst=10.0.0.2", "ip,reg2=2", "ip,pkt_mark=7", "udp,tp_dst=53"])
            flows.append(f"table={table},priority={10 * i + 1},cookie={r.randint(0, 2)},{match},actions={actions(r, table)}")
    return flows


def passes(side, text):
    """[(number, lines, actions, megaflow)] of each block of a trace."""
    found = []
    for block in re.split(r"^=+\n(recirc\(0x\w+\).*)\n=+\n", "=\nrecirc(0x0)\n=\n" + text, flags=re.M)[1:]:
        if block.startswith("recirc("):
            found.append([block])
            continue
        lines = re.search(r"^Flow: (.*?)\n(.*?)^Final flow: .*?\nMegaflow: (.*?)\nDatapath actions: (.*?)$", block, re.M | re.S)
        assert lines, block
        named = re.sub(r"(?<![\w.:/=(\-])(\d+)(?=,|$)", lambda m: side.names.get(m.group(1), m.group(1)), lines.group(4))
        found[-1] += [lines.group(1), lines.group(2), lines.group(3), lines.group(4), named]
    return found


def without_numbers(text):
    text = re.sub(r"recirc_id=0x\w+", "recirc_id=ID", text)
    text = re.sub(r"(restored state: table=\d+, cookie=0x\d)0*", r"\1", text)  # stock's bytes are the other way round
    text = re.sub(r"goto_table:(\d)", r"resubmit(,\1)", text)  # stock makes one of the other
    return re.sub(r"\n +-> no live bucket", "", text)


def mask_of_pass(megaflow):
    """Numbers of contexts are each switch's own; a hash is looked at by those that come for it."""
    return re.sub(r"recirc_id=0x\w+", "recirc_id=0x1", megaflow)


def dp_actions(actions):
    return canonical(re.sub(r"rule_cookie=0x\w+", "", re.sub(r"recirc_id=\d+", "", actions)))


def next_flow(flow, number):
    return re.sub(r"recirc_id=0x\w+", f"recirc_id={number}", flow).replace(",eth,", ",").replace(",nw_frag=no", "").replace(",tp_", ",udp_" if ",udp," in flow else ",tcp_")


@pytest.mark.parametrize("seed", range(1, 1 + int(os.environ.get("TRACE_SEEDS", "1"))))
def test_each_pass(sides, seed):
    ours, theirs = sides
    r = random.Random(seed)
    n_passes, n_hashed, more = 0, 0, []
    for _ in range(N_TABLES):
        flows = theirs.load_acceptable(table_of_flows(r))
        # ovs-ofctl of neither side reads debug_recirc back: it is not asked to.
        assert ours.load_acceptable(flows) == flows
        for _ in range(N_PACKETS):
            flow = (f"in_port={r.choice([1, 2])},{r.choice(['tcp', 'udp'])},dl_src=00:00:00:00:00:01,nw_src=10.0.0.1,nw_dst=10.0.0.{r.randint(1, 3)},"
                    f"nw_ttl={r.choice([1, 64])}")
            if "udp" in flow:
                flow += f",udp_dst={r.choice([53, 54])}"
            text = ours.channel.call("ofproto/trace", "br0", flow)
            mine = passes(ours, text)
            want = [flow]  # what stock is to be asked, in the same order
            for block in mine:
                if not want:
                    break
                asked = want.pop(0)
                stock_text = theirs.channel.call("ofproto/trace", "br0", asked)
                stock = passes(theirs, stock_text)[0]
                context = f"{asked}\n{text}\n--- stock\n{stock_text}\n" + "\n".join(flows)
                assert dp_actions(block[5]) == dp_actions(stock[5]), context
                mine_lines, stock_lines = without_numbers(block[2]), without_numbers(stock[2])
                if "goto_table" in block[2]:  # a table behind it does not indent
                    mine_lines, stock_lines = (re.sub(r"^ +", "", t, flags=re.M) for t in (mine_lines, stock_lines))
                assert mine_lines == stock_lines, context
                extra = looked_at_too(mask_of_pass(block[3]), mask_of_pass(stock[3]))
                if "ip_dscp" in block[2]:  # whether there is a header to change depends on the protocol: ours looks at it
                    extra -= {"type"}
                more += [(extra, block[3], stock[3], context)] * bool(extra)
                n_passes += 1
                n_hashed += "hash(" in block[5]
                numbers = re.findall(r"recirc\((0x\w+)\)", block[4]), re.findall(r"recirc\((0x\w+)\)", stock[4])
                for mine_number, number in zip(*numbers, strict=True):
                    after = [b for b in mine if b[0].startswith(f"recirc({mine_number})")]
                    # Where a hash decides, each switch has its own.
                    if after and "dp_hash" not in after[0][1] and after[0] is not block:
                        want.append(next_flow(after[0][1], number))
                    elif after:
                        mine = mine[:1]
                        want = []
                        break
    print(f"{n_passes} passes, {n_hashed} of them end in a hash")
    # Masks: as wide as stock's or wider.
    assert not more, f"{len(more)}: {more[0][0]}\n{more[0][1]}\n{more[0][2]}\n{more[0][3]}"
    assert n_passes > N_TABLES * N_PACKETS and n_hashed > 20

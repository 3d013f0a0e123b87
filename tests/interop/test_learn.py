# SPDX-License-Identifier: Apache-2.0
"""Packets that teach both switches flows: the same ones, with the same limits and lives."""
import re

import pytest

from test_trace_differential import sides  # noqa: F401  a fixture

MAC_LEARNING = ("table=0,actions=learn(table=1,hard_timeout=300,priority=9,cookie=0x7,NXM_OF_VLAN_TCI[0..11],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],"
                "load:NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15],output:NXM_OF_IN_PORT[]),resubmit(,1) ; table=1,priority=0,actions=drop")
PACKET = "in_port=%d,dl_src=00:00:00:00:00:%02x,dl_dst=00:00:00:00:00:ff"
TCP = "in_port=1,tcp,nw_src=10.0.0.%d,nw_dst=10.0.0.9,tcp_src=%d,tcp_dst=80,tcp_flags=%s"

# Flows, then packets, by " | ".
CASES = [
    [MAC_LEARNING, PACKET % (1, 1), PACKET % (2, 2), PACKET % (3, 1), "in_port=1,dl_src=00:00:00:00:00:01,dl_dst=00:00:00:00:00:02,dl_vlan=5"],
    ["actions=learn(table=2,limit=2,result_dst=reg1[3],cookie=1,idle_timeout=5,eth_src,output:in_port),resubmit(,1) ; table=1,reg1=8,actions=2 ; table=1,actions=3"]
    + [PACKET % (1, i) for i in (1, 2, 3, 4, 1)],
    ["tcp,actions=learn(table=3,fin_idle_timeout=5,fin_hard_timeout=9,idle_timeout=60,eth_type=0x800,nw_proto=6,ip_src=ip_dst,ip_dst=ip_src,"
     "tcp_src=tcp_dst,tcp_dst=tcp_src,load:0x5->reg2[4..11],load:ip_src->reg3,output:in_port,send_flow_rem)"] + [TCP % (i, 1000 + i, "syn") for i in range(3)],
    ["cookie=9,tcp,hard_timeout=100,idle_timeout=50,actions=fin_timeout(idle_timeout=5,hard_timeout=7),output:2", TCP % (1, 1, "syn"), TCP % (1, 1, "fin")],
    ["actions=learn(table=1,reg0[3..9]=17,metadata=0x7,tun_id=3,output:reg5)", PACKET % (1, 1)],
    ["cookie=5,in_port=1,actions=learn(table=1,cookie=0x10,delete_learned,eth_src) ; cookie=6,in_port=2,actions=learn(table=1,cookie=0x10,delete_learned,eth_src)",
     PACKET % (1, 1), PACKET % (2, 2), "del cookie=5/-1", PACKET % (2, 3), "del cookie=6/-1"],
]


def flows_of(side):
    text = side.switch.ofctl("-O", "OpenFlow13", "dump-flows", "br0")
    text = text if isinstance(text, str) else text.stdout
    lines = [re.sub(r" duration=[^,]*,| (n_packets|n_bytes|idle_age|hard_age)=\d+,", "", line).strip() for line in text.split("\n") if "table=" in line]
    return sorted(lines)


@pytest.mark.parametrize("case", CASES, ids=lambda case: re.sub(r"\W+", "-", case[0])[:40])
def test_same_flows(sides, case):
    for side in sides:
        side.switch.ofctl("-O", "OpenFlow13", "del-flows", "br0")
        for flow in case[0].split(" ; "):
            side.switch.ofctl("-O", "OpenFlow13", "add-flow", "br0", flow)
    for step in case[1:]:
        verdicts = []
        for side in sides:
            if step.startswith("del "):
                side.switch.ofctl("-O", "OpenFlow13", "del-flows", "br0", step[4:])
            else:
                text = side.channel.call("ofproto/trace", "br0", step, "-generate")
                actions = re.search(r"^Datapath actions: (.*)$", text, re.M).group(1)
                verdicts.append(re.sub(r"\b(\d+)\b", lambda m: side.names.get(m.group(1), m.group(1)), actions))
        assert len(set(verdicts)) < 2, step
        flows = flows_of(sides[0])
        assert flows == flows_of(sides[1]), step
        assert flows or step.startswith("del ")

# SPDX-License-Identifier: Apache-2.0
"""os-ken asks both switches the same, all that its parser of each version knows. What they answer must be something that os-ken reads, and
the same, errors with type, code and data included."""
import json
import re

import pytest

import harness
from harness import ours, stock
from os_ken.ofproto import ofproto_parser
from osken import OsKen
from osken_messages import Cases, request_classes
from test_trace_differential import Side

VERSIONS = ["OpenFlow10", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15"]

# What stock does not know, or knows less of.
MORE_THAN_STOCK = {"OpenFlow13": ["OFPMeterFeaturesStats"], "OpenFlow14": ["OFPMeterFeaturesStats"],
                   "OpenFlow15": ["OFPBundleFeaturesStats", "OFPControllerStatusStats"]}

UNREADABLE = [bytes.fromhex("001c0018")]


@pytest.fixture(scope="module")
def sides():
    if not harness.is_root():
        pytest.skip("needs root: network namespaces")
    net = harness.Net()
    made = []
    try:
        for tools in (stock, ours):
            side = Side(tools, net)
            made.append(side)
            side.switch.vsctl("set", "bridge", "br0", "protocols=" + ",".join(f"OpenFlow1{i}" for i in range(6)), "other-config:datapath-id=0000000000000007",
                              "other-config:hwaddr=00:00:00:00:00:77")
            side.switch.ofctl("-O", "OpenFlow13", "add-meter", "br0", "meter=1 kbps bands=type=drop rate=1000")
        yield made
    finally:
        for side in made:
            side.switch.close()
        net.close()


def entries(body):
    """Group descriptions, each with its length in front."""
    found = []
    while body:
        n = int.from_bytes(body[:2], "big")
        found.append(body[:n].hex())
        body = body[n:]
    return found


class Speaker(OsKen):
    def __init__(self, *args):
        super().__init__(*args)
        self.news = []  # what nobody asked for

    def ask(self, messages):
        """The answers as JSON, those of one request joined."""
        first, answers = self.xid + 1, []
        for m in messages:
            m.xid = None  # it may have been sent before
            self.send(m)
        self.send(self.parser.OFPBarrierRequest(self.proto))
        while True:
            kind, xid, data = self.receive()
            if kind == self.ofp.OFPT_BARRIER_REPLY and xid == self.xid:
                return answers
            if kind == self.ofp.OFPT_ECHO_REQUEST:
                continue
            if self.wire == 6 and kind == self.ofp.OFPT_MULTIPART_REPLY and data[8:10] == b"\0\7":  # os-ken's parser of group descriptions never ends
                answers.append((xid - first, json.dumps({"unread": {"body": entries(data[16:])}})))
                continue
            message = ofproto_parser.msg(self.proto, self.wire, kind, len(data), xid, data)
            if message is None:
                # Its parsers of copy_field and of an empty list of properties fail. The bytes must be stock's, but for times.
                assert any(known in data for known in UNREADABLE), f"os-ken cannot read {data.hex()}"
                answers.append((xid - first, json.dumps({"unread": re.sub("(80020[02]08)[0-9a-f]{16}", r"\1", data[8:].hex())})))
                continue
            if isinstance(message, getattr(self.parser, "OFPTableFeaturesStatsReply", ())):
                for e in message.body:  # which stock says twice, for hits and for misses
                    e.properties, e.length = [], 0
            if self.wire == 6 and isinstance(message, self.parser.OFPGetAsyncReply):  # stock's has none for statistics of flows and status of controllers
                message.properties = message.properties[:12]
            if self.wire >= 5 and isinstance(message, self.parser.OFPPortStatsReply):  # stock's have counters that our ports have not
                for e in message.body:
                    e.properties, e.length = [x for x in e.properties if not hasattr(x, "experimenter")], 0
            text = normal(json.dumps(message.to_jsondict(), sort_keys=True, default=str))
            if kind == self.ofp.OFPT_ERROR:
                text += re.sub("aa55aa55[0-9a-f]{4}", "MAC", data[8:].hex())
            if xid:
                answers.append((xid - first, text))
            else:
                self.news.append(text)


def normal(text):
    """Without times. Where a message ends and the next one begins is the switch's own affair."""
    text = re.sub("aa:55:aa:55:[0-9a-f:]{5}", "MAC", text)
    text = re.sub(r'"([rt]x_dropped)": \d+', r'"\1": 0', text)  # of dummy ports, stock knows none
    text = re.sub(r'(\{"field": "(?:duration|idle_time)", "value": )\[\d+, \d+\]', r"\1[0, 0]", text)
    return re.sub(r'"(duration_n?sec|duration|sw_desc|idle_age|hard_age)": ("[^"]*"|\d+|\[\d+, \d+\])', r'"\1": 0', text)


def merged(answers):
    """Parts of a multipart reply as one list, in no order: that of tables and groups is the switch's own affair."""
    out = []
    for n, text in answers:
        body = json.loads(text[:text.rindex("}") + 1])
        (name, fields), = body.items()
        if isinstance(fields, dict) and isinstance(fields.get("body"), list):
            entries = sorted(json.dumps(e, sort_keys=True) for e in fields.pop("body"))
            fields.pop("flags", None)
            if out and out[-1][:2] == (n, name):
                out[-1] = (n, name, sorted(out[-1][2] + entries), out[-1][3])
            else:
                out.append((n, name, entries, json.dumps(fields, sort_keys=True)))
        else:
            out.append((n, name, text, ""))
    return out


def contrast(x, y):
    """What is in one answer only."""
    if x and y and x[:2] == y[:2] and isinstance(x[2], list) and isinstance(y[2], list):
        x, y = [e for e in x[2] if e not in y[2]][:2], [e for e in y[2] if e not in x[2]][:2]
    return f"\n  stock {x}\n  ours  {y}"


def flow_counters(s):
    """1.5's statistics of flows without their instructions."""
    p = s.parser
    flows = [p.OFPFlowMod(s.proto, priority=n, cookie=n, table_id=3, match=p.OFPMatch(in_port=n), instructions=[]) for n in (5, 6)]
    (_, text), = s.ask([*flows, p.OFPFlowStatsRequest(s.proto, table_id=3, cookie=6, cookie_mask=(1 << 64) - 1)])
    (kind, fields), = json.loads(text).items()
    assert kind == "OFPFlowStatsReply"
    (_, entry), = fields["body"][0].items()
    assert len(fields["body"]) == 1 and (entry["table_id"], entry["priority"], entry["reason"]) == (3, 6, s.ofp.OFPFSR_STATS_REQUEST)
    assert entry["match"]["OFPMatch"]["oxm_fields"] == [{"OXMTlv": {"field": "in_port", "mask": None, "value": 6}}]
    assert [f["OXSTlv"]["field"] for f in entry["stats"]["OFPStats"]["oxs_fields"]] == ["duration", "idle_time", "packet_count", "byte_count"]
    s.ask([p.OFPFlowMod(s.proto, command=s.ofp.OFPFC_DELETE, table_id=3, out_port=0xFFFFFFFF, out_group=0xFFFFFFFF, match=p.OFPMatch())])


@pytest.mark.parametrize("version", VERSIONS)
def test_answers(sides, version):
    speakers = [Speaker(f"{side.switch.dir}/br0.mgmt", version) for side in sides]
    macs = [re.search(r"2\(p2\): addr:(\S+)", side.switch.ofctl("show", "br0")).group(1) for side in sides]
    sent, different, n_errors, n_answers = set(), [], 0, 0
    try:
        for (name, mine), (_, theirs) in zip(*(Cases(s, mac).all() for s, mac in zip(reversed(speakers), reversed(macs)))):
            sent |= {type(m).__name__ for m in mine}
            a, b = speakers[0].ask(theirs), speakers[1].ask(mine)
            n_answers += len(b)
            n_errors += sum("OFPErrorMsg" in text for _, text in b)
            a, b = merged(a), merged(b)
            if a != b:
                different.append(name + "".join(contrast(x, y) for x, y in zip(a + [None] * len(b), b + [None] * len(a)) if x != y))
        for name in MORE_THAN_STOCK.get(version, ()):
            (_, text), = speakers[1].ask([getattr(speakers[1].parser, name + "Request")(speakers[1].proto)])
            assert name + "Reply" in text
            sent.add(name + "Request")
        if speakers[1].wire == 6:
            flow_counters(speakers[1])
            sent.add("OFPFlowStatsRequest")
    finally:
        for s in speakers:
            s.close()
    if sorted(speakers[0].news) != sorted(speakers[1].news):
        different.append("news" + contrast((0, 0, speakers[0].news), (0, 0, speakers[1].news)))
    assert not different, f"{len(different)}:\n" + "\n".join(d[:1500] for d in different[:12])
    missing = request_classes(speakers[1].parser) - sent
    assert not missing, f"nobody asked {sorted(missing)}"
    assert n_answers > 60 and n_errors > 10

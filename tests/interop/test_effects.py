# SPDX-License-Identifier: Apache-2.0
"""What actions do over time and over many packets, in both switches, with the clock stopped: the flows that they leave with all their counts and
ages, the frames that they send, and what a controller is told of it must be the same to the byte."""
import pathlib
import re
import signal
import subprocess

import pytest
from scapy.all import IP, TCP, UDP, Dot1Q, Ether, Raw
from scapy.contrib.mpls import MPLS

import harness
from dummy import DummySwitch
from harness import stock, wait_until

TEXT = "-O", "OpenFlow15"


def frame(payload, src=1, dst=2, size=60):
    p = Ether(src=f"00:00:00:00:00:{src:02x}", dst=f"00:00:00:00:00:{dst:02x}") / payload
    return bytes(p) + b"\0" * (size - len(p))


def tcp(flags="A", host=1, sport=1000, ttl=64, **kw):
    return frame(IP(src=f"10.0.0.{host}", dst="10.0.0.9", ttl=ttl) / TCP(sport=sport, dport=80, flags=flags), **kw)


def udp(host=1, sport=1000, ttl=64, **kw):
    return frame(IP(src=f"10.0.0.{host}", dst="10.0.0.9", ttl=ttl) / UDP(sport=sport, dport=53), **kw)


class Side:
    def __init__(self, tools, net):
        schema = None if tools is harness.ours else "/usr/share/openvswitch/vswitch.ovsschema"
        self.name = tools.name
        self.switch = DummySwitch(tools=tools, schema=schema, netns=net.namespace(tools.name[0]))
        self.switch.vsctl("set", "Open_vSwitch", ".", "other_config:max-revalidator=100")
        self.switch.call("time/stop")
        self.monitor = None

    def ofctl(self, *args, version="OpenFlow13", **kw):
        return self.switch.tool("ovs-ofctl", "-O", version, *args, tools=stock, check=False, **kw)

    def close(self):
        self.switch.close()

    # --- Steps of a story, each of which returns what it shows.

    def add(self, *flows, **kw):
        return "".join(self.ofctl("add-flow", "br0", flow, **kw).stderr for flow in flows)

    def do(self, *args, **kw):
        done = self.ofctl(args[0], "br0", *args[1:], **kw)
        return re.sub(r".*\|ofctl\|.*\n|xid=0x\w+", "", done.stdout + done.stderr)

    def rx(self, port, *frames):
        self.switch.send(port, *frames)
        self.switch.call("revalidator/wait")
        return {p: [f.hex() for f in sent] for p, sent in self.switch.out().items()}

    def warp(self, seconds):
        """A bit more than so many seconds pass: flows live whole seconds, so that none is at the very end of its life."""
        for ms in [1] + [1000] * seconds:
            self.switch.call("time/warp", ms)
            for _ in range(2):
                self.switch.call("revalidator/wait")
        return ""

    def limit(self, table, n, policy, groups=""):
        self.switch.vsctl("--", "--id=@t", "create", "Flow_Table", f"flow_limit={n}", f"overflow_policy={policy}", *([f'groups="{groups}"'] if groups else []),
                          "--", "set", "bridge", "br0", f"flow_tables:{table}=@t")
        return ""

    def dump(self, *args, version="OpenFlow15"):
        text = self.ofctl("dump-flows", "br0", *args, version=version).stdout
        lines = [line for line in text.split("\n") if "table=99" not in line and "actions=" in line]
        return "".join(line + "\n" for line in sorted(lines))

    def watch(self, version, *args, packet_in_format=None):
        """A controller that writes down what it is told."""
        self.unwatch()
        self.control = f"{self.switch.dir}/told.ctl"
        self.path = pathlib.Path(self.switch.dir, "told")
        fmt = ["-P", packet_in_format] if packet_in_format else []
        with open(self.path, "w") as out:
            self.monitor = subprocess.Popen([stock("ovs-ofctl"), "-O", version, *fmt, "monitor", "br0", "65534", f"--unixctl={self.control}", *args],
                                            env=self.switch.env, stdout=out, stderr=out)
        wait_until(self._mark, what="the monitor to be there")
        self.told()

    def _mark(self):
        """A flow that goes, which tells that all before was told."""
        self.marks = getattr(self, "marks", 0xaa00) + 1
        self.ofctl("add-flow", "br0", f"table=99,send_flow_rem,cookie={self.marks},actions=drop")
        self.ofctl("del-flows", "br0", "table=99")
        return f"cookie:0x{self.marks:x}" in self.path.read_text()

    def told(self):
        """What the controller was told since it was asked last."""
        wait_until(self._mark, what="all to be told")
        text = self.path.read_text()
        start = getattr(self, "read", 0)
        self.read = len(text)
        text = re.sub(r"xid=0x[0-9a-f]+", "xid=X", text[start:])
        return re.sub(r".*(ECHO_REQUEST|cookie:0xaa).*\n", "", text)

    def unwatch(self):
        if self.monitor:
            self.monitor.send_signal(signal.SIGTERM)
            self.monitor.wait(10)
            self.monitor = None
        self.read = 0

    def clear(self):
        self.unwatch()
        for args in (("del-flows",), ("del-groups",), ("del-meters",)):
            self.do(*args)
        self.switch.vsctl("clear", "bridge", "br0", "flow_tables")
        self.switch.out()


@pytest.fixture(scope="module")
def sides():
    if not harness.is_root():
        pytest.skip("needs root: network namespaces")
    with harness.both_sides(Side) as made:
        yield made


@pytest.fixture
def both(sides):
    for side in sides:
        side.clear()
    yield lambda story, **kw: play(sides, story, **kw)
    for side in sides:
        side.unwatch()


def play(sides, story, version="OpenFlow13", **kw):
    """All that the sides show while they play the story, which must be the same; returns what it was."""
    shown = []
    for side in sides:
        side.watch(version, **kw)
        mine = []
        for step in story:
            what, *args = step
            mine.append(getattr(side, what)(*args))
        mine.append(side.told())
        shown.append(mine)
        side.unwatch()
    for step, a, b in zip((*story, ("told",)), *shown):
        a, b = (re.sub(r".*WARN.*\n", "", x) if isinstance(x, str) else x for x in (a, b))  # with the time of day
        if isinstance(a, str):
            assert sorted(a.splitlines()) == sorted(b.splitlines()), f"{step}\n--- ours\n{a}\n--- stock\n{b}"
        assert a == b or isinstance(a, str), f"{step}\n--- ours\n{a}\n--- stock\n{b}"
    return "\n".join(map(str, shown[0]))


def add(*flows):
    return ("add", *flows)


def rx(port, *frames):
    return ("rx", port, *frames)


VERSIONS = ["OpenFlow10", "OpenFlow11", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15"]
SEND = "send_flow_rem,idle_timeout=10,hard_timeout=20"
# Each with what must come of it, so that two switches that do nothing are not the same by that.
LIVES = {
    "FIN shortens": ([add(f"cookie=1,tcp,{SEND},actions=fin_timeout(idle_timeout=5,hard_timeout=7),output:2"), rx(1, tcp("S")), ("warp", 2), rx(1, tcp("FA")),
                      ("dump",), ("warp", 3), rx(1, tcp("A")), ("dump",), ("warp", 5), ("dump",)], "reason=hard"),
    "RST shortens": ([add(f"cookie=1,tcp,{SEND},actions=fin_timeout(idle_timeout=2),output:2"), rx(1, tcp("R")), ("dump",), ("warp", 3)], "reason=idle"),
    "a FIN of many": ([add(f"cookie=1,tcp,{SEND},actions=fin_timeout(idle_timeout=5),output:2"), rx(1, tcp("A"), tcp("FA"), tcp("A"), udp()), ("dump",)], "idle_timeout=5"),
    "seen by the next": ([add("cookie=1,tcp,actions=set_field:3->metadata,learn(table=2,hard_timeout=5,cookie=7,eth_type=0x800,nw_proto=6,ip_src,output:OXM_OF_METADATA[0..31]),"
                              "resubmit(,2)"), rx(1, tcp()), rx(1, tcp()), ("dump",), ("warp", 3), ("do", "mod-flows", "table=2,actions=2"), rx(1, tcp()), rx(1, tcp()),
                          ("dump",)], "n_packets=3"),
    "learned again later": ([add("cookie=1,tcp,actions=learn(table=2,idle_timeout=9,fin_idle_timeout=2,cookie=7,eth_type=0x800,nw_proto=6,ip_src,load:1->reg0[]),resubmit(,2)"),
                             rx(1, tcp()), rx(1, tcp("F")), ("dump",), rx(1, tcp()), ("dump",), rx(2, tcp("A", sport=7)), ("dump",)], "idle_timeout=2"),
    "never lengthened": ([add("cookie=1,tcp,idle_timeout=3,hard_timeout=4,actions=fin_timeout(idle_timeout=30,hard_timeout=70),output:2"), rx(1, tcp("F")), ("dump",),
                          ("warp", 4), ("dump",)], "idle_timeout=3, hard_timeout=4"),
    "from for ever": ([add("cookie=1,tcp,send_flow_rem,actions=fin_timeout(idle_timeout=30,hard_timeout=12),output:2"), ("warp", 9), rx(1, tcp("F")), ("dump",),
                       ("warp", 4), ("dump",)], "idle_timeout=30, hard_timeout=12"),
    "fin_timeout of the rule that has it": ([add(f"cookie=1,tcp,{SEND},actions=resubmit(,1)", f"cookie=2,table=1,tcp,{SEND},actions=fin_timeout(idle_timeout=5),2"),
                                             rx(1, tcp("F")), ("dump",)], "idle_timeout=5"),
    "in a group and a clone": ([("do", "add-group", "group_id=1,type=all,bucket=output:3,bucket=resubmit(,1)"),
                                add(f"cookie=1,tcp,{SEND},actions=group:1,clone(fin_timeout(hard_timeout=8))", f"cookie=2,table=1,{SEND},tcp,actions=fin_timeout(idle_timeout=5),2"),
                                rx(1, tcp("F")), ("dump",)], "hard_timeout=8"),
    "learned lives": ([add("cookie=1,tcp,actions=learn(table=2,idle_timeout=9,hard_timeout=20,fin_idle_timeout=2,fin_hard_timeout=6,send_flow_rem,cookie=7,eth_type=0x800,"
                           "nw_proto=6,ip_src,output:in_port),resubmit(,2)"), rx(1, tcp("S")), ("dump",), ("warp", 3), rx(1, tcp("A")), ("dump",), rx(1, tcp("F", host=2)),
                       ("warp", 1), rx(1, tcp("FA")), ("dump",), ("warp", 3), ("dump",), ("warp", 10), ("dump",)], "reason=idle"),
    "learned again": ([add("cookie=1,actions=learn(table=2,hard_timeout=10,cookie=7,eth_src,load:in_port->reg0[0..15])"), rx(1, udp()), ("warp", 6), rx(2, udp()), ("dump",),
                       ("warp", 6), ("dump",), rx(1, tcp()), ("dump",), ("warp", 11), ("dump",)], "hard_timeout=10"),
    "limit": ([add("cookie=1,udp,actions=learn(table=2,limit=2,result_dst=reg1[3],cookie=7,hard_timeout=5,eth_type=0x800,ip_src,output:in_port),resubmit(,1)",
                   "table=1,reg1=8,actions=2", "table=1,priority=1,actions=3"), *(rx(1, udp(host=i)) for i in (1, 2, 3, 1, 2, 4)), ("dump",), ("warp", 6),
               rx(1, udp(host=3)), ("dump",)], "ip,nw_src=10.0.0.3 actions=output:1"),
    "delete_learned": ([add(*(f"cookie={i},in_port={i},actions=learn(table=2,cookie=7,delete_learned,send_flow_rem,eth_src)" for i in (1, 2))),
                        add("cookie=3,in_port=3,actions=learn(table=2,cookie=7,send_flow_rem,eth_dst)"), rx(1, udp(src=1)), rx(2, udp(src=2)), rx(3, udp(dst=7)), ("dump",),
                        ("do", "del-flows", "cookie=1/-1"), ("dump",), ("do", "mod-flows", "in_port=2,actions=drop"), ("dump",)], "reason=delete"),
    "delete_learned by time": ([add("cookie=1,in_port=1,hard_timeout=3,actions=learn(table=2,cookie=7,delete_learned,send_flow_rem,eth_src)"), rx(1, udp()), ("warp", 2),
                                rx(1, udp(src=3)), ("dump",), ("warp", 2), ("dump",)], "reason=delete"),
    "what is modified": ([add(f"cookie=1,udp,{SEND},actions=2"), rx(1, udp()), ("warp", 4), ("do", "mod-flows", "udp,actions=3"), ("dump",), rx(1, udp()), ("warp", 2),
                          ("do", "mod-flows", "udp,reset_counts,actions=2"), ("dump",), ("warp", 3), add(f"cookie=2,udp,{SEND},actions=3"), ("dump",), rx(1, udp()),
                          add(f"cookie=2,udp,{SEND},reset_counts,actions=2"), ("dump",), ("warp", 11), ("dump",)], "duration10.001s"),
    "nobody counts": ([add("udp,no_packet_counts,idle_timeout=5,actions=2", "tcp,no_byte_counts,idle_timeout=5,actions=2"), rx(1, udp(), udp(), tcp(), tcp()), ("dump",),
                       ("do", "dump-aggregate"), ("warp", 3), rx(1, udp(), tcp()), ("warp", 3), ("dump",), ("warp", 3), ("dump",)], "n_packets=3"),
    "overlap": ([add("priority=5,tcp,actions=2", "priority=5,in_port=1,check_overlap,actions=3", "priority=6,in_port=1,check_overlap,actions=3",
                     "priority=5,udp,check_overlap,actions=3", "priority=5,tcp,check_overlap,actions=2"), ("dump",)], "OFPFMFC_OVERLAP"),
    "eviction": ([("limit", 0, 3, "evict", "NXM_OF_IN_PORT[]"), add(*(f"send_flow_rem,cookie={i},in_port={i % 4 // 3 + 1},udp,udp_src={i},hard_timeout={50 - i},actions=2" for i in range(6))),
                  ("dump",)], "reason=eviction"),
    "meter and group go": ([("do", "add-meter", "meter=1,kbps,bands=type=drop,rate=1000"), ("do", "add-group", "group_id=9,type=all,bucket=output:2"),
                            add(f"cookie=1,udp,{SEND},actions=meter:1,output:2", f"cookie=2,tcp,{SEND},actions=group:9"), rx(1, udp(), tcp()), ("warp", 2),
                            ("do", "del-meter", "meter=1"), ("do", "del-groups", "group_id=9"), ("dump",)], "pkts1"),
    "no QoS": ([add("udp,actions=enqueue:2:7,set_queue:5,output:3,pop_queue,output:4", "tcp,actions=note:aa.bb.cc,sample(probability=65535,collector_set_id=1),output:2"),
                rx(1, udp(), tcp()), ("dump",)], "note:aa.bb.cc"),
}
EARLIER = {"meter and group go": ("OpenFlow10",), "eviction": VERSIONS[:4]}  # versions that have no such reason


@pytest.mark.parametrize("life,version", [(life, VERSIONS[i % len(VERSIONS)]) for i, life in enumerate(LIVES)])
def test_lives(both, life, version):
    story, wanted = LIVES[life]
    assert wanted in both(story, version=version) or version in EARLIER.get(life, ())


# Packets that controllers get, by each way there is; the last is a packet-out.
ASKED = [("do", "add-group", "group_id=1,type=all,bucket=controller,bucket=output:2"),
         ("do", "add-meter", "meter=1,pktps,stats,bands=type=drop,rate=1000"),
         add("cookie=1,in_port=1,udp,udp_src=1,actions=controller", "cookie=2,udp,udp_src=2,actions=controller(max_len=20,reason=no_match)",
             "cookie=3,udp,udp_src=3,actions=controller(reason=invalid_ttl),dec_ttl,2", "cookie=4,udp,udp_src=4,actions=controller(userdata=01.02.03,max_len=30)",
             "cookie=5,udp,udp_src=5,actions=write_actions(controller)", "cookie=6,udp,udp_src=6,actions=group:1",
             "cookie=7,udp,udp_src=7,actions=set_field:9->metadata,set_field:0x1234->reg3,set_field:5->tun_id,load:3->pkt_mark,goto_table:4",
             "cookie=8,table=4,udp,udp_src=7,actions=controller(userdata=ff,meter_id=1),mod_dl_src:00:00:00:00:00:77,controller",
             "cookie=9,udp,udp_src=8,actions=dec_ttl,output:2", "cookie=10,udp,udp_src=9,actions=dec_ttl(0,1),output:2", "cookie=11,udp,udp_src=10,actions=resubmit(,9),2",
             "cookie=12,udp,udp_src=11,actions=push_vlan:0x8100,set_field:4101->vlan_vid,controller,clone(controller(max_len=0)),2",
             "cookie=13,udp,udp_src=12,actions=write_actions(group:1)", "cookie=14,priority=0,actions=controller", "cookie=15,dl_type=0x8847,actions=dec_mpls_ttl,2"),
         rx(1, *(udp(sport=i, size=90) for i in range(1, 13))), rx(2, *(udp(sport=i, ttl=1) for i in (3, 8, 9))), rx(3, frame(MPLS(label=5, s=1, ttl=1) / IP())),
         rx(1, frame(Dot1Q(vlan=3, prio=2) / IP() / TCP(), size=200)), rx(2, udp(size=1400)),
         ("do", "packet-out", "in_port=1,packet=" + udp(sport=9, ttl=1).hex() + ",actions=controller(max_len=16,userdata=05),dec_ttl,output:3"),
         *(("do", "packet-out", "in_port=controller,packet=" + udp(sport=i).hex() + ",actions=TABLE") for i in (1, 5, 6, 7, 12, 99)),
         ("do", "packet-out", "in_port=2,packet=" + udp(sport=6).hex() + ",actions=group:1"), ("dump",), ("do", "meter-stats")]


@pytest.mark.parametrize("version,packet_in_format", [
    *((version, "standard") for version in VERSIONS), ("OpenFlow10", "nxt_packet_in"), ("OpenFlow13", "nxt_packet_in"), ("OpenFlow11", "nxt_packet_in2"),
    ("OpenFlow13", "nxt_packet_in2"), ("OpenFlow15", "nxt_packet_in2")])
def test_packets_to_controllers(both, version, packet_in_format):
    told = both(ASKED, version=version, packet_in_format=packet_in_format)
    assert told.count("total_len=") > 12
    # Misses go to those who speak 1.0 to 1.2 only.
    both([rx(1, udp())], version=version, packet_in_format=packet_in_format)

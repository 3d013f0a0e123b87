# SPDX-License-Identifier: Apache-2.0
"""hw-offload with a card that implements rte_flow in software (software_card.c, preloaded): what the card forwards is what the switch would
forward, byte for byte; counters, ageing and changes of rules know nothing of it; what it refuses the switch does."""
import contextlib
import os
import re
import struct
import subprocess
import time

import pytest
from scapy.all import ARP, IP, TCP, UDP, Dot1Q, Ether, IPv6, raw

from harness import ROOT, Host, Net, Switch, wait_until

CARD = os.path.join(os.environ.get("SLUICE_OBJ", ROOT / "build/obj"), "tests/system/software_card.so")
ROUNDS, PAUSE = 500, 0.006
SENDER = f"""
import socket, sys, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("eth0", 0))
frames = [bytes.fromhex(f) for f in sys.argv[2].split(",")]
for i in range(int(sys.argv[1])):
    for f in frames:
        s.send(f + i.to_bytes(4, "big"))
    time.sleep({PAUSE})
"""
LISTENER = """
import socket, struct, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)
s.setsockopt(263, 8, 1)  # PACKET_AUXDATA: the kernel takes tags out of frames
s.bind(("eth0", 0))
print("ready", flush=True)
while True:
    data, aux, flags, address = s.recvmsg(2000, 100)
    if address[2] == 4:
        continue  # sent by this host itself
    for level, kind, a in aux:
        status, n, snap, mac, net, tci, tpid = struct.unpack("IIIHHHH", a[:20])
        if status & 16:
            data = data[:12] + struct.pack("!HH", tpid if status & 64 else 0x8100, tci) + data[12:]
    print(data.hex(), flush=True)
"""
BASE = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")


@contextlib.contextmanager
def setting(card):
    net = Net()
    s = Switch(netns=net.namespace("sw"), start=False)
    try:
        hosts = [Host(net, s.netns, f"v{i}", f"10.0.0.{i}") for i in (1, 2, 3)]
        s.start_server()
        s.vsctl("--no-wait", "init")
        s.vsctl("--no-wait", "set", "open", ".", "other_config:hw-offload=true", "other_config:max-idle=2000")
        s.daemon_env.update(LD_PRELOAD=CARD, SOFTWARE_CARD=card, ASAN_OPTIONS=s.daemon_env.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0")
        s.start_switch()
        s.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "fail_mode=secure")
        for i in (1, 2, 3):
            s.vsctl("add-port", "br0", f"p{i}", "--", "set", "interface", f"p{i}", "type=dpdk", f"ofport_request={i}",
                    f'options:dpdk-devargs="net_af_packet{i},iface=v{i}"')
            assert s.vsctl("get", "interface", f"p{i}", "error").strip() == "[]"
        yield s, hosts
    finally:
        s.close()
        net.close()


class Listener:
    def __init__(self, stack, host, path):
        self.path = path
        with open(path, "w") as out:
            self.process = host.popen("python3", "-c", LISTENER, stdout=out)
        stack.callback(self.process.wait)
        stack.callback(self.process.kill)
        wait_until(lambda: path.read_text().startswith("ready\n"), what="the listener is ready")

    def frames(self):
        """All that came until now."""
        self.process.kill()
        self.process.wait()
        return [bytes.fromhex(line) for line in self.path.read_text().splitlines()[1:]]


def send(host, frames, rounds=ROUNDS):
    return host.popen("python3", "-c", SENDER, rounds, ",".join(raw(f).hex() for f in frames))


def stats(s):
    return {k.strip(): int(v) for k, v in (line.split(":") for line in s.appctl("dpctl/offload-stats-show").splitlines()[1:])}


def n_packets(s, match):
    return sum(int(n) for n in re.findall(r"n_packets=(\d+)", s.ofctl("dump-flows", "br0", match)))


# What goes in, the rule, and what comes out by the model of scapy; None: nothing.
def cases():
    ip = IP(src="10.1.0.1", dst="10.2.0.1", ttl=64, tos=0)
    tail = bytes(20)
    yield BASE / ip / UDP(sport=1, dport=53, chksum=0) / tail, "udp,tp_dst=53,actions=output:2", lambda f: f
    yield BASE / ip / UDP(sport=1, dport=54) / tail, "udp,tp_dst=54,actions=dec_ttl,mod_dl_dst:02:00:00:00:00:09,mod_nw_src:1.2.3.4,output:2", \
        lambda f: change(f, (Ether, "dst", "02:00:00:00:00:09"), (IP, "ttl", 63), (IP, "src", "1.2.3.4"))
    yield BASE / ip / TCP(sport=1, dport=80) / tail, "tcp,tp_dst=80,actions=mod_tp_dst:8080,mod_nw_tos:184,output:2", \
        lambda f: change(f, (TCP, "dport", 8080), (IP, "tos", 184))
    yield BASE / ip / TCP(sport=1, dport=81) / tail, "tcp,tp_dst=81,actions=push_vlan:0x8100,set_field:4101->vlan_vid,output:2", \
        lambda f: Ether(src=f.src, dst=f.dst) / Dot1Q(vlan=5) / f[IP]
    yield BASE / Dot1Q(vlan=7, prio=3) / ip / TCP(sport=1, dport=82) / tail, "dl_vlan=7,tcp,tp_dst=82,actions=strip_vlan,output:2", \
        lambda f: Ether(src=f.src, dst=f.dst, type=0x800) / f[IP]
    yield BASE / IPv6(src="fd00::1", dst="fd00::2", hlim=9) / UDP(sport=1, dport=53) / tail, \
        "udp6,tp_dst=53,actions=set_field:fd00::9->ipv6_dst,dec_ttl,output:2", lambda f: change(f, (IPv6, "dst", "fd00::9"), (IPv6, "hlim", 8))
    yield BASE / ip / TCP(sport=1, dport=83) / tail, "tcp,tp_dst=83,actions=drop", lambda f: None
    yield BASE / ARP(psrc="10.1.0.1") / tail, "arp,actions=output:2", lambda f: f
    yield BASE / ip / UDP(sport=1, dport=55) / tail, "udp,tp_dst=55,actions=output:2,output:3", lambda f: f


def change(f, *fields):
    f = Ether(raw(f))
    for layer, name, value in fields:
        setattr(f[layer], name, value)
    for layer in (IP, TCP, UDP):
        if layer in f and f[layer].chksum:
            del f[layer].chksum
    return f


def with_tail(frame, i):
    """The frame as it is with its number at the end, which the IP header knows nothing of."""
    return raw(frame) + struct.pack("!I", i)


@pytest.mark.parametrize("card", ["all", "old", "mark", "none"])
def test_what_comes_out(card, tmp_path):
    with setting(card) as (s, hosts), contextlib.ExitStack() as stack:
        listener = Listener(stack, hosts[1], tmp_path / "seen")
        all_cases = list(cases())
        for i, (frame, flow, _) in enumerate(all_cases):
            s.ofctl("-O", "OpenFlow13", "add-flow", "br0", f"cookie={i},priority=9,in_port=1,{flow}")
        assert send(hosts[0], [f for f, _, _ in all_cases]).wait() == 0
        for i in range(len(all_cases)):  # also when the card kept them
            wait_until(lambda: n_packets(s, f"cookie={i}/-1") == ROUNDS, what=f"packets of flow {i} are counted")
        shown = s.appctl("dpctl/dump-flows", "-m", "type=offloaded")
        offloads = stats(s)
        whole = card in ("all", "old")
        assert shown.count("offloaded:yes, dp:dpdk") == offloads["Forwarded by cards"] == (8 if whole else 0)
        assert ("offloaded:partial, dp:ovs" in shown) == (card != "none")
        assert (offloads["Packets forwarded by them"] > ROUNDS) == whole
        assert (offloads["Forwarding refused"] > 0) == (card in ("mark", "none"))
        assert (offloads["Rules refused by cards"] > 0) == (card == "none")
        log = s.log()
        assert log.count("its network card does not forward by itself (the card has no such action)") == (1 if card == "mark" else 0)
        assert log.count("its network card does not mark packets (the card has no rules)") == (1 if card == "none" else 0)
        hits = int(re.search(r"phwol hits: (\d+)", s.appctl("dpif-netdev/pmd-stats-show"))[1])
        assert (hits > 0) == (card != "none")
        # Byte for byte the same from the first, by the switch, to the last, by the card.
        seen = listener.frames()
        for frame, _, model in all_cases:
            expected = model(frame)
            wanted = [with_tail(expected, i) for i in range(ROUNDS)] if expected is not None else []
            begin = raw(expected if expected is not None else frame)
            assert [f for f in seen if f.startswith(begin)] == wanted, (frame.summary(), len(wanted))
        # They grow old as others do.
        wait_until(lambda: "recirc_id" not in s.appctl("dpctl/dump-flows"), timeout=15, what="idle megaflows go")
        assert all(n_packets(s, f"cookie={i}/-1") == ROUNDS for i in range(len(all_cases)))
        wait_until(lambda: stats(s)["Total Inserted offloads"] == 0, what="and their rules")


def test_changes_are_followed(tmp_path):
    """A rule in the card goes before its megaflow changes, and when its port goes."""
    with setting("all") as (s, hosts), contextlib.ExitStack() as stack:
        listeners = [Listener(stack, h, tmp_path / h.port) for h in hosts[1:]]
        frame = BASE / IP(src="10.1.0.1", dst="10.2.0.1") / UDP(sport=1, dport=53) / bytes(20)
        s.ofctl("add-flow", "br0", "in_port=1,udp,actions=output:2")
        sender = send(hosts[0], [frame], 3 * ROUNDS)
        stack.callback(sender.wait)
        stack.callback(sender.kill)

        def forwarded():
            return stats(s)["Packets forwarded by them"]
        wait_until(lambda: forwarded() > 50, what="the card forwards")
        s.ofctl("mod-flows", "br0", "in_port=1,udp,actions=output:3")
        s.appctl("revalidator/wait")
        before = forwarded()
        wait_until(lambda: forwarded() > before + 50, what="the card forwards again")
        s.vsctl("del-port", "p3")
        assert stats(s)["Forwarded by cards"] == 0
        time.sleep(0.3)
        s.vsctl("set", "open", ".", "other_config:hw-offload=false")
        s.ofctl("mod-flows", "br0", "in_port=1,udp,actions=output:2")
        assert sender.wait() == 0
        wait_until(lambda: n_packets(s, "udp") == 3 * ROUNDS, what="all are counted")
        first, second = ([struct.unpack("!I", f[-4:])[0] for f in li.frames() if f.startswith(raw(frame))] for li in listeners)
        # To the one port, then to the other, to none, and to the first again; none twice.
        assert first == sorted(set(first)) and second == sorted(set(second)) and not set(first) & set(second)
        assert second[-1] - second[0] + 1 == len(second)
        assert [i for i in range(second[0])] == [i for i in first if i < second[0]]
        assert first[-1] == 3 * ROUNDS - 1

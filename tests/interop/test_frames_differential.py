# SPDX-License-Identifier: Apache-2.0
"""Frames from a capture file through thousands of random rules into capture files: what we emit is what an independent model says, and what
the stock switch emits, byte for byte and in order within each flow."""
import os
import pathlib
import struct

import pytest

import stock_dpdk
from frame_model import GROUP_TEXT, OUT_PORTS, TCP, UDP, Corpus, Frame
from harness import Net, Switch, ours, wait_until

RULES, FRAMES = int(os.environ.get("FRAME_RULES", "2000")), int(os.environ.get("FRAMES", "6000"))
SEED, HUGEPAGES, TIMEOUT = int(os.environ.get("FRAME_SEED", "7")), 300, 60


def write_pcap(path, frames):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for frame in frames:
            f.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)


def read_pcap(path):
    data, at, frames = pathlib.Path(path).read_bytes(), 24, []
    while at < len(data):
        n = struct.unpack_from("<I", data, at + 8)[0]
        frames.append(data[at + 16:at + 16 + n])
        at += 16 + n
    return frames


def received(s):
    return sum(int(line.split()[-1]) for line in s.appctl("dpif-netdev/pmd-stats-show").splitlines() if "packets received:" in line)


def emitted(s, corpus):
    """What leaves each port, as the capture files have it."""
    s.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "fail_mode=secure")
    write_pcap(f"{s.dir}/in.pcap", corpus.frames)

    def add_port(name, number, devargs):
        s.vsctl("add-port", "br0", name, "--", "set", "interface", name, "type=dpdk", f"ofport_request={number}",
                f"options:dpdk-devargs=\"{devargs}\"")
        assert s.vsctl("get", "interface", name, "error").strip() == "[]"
    # The stock switch receives before it knows the port; so nothing comes of the first round. A change of its queue makes the driver begin anew.
    add_port("in", 1, f"net_pcap_in,rx_pcap={s.dir}/in.pcap")
    wait_until(lambda: received(s) >= FRAMES, timeout=TIMEOUT, what="the first round")
    for port in OUT_PORTS:
        add_port(f"out{port}", port, f"net_pcap_out{port},tx_pcap={s.dir}/out{port}.pcap")
    s.ofctl("-O", "OpenFlow13", "add-group", "br0", GROUP_TEXT)
    s.tool("ovs-ofctl", "-O", "OpenFlow13", "--bundle", "add-flows", "br0", "-", stdin="\n".join(corpus.flows) + "\n")
    s.appctl("revalidator/purge")
    s.appctl("dpif-netdev/pmd-stats-clear")
    s.vsctl("set", "interface", "in", "options:n_rxq_desc=1024")
    wait_until(lambda: received(s) >= FRAMES, timeout=TIMEOUT, what="all frames are received")
    assert received(s) == FRAMES
    for port in OUT_PORTS:
        s.vsctl("del-port", f"out{port}")  # closes the file
    return {port: read_pcap(f"{s.dir}/out{port}.pcap") for port in OUT_PORTS}


def by_frame(out):
    """For each frame that went in, what came of it; it has its number at its end."""
    result = [[] for _ in range(FRAMES)]
    for port, frames in out.items():
        for frame in frames:
            result[struct.unpack("!I", frame[-4:])[0]].append((port, frame))
    return [sorted(frames) for frames in result]


def run_switch(tools, corpus, **settings):
    net = Net()
    is_stock = tools.name == "stock"
    s = Switch(tools=tools, netns=net.namespace("sw"), start=False, schema=stock_dpdk.SCHEMA if is_stock else None,
               vswitchd_args=["--disable-system"] if is_stock else [])
    try:
        s.start_server()
        s.vsctl("--no-wait", "init")
        s.vsctl("--no-wait", "set", "open", ".", "external_ids:test=frames", *(f'other_config:{k}="{v}"' for k, v in settings.items()))
        s.start_switch()
        return emitted(s, corpus)
    finally:
        s.close()
        net.close()


@pytest.fixture(scope="module")
def corpus():
    return Corpus(SEED, RULES, FRAMES)


@pytest.fixture(scope="module")
def our_output(corpus):
    return run_switch(ours, corpus)


def differences(corpus, a, b):
    return [f"frame {i} {corpus.frames[i].hex()}:\n  {[(p, f.hex()) for p, f in x]}\n  {[(p, f.hex()) for p, f in y]}"
            for i, (x, y) in enumerate(zip(a, b)) if x != y]


def test_corpus_is_worth_it(corpus):
    expected = corpus.expected()
    assert len(corpus.hit) > RULES / 10, f"only {len(corpus.hit)} rules are hit"
    sent = [out for i, frames in enumerate(expected) for _, out in frames]
    assert len(sent) > FRAMES / 2
    assert sum(out != corpus.frames[i] for i, frames in enumerate(expected) for _, out in frames) > FRAMES / 4


def test_as_the_model_says(corpus, our_output):
    wrong = differences(corpus, by_frame(our_output), corpus.expected())
    assert not wrong, f"{len(wrong)} of {FRAMES} frames, the first:\n" + "\n".join(wrong[:3])


def check_order(corpus, out):
    for port, frames in out.items():
        last = {}
        for frame in frames:
            number = struct.unpack("!I", frame[-4:])[0]
            flow = corpus.flow_of(number)
            assert number >= last.get(flow, 0), f"port {port}: frame {number} left after {last[flow]} of the same flow"
            last[flow] = number


def test_order_within_a_flow(corpus, our_output):
    check_order(corpus, our_output)


def mendable(corpus, result):
    """Where addresses of later fragments change, the stock switch adjusts a checksum that is payload there: those bytes are left out."""
    def mend(before, out):
        before, f = Frame(before), Frame(out)
        if before.later_fragment and f.proto in (TCP, UDP):
            at = f.l4 + (16 if f.proto == TCP else 6)
            f.data[at:at + 2] = bytes(2)
        return bytes(f.data)
    return [[(port, mend(corpus.frames[i], out)) for port, out in frames] for i, frames in enumerate(result)]


def test_as_the_stock_switch_does(corpus, our_output):
    with stock_dpdk.hugepages(2 * HUGEPAGES):
        reason = stock_dpdk.why_not(HUGEPAGES)
        if reason:
            pytest.skip(f"compared with the model alone: {reason}")
        theirs = run_switch(stock_dpdk.stock_dpdk, corpus, **{"dpdk-init": "true", "dpdk-extra": stock_dpdk.EXTRA,
                                                              "dpdk-socket-mem": str(HUGEPAGES)})
    # Theirs need not be in order: what misses is overtaken by what is behind it in the same burst.
    wrong = differences(corpus, mendable(corpus, by_frame(our_output)), mendable(corpus, by_frame(theirs)))
    assert not wrong, f"{len(wrong)} of {FRAMES} frames, the first (ours, theirs):\n" + "\n".join(wrong[:3])

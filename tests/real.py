# SPDX-License-Identifier: Apache-2.0
"""A switch with real ports: pairs of veth devices, whose other ends the test holds with packet sockets, so that it sends and sees raw frames."""
import contextlib
import ctypes
import os
import select
import socket
import struct
import time

import harness
from dummy import Channel

SOL_PACKET, PACKET_AUXDATA, PACKET_ADD_MEMBERSHIP, PACKET_MR_PROMISC, PACKET_IGNORE_OUTGOING = 263, 8, 1, 1, 23
TP_STATUS_VLAN_VALID, TP_STATUS_VLAN_TPID_VALID, CLONE_NEWNET = 1 << 4, 1 << 6, 0x40000000
ETH_P_ALL = 3
LAST_TYPE = 0x88b7  # of frames that say that all before them is through


@contextlib.contextmanager
def inside(namespace):
    """This thread is in the network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/var/run/netns/{namespace}", os.O_RDONLY)
    try:
        assert not libc.setns(there, CLONE_NEWNET), os.strerror(ctypes.get_errno())
        yield
    finally:
        assert not libc.setns(here, CLONE_NEWNET), os.strerror(ctypes.get_errno())
        os.close(here)
        os.close(there)


class Wire:
    """The other end of a port."""

    def __init__(self, namespace, device):
        with inside(namespace):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            self.socket.bind((device, ETH_P_ALL))
            index = socket.if_nametoindex(device)
        self.socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self.socket.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, struct.pack("=iHH8s", index, PACKET_MR_PROMISC, 0, b""))
        self.socket.setblocking(False)

    def send(self, frame):
        self.socket.send(bytes(frame))

    def receive(self):
        """A frame as it was on the wire: the kernel takes the outer tag off and tells it beside. None: there is none."""
        try:
            data, ancillary, _, _ = self.socket.recvmsg(70000, 256)
        except BlockingIOError:
            return None
        for level, kind, value in ancillary:
            if (level, kind) != (SOL_PACKET, PACKET_AUXDATA):
                continue
            status, _, _, _, _, tci, tpid = struct.unpack("=IIIHHHH", value[:20])
            if status & TP_STATUS_VLAN_VALID:
                tpid = tpid if status & TP_STATUS_VLAN_TPID_VALID else 0x8100
                data = data[:12] + struct.pack("!HH", tpid, tci) + data[12:]
        return data

    def close(self):
        self.socket.close()


class RealSwitch(harness.Switch):
    """Bridge br0 with ports p1, p2..., in a namespace of its own; it must forward frames of LAST_TYPE from any port to all others."""

    def __init__(self, net, label="", n_ports=4, bridge=(), **kw):
        super().__init__(netns=net.namespace(f"sw{label}"), **kw)
        self.n_ports, self.serial, self.wires = n_ports, 0, {}
        peers = net.namespace(f"peer{label}")
        args = ["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "fail_mode=secure", *bridge]
        for p in range(1, n_ports + 1):
            net.pair(self.netns, f"p{p}", peers, f"w{p}")
            args += ["--", "add-port", "br0", f"p{p}", "--", "set", "interface", f"p{p}", f"ofport_request={p}"]
        self.vsctl(*args)
        self.wires = {p: Wire(peers, f"w{p}") for p in range(1, n_ports + 1)}
        self.channel = Channel(self.dir)

    def call(self, *argv):
        return self.channel.call(*argv)

    def send(self, port, *frames):
        self.call("revalidator/wait")  # what was changed or learned until now counts
        for frame in frames:
            self.wires[port].send(frame)
        self.port = port

    def _until_last(self, found):
        """Frames that were sent before a last one come out before it, except those that take another turn in the datapath."""
        self.serial += 1
        last = b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02" + struct.pack("!HI", LAST_TYPE, self.serial) + bytes(42)
        self.wires[self.port].send(last)
        missing = set(self.wires) - {self.port}
        end = time.monotonic() + 5
        while missing:
            select.select([self.wires[p].socket for p in missing], [], [], 1)
            for p, wire in self.wires.items():
                while (frame := wire.receive()) is not None:
                    if frame == last:
                        missing.discard(p)
                    else:
                        found.setdefault(p, []).append(frame)
            assert time.monotonic() < end, f"ports {missing} do not see the last frame; {self.output()}"

    def out(self):
        """All that left any port since something was sent: {port: frames}, without ports that sent nothing."""
        found = {}
        self._until_last(found)
        self._until_last(found)
        return found

    def close(self):
        for wire in self.wires.values():
            wire.close()
        super().close()

# SPDX-License-Identifier: Apache-2.0
"""A switch whose ports are dummies: frames go in by command and come out in capture files, without threads, devices or waiting."""
import json
import os
import socket
import struct

import harness


class Channel:
    """The command channel of a daemon, without a process per command."""

    def __init__(self, directory):
        with open(f"{directory}/ovs-vswitchd.pid") as f:
            pid = f.read().strip()
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(f"{directory}/ovs-vswitchd.{pid}.ctl")

    def request(self, *argv):
        """(worked, text)"""
        self.socket.sendall(json.dumps({"id": 0, "method": argv[0], "params": [str(a) for a in argv[1:]]}).encode())
        data = b""
        while True:
            more = self.socket.recv(1 << 20)
            assert more, f"the daemon is gone, after {argv}"
            data += more
            try:
                reply = json.loads(data)
            except ValueError:
                continue
            return reply["error"] is None, reply["result"] if reply["error"] is None else reply["error"]

    def call(self, *argv):
        ok, text = self.request(*argv)
        assert ok, f"{argv}: {text}"
        return text


class DummySwitch(harness.Switch):
    """Bridge br0 with ports p1, p2...; their numbers are theirs in the datapath, too."""

    def __init__(self, n_ports=4, bridge=(), **kw):
        super().__init__(vswitchd_args=["--enable-dummy"], **kw)
        self.n_ports = n_ports
        args = ["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail_mode=secure", *bridge]
        for p in range(1, n_ports + 1):
            args += ["--", "add-port", "br0", f"p{p}", "--", "set", "interface", f"p{p}", "type=dummy", f"ofport_request={p}",
                     f"options:tx_pcap={self.pcap(p)}"]
        self.vsctl(*args)
        self.channel = Channel(self.dir)
        self.read = {p: 24 for p in range(1, n_ports + 1)}

    def pcap(self, port):
        return f"{self.dir}/p{port}.pcap"

    def call(self, *argv):
        return self.channel.call(*argv)

    def send(self, port, *frames):
        self.call("revalidator/wait")  # what was changed or learned until now counts
        for frame in frames:
            self.call("netdev-dummy/receive", f"p{port}", bytes(frame).hex())

    def sent(self, port):
        """Frames that left the port since it was asked last."""
        frames = []
        if not os.path.exists(self.pcap(port)):
            return frames
        with open(self.pcap(port), "rb") as f:
            data = f.read()
        at = self.read[port]
        while at + 16 <= len(data):
            n = struct.unpack_from("<I", data, at + 8)[0]
            frames.append(data[at + 16:at + 16 + n])
            at += 16 + n
        self.read[port] = at
        return frames

    def out(self):
        """All that left any port since it was asked last: {port: frames}, without ports that sent nothing."""
        self.call("version")  # what was received before is through then
        found = {p: self.sent(p) for p in range(1, self.n_ports + 1)}
        return {p: frames for p, frames in found.items() if frames}

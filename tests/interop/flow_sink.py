# SPDX-License-Identifier: Apache-2.0
"""A switch that only listens: it answers what ovs-ofctl must have answered, and keeps the flow mods and packet outs that it was sent.
Use it with --no-names: it has no ports and no tables."""
import os
import socket
import struct
import threading

# What is not known here is answered with "bad request, bad type".
HELLO, ERROR, ECHO_REQUEST, FEATURES_REQUEST, EXPERIMENTER = 0, 1, 2, 5, 4
KEPT = {1: (13, 14), 2: (13, 14, 15), 3: (13, 14, 15), 4: (13, 14, 15), 5: (13, 14, 15), 6: (13, 14, 15)}
BUNDLE_CONTROL, BUNDLE_ADD, ONF_BUNDLE_CONTROL = 33, 34, bytes.fromhex("4f4e4600000008fc")
BARRIER_REQUEST = {1: 18, 2: 20, 3: 20, 4: 20, 5: 20, 6: 20}


class FlowSink:
    def __init__(self, path, keep_all=False):
        self.path = str(path)
        self.keep_all = keep_all  # also what is answered with an error
        self.messages = []
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(8)
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            try:
                self.serve(connection)
            except OSError:
                pass
            connection.close()

    def serve(self, connection):
        data, version = b"", None
        while True:
            got = connection.recv(1 << 20)
            if not got:
                return
            data += got
            out = b""
            while len(data) >= 8:
                offered, kind, length, xid = struct.unpack(">BBHI", data[:8])
                if len(data) < length:
                    break
                message, data = data[:length], data[length:]
                if kind == HELLO:
                    version = offered
                    out += struct.pack(">BBHI", version, HELLO, 8, xid)
                elif kind == ECHO_REQUEST:
                    out += struct.pack(">BBHI", version, 3, length, xid) + message[8:]
                elif kind == BARRIER_REQUEST[version]:
                    out += struct.pack(">BBHI", version, kind + 1, 8, xid)
                elif kind == FEATURES_REQUEST:
                    out += struct.pack(">BBHI", version, 6, 32, xid) + struct.pack(">QIBB2xII", 1, 0, 254, 0, 0, 0)
                elif kind in KEPT[version] or (kind == EXPERIMENTER and length > 24) or kind == BUNDLE_ADD and version >= 5:
                    self.messages.append(message)
                elif kind == BUNDLE_CONTROL and version >= 5:  # the reply's type follows the request's
                    self.messages.append(message)
                    out += message[:12] + struct.pack(">HH", struct.unpack(">H", message[12:14])[0] + 1, 0)
                elif kind == EXPERIMENTER and message[8:16] == ONF_BUNDLE_CONTROL:
                    self.messages.append(message)
                    out += message[:20] + struct.pack(">HH", struct.unpack(">H", message[20:22])[0] + 1, 0)
                elif kind != EXPERIMENTER:  # the choice of a flow format
                    if self.keep_all:
                        self.messages.append(message)
                    out += struct.pack(">BBHIHH", version, ERROR, 12 + min(length, 64), xid, 1, 1) + message[:64]
            if out:
                connection.sendall(out)

    def take(self):
        messages, self.messages = self.messages, []
        return messages

    def close(self):
        self.listener.close()
        if os.path.exists(self.path):
            os.unlink(self.path)

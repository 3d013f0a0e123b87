# SPDX-License-Identifier: Apache-2.0
"""What is not the protocol, sent to the sockets of both daemons: answered or cut off, and everybody else is served as before."""
import json
import random
import socket
import struct

import pytest


def connect(path):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(5)
    s.connect(path)
    return s


def send(s, data):
    """Sends and reads until the other side is silent for half a second or closes. Returns what came, and whether it closed."""
    got = b""
    try:
        s.sendall(data)
        s.settimeout(0.5)
        while part := s.recv(65536):
            got += part
    except socket.timeout:
        return got, False
    except OSError:
        pass
    return got, True


def unharmed(switch):
    assert switch.server.poll() is None and switch.switch.poll() is None, switch.output()
    assert switch.vsctl("list-br") == "br0\n"
    assert "priority=0 actions=NORMAL" in switch.ofctl("dump-flows", "br0")
    assert "br0" in switch.appctl("ofproto/list")


@pytest.mark.parametrize("seed", range(3))
def test_noise(switch, seed):
    r = random.Random(seed)
    sockets = ["db.sock", "br0.mgmt", f"ovs-vswitchd.{switch.switch.pid}.ctl", f"ovsdb-server.{switch.server.pid}.ctl"]
    for name in sockets:
        for size in (1, 7, 8, 100, 5000):
            with connect(f"{switch.dir}/{name}") as s:
                try:
                    s.sendall(r.randbytes(size))
                except OSError:
                    pass  # closed already: an answer, too
    unharmed(switch)


@pytest.mark.parametrize("data", [b"}", b"[1]", b"null", b'"text"', b'{"method":1,"params":[],"id":1}', b'{"method":"echo","id":1}',
                                  b'{"method":"echo","params":{},"id":1}', b"{}", b"\xff\xfe", b'{"a":tru}', b"[" * 3000])
def test_json_that_is_no_rpc_ends_the_session(switch, data):
    for name in ("db.sock", f"ovs-vswitchd.{switch.switch.pid}.ctl"):
        with connect(f"{switch.dir}/{name}") as s:
            assert send(s, data)[1], (name, data)
    unharmed(switch)


@pytest.mark.parametrize("method,params", [
    ("nosuch", []), ("get_schema", []), ("get_schema", [7]), ("get_schema", ["nosuch"]), ("transact", []), ("transact", [1]),
    ("transact", ["nosuch", {}]), ("monitor", []), ("monitor", ["Open_vSwitch", None, {"Nosuch": {}}]),
    ("monitor", ["Open_vSwitch", None, 5]), ("monitor_cancel", ["nosuch"]), ("lock", [5])])
def test_bad_request_is_answered_and_the_session_goes_on(switch, method, params):
    with connect(f"{switch.dir}/db.sock") as s:
        for n, (m, p) in enumerate([(method, params), ("echo", ["still", "here"])]):
            got, closed = send(s, json.dumps({"method": m, "params": p, "id": n}).encode())
            reply = json.loads(got)
            assert not closed and reply["id"] == n
            assert (reply["error"] is not None) if n == 0 else (reply["result"] == ["still", "here"]), reply
    unharmed(switch)


def test_half_a_request_waits(switch):
    with connect(f"{switch.dir}/db.sock") as s:
        assert send(s, b'{"method":"ec') == (b"", False)
        assert json.loads(send(s, b'ho","params":[],"id":3}')[0]) == {"error": None, "id": 3, "result": []}
    with connect(f"{switch.dir}/db.sock") as s:
        s.sendall(b'{"method":"echo","params":["')  # and goes away
    unharmed(switch)


HELLO = struct.pack("!BBHIHHI", 4, 0, 16, 1, 1, 8, 1 << 1 | 1 << 4)


def openflow(kind, body=b"", version=4, length=None, xid=9):
    return struct.pack("!BBHI", version, kind, len(body) + 8 if length is None else length, xid) + body


def replies(data):
    out = []
    while len(data) >= 8:
        version, kind, length, xid = struct.unpack("!BBHI", data[:8])
        out.append((version, kind, xid, data[8:length]))
        data = data[length:]
    return out


@pytest.mark.parametrize("message,error", [
    (openflow(99), (1, 1)),                                     # no such type
    (openflow(18, struct.pack("!HHI", 999, 0, 0)), (1, 2)),     # no such statistics
    (openflow(5, b"\0" * 3), (1, 6)),                           # features request with a tail
    (openflow(14, b"\0" * 5), (1, 6)),                          # flow mod cut short
    (openflow(14, b"\xff" * 48), None),
    (openflow(13, b"\xff" * 40), None),
    (openflow(2, b"x" * 65000), "echo"),
])
def test_bad_openflow_message_is_answered_and_the_session_goes_on(switch, message, error):
    with connect(f"{switch.dir}/br0.mgmt") as s:
        got, closed = send(s, HELLO + message)
        answers = [m for m in replies(got) if m[1] != 0]
        assert not closed and len(answers) == 1 and answers[0][2] == 9, answers
        if error == "echo":
            assert answers[0][1] == 3 and answers[0][3] == b"x" * 65000
        else:
            assert answers[0][1] == 1, answers
            if error:
                assert struct.unpack("!HH", answers[0][3][:4]) == error
        got, closed = send(s, openflow(20, xid=10))
        assert [m[1:3] for m in replies(got)] == [(21, 10)] and not closed
    unharmed(switch)


@pytest.mark.parametrize("message", [openflow(2, length=7), openflow(2, length=0)])
def test_impossible_openflow_length_ends_the_session(switch, message):
    with connect(f"{switch.dir}/br0.mgmt") as s:
        assert send(s, HELLO + message)[1]
    unharmed(switch)


def test_hello_without_a_common_version(switch):
    with connect(f"{switch.dir}/br0.mgmt") as s:
        got, closed = send(s, struct.pack("!BBHIHHI", 9, 0, 16, 1, 1, 8, 1 << 9))
        errors = [m for m in replies(got) if m[1] == 1]
        assert closed and errors and struct.unpack("!HH", errors[0][3][:4]) == (0, 0), got
    unharmed(switch)


def test_openflow_message_in_pieces(switch):
    with connect(f"{switch.dir}/br0.mgmt") as s:
        for byte in HELLO + openflow(2, b"abc"):
            s.sendall(bytes([byte]))
        got, closed = send(s, b"")
        assert (4, 3, 9, b"abc") in replies(got) and not closed
    unharmed(switch)

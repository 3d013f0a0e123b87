# SPDX-License-Identifier: Apache-2.0
"""`ovs-ofctl snoop`: what goes between a switch and its controller, of both switches and with both programs."""
import contextlib
import re
import signal
import socket
import subprocess

import pytest

import harness
from harness import ours, stock, wait_until

HELLO, ECHO, FEATURES, WRONG = (bytes.fromhex(h) for h in ("0100000800000001", "0102000800000005", "0105000800000006", "01ff000800000007"))
LAST = "OFPT_ERROR (xid=0x7): OFPBRC_BAD_TYPE"


@contextlib.contextmanager
def switch(net, tools, name):
    """With a controller that has said hello, as a socket."""
    s = harness.Switch(tools=tools, netns=net.namespace(name))
    listener = socket.socket(socket.AF_UNIX)
    try:
        s.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "protocols=OpenFlow10")
        listener.bind(f"{s.dir}/ctl")
        listener.listen(5)
        s.vsctl("set-controller", "br0", f"unix:{s.dir}/ctl")
        peer = accept(listener)
        yield s, peer, listener
        peer.close()
    finally:
        listener.close()
        s.close()


def accept(listener):
    listener.settimeout(10)
    peer, _ = listener.accept()
    peer.settimeout(10)
    peer.recv(100)
    peer.sendall(HELLO)
    return peer


class Snooper:
    def __init__(self, s, tools, path):
        self.path = path
        self.out = open(path, "w")
        self.process = subprocess.Popen([tools("ovs-ofctl"), "snoop", "br0"], env=s.env, stdout=self.out, stderr=self.out)

    def text(self):
        return self.path.read_text()

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)
        self.out.close()


def watch(net, switch_tools, tools, path):
    with switch(net, switch_tools, f"{switch_tools.name[0]}{tools.name[0]}") as (s, peer, _):
        snooper = Snooper(s, tools, path)
        try:
            def hears():
                peer.sendall(ECHO)
                return "ECHO_REPLY" in snooper.text()
            wait_until(hears, what="the first message seen")
            peer.sendall(FEATURES + WRONG)
            wait_until(lambda: LAST in snooper.text() and snooper.text().count("01 ff") == 2, what="the last message seen")
        finally:
            snooper.end()
        text = re.sub(r"^\d{4}-\d\d-.*\n", "", snooper.text(), flags=re.M)
        text = text[text.index("OFPT_FEATURES_REQUEST"):]
        return re.sub(r"dpid:[0-9a-f]+|addr:[0-9a-f:]+", "X", text)


def test_the_same_is_seen(net, tmp_path):
    seen = [watch(net, side, tools, tmp_path / f"{side.name}{tools.name}") for side in (stock, ours) for tools in (stock, ours)]
    assert len(set(seen)) == 1, "\n----\n".join(seen)


def test_snoopers_come_and_go(net, tmp_path):
    with switch(net, ours, "o") as (s, peer, listener):
        two = [Snooper(s, ours, tmp_path / name) for name in ("a", "b")]
        try:
            def all_hear():
                peer.sendall(ECHO)
                return all("ECHO_REPLY" in t.text() for t in two)
            wait_until(all_hear, what="both see it")
            two[0].end()
            # The connection may be lost and made again.
            peer.close()
            again = accept(listener)
            before = two[1].text().count("ECHO_REPLY")

            def hears_again():
                again.sendall(ECHO)
                return two[1].text().count("ECHO_REPLY") > before
            wait_until(hears_again, what="the new connection seen")
            # Without its controller it has nothing to watch, and ends.
            s.vsctl("del-controller", "br0")
            wait_until(lambda: two[1].process.poll() is not None, what="the end")
            again.close()
            late = Snooper(s, ours, tmp_path / "late")
            wait_until(lambda: late.process.poll() is not None, what="nobody to watch")
            late.end()
        finally:
            for t in two:
                t.end()
        assert "br0" in s.vsctl("list-br")

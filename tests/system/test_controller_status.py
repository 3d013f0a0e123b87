# SPDX-License-Identifier: Apache-2.0
"""`ovs-ofctl monitor` shows what a switch tells of its controllers, once it has been told to want it."""
import os
import struct
import subprocess

from harness import wait_until

AWAY = "tcp:127.0.0.1:6633"  # nobody listens there
SET_ASYNC, CONT_STATUS_SLAVE, CONT_STATUS_MASTER, MULTIPART = 28, 14, 15, 18
WANT_ALL = b"".join(struct.pack("!HHI", kind, 8, 0x7E) for kind in (CONT_STATUS_SLAVE, CONT_STATUS_MASTER))


def message(kind, body):
    return struct.pack("!BBHI", 6, kind, 8 + len(body), 0x77) + body


def test_monitor(switch):
    switch.vsctl("set", "bridge", "br0", "protocols=OpenFlow15")
    out, ctl = f"{switch.dir}/monitor.out", f"{switch.dir}/monitor.ctl"
    with open(out, "w") as f:
        monitor = subprocess.Popen([switch.tools("ovs-ofctl"), "-O", "OpenFlow15", "monitor", "br0", "65534", f"--unixctl={ctl}"],
                                   stdout=f, stderr=f, env=switch.env)

    def shown():
        with open(out) as f:
            return f.read()

    def send(*messages):
        switch.tool("ovs-appctl", "-t", ctl, "ofctl/send", *(m.hex() for m in messages))
    try:
        wait_until(lambda: os.path.exists(ctl), what="the monitor's control socket")
        send(message(SET_ASYNC, WANT_ALL), message(MULTIPART, struct.pack("!HHI", 18, 0, 0)))
        wait_until(lambda: "OFPST_CONTROLLER_STATUS reply (OF1.5) (xid=0x77):\n" in shown(), what="the reply, without controllers")
        switch.vsctl("set-controller", "br0", AWAY)
        wait_until(lambda: f"OFPT_CONTROLLER_STATUS (OF1.5) (xid=0x0): uri={AWAY} role=equal reason=controller_added channel=down\n" in shown(), what="added")
        send(message(MULTIPART, struct.pack("!HHI", 18, 0, 0)))
        wait_until(lambda: f"reply (OF1.5) (xid=0x77):\n uri={AWAY} role=equal reason=request channel=down\n" in shown(), what="the reply")
        switch.vsctl("del-controller", "br0")
        wait_until(lambda: f"uri={AWAY} role=equal reason=controller_removed channel=down\n" in shown(), what="removed")
    finally:
        monitor.terminate()
        monitor.wait(10)

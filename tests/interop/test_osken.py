# SPDX-License-Identifier: Apache-2.0
"""A controller that is not ours: os-ken's learning switch makes the forwarding decisions, in every version of OpenFlow."""
import os
import re
import shutil
import subprocess

import pytest

import harness
from harness import wait_until

APP = harness.ROOT / "tests/interop/osken_switch.py"


@pytest.mark.skipif(not shutil.which("osken-manager", path="/usr/bin"), reason="needs os-ken")
@pytest.mark.parametrize("version", ["1.0", "1.3", "1.4", "1.5"])
def test_learning_switch(hosts, switch, version, tmp_path):
    a, b = hosts
    out = tmp_path / "controller"
    with open(out, "w") as f:
        controller = subprocess.Popen(
            ["ip", "netns", "exec", switch.netns, "/usr/bin/python3", "/usr/bin/osken-manager", "--ofp-tcp-listen-port", "6633",
             "--ofp-listen-host", "127.0.0.1", str(APP)], stdout=f, stderr=f, env=dict(os.environ, OFP_VERSION=version))
    try:
        switch.vsctl("set", "bridge", "br0", f"protocols=OpenFlow{version.replace('.', '')}", "fail_mode=secure")
        switch.vsctl("set-controller", "br0", "tcp:127.0.0.1:6633")
        wait_until(lambda: "CONNECTED" in out.read_text(), timeout=20, what="the switch connects")
        wait_until(lambda: switch.vsctl("get", "controller", "br0", "is_connected") == "true\n", what="is_connected")
        wait_until(lambda: a.ping(b.address), timeout=15, what="ping through the controller")
        of = ["-O", f"OpenFlow{version.replace('.', '')}"]
        flows = switch.ofctl(*of, "dump-flows", "br0")
        assert re.search(r"priority=10,in_port=\S+,dl_src=00:00:00:00:01:00,dl_dst=00:00:00:00:01:01 actions=output:\S+", flows), flows
        assert a.ping(b.address, count=5)
        switch.ofctl(*of, "del-flows", "br0", "dl_src=00:00:00:00:01:00")
        wait_until(lambda: re.search(r"REMOVED priority 10 reason 2", out.read_text()), what="flow removed message")
        assert "ERROR" not in out.read_text(), out.read_text()
    finally:
        controller.terminate()
        controller.wait(10)

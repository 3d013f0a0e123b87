# SPDX-License-Identifier: Apache-2.0
"""ovs-ofctl alone: the processor time that it takes with 100,000 flows of several kinds, whatever the switch does meanwhile."""
import os
import random
import subprocess

from .sides import Side, ours, stock
from .workload import Workload


def mixed_flows(path, n=100_000, changed=False):
    """Flows in which each third has another match and other actions; `changed`: one in ten is not what it was."""
    r = random.Random(2)
    with open(path, "w") as f:
        for i in range(n):
            port = r.randrange(1, 99) + (100 if changed and i % 10 == 0 else 0)
            f.write([f"priority={i % 65536},tcp,in_port={r.randrange(1, 99)},nw_src=10.{r.randrange(256)}.0.1,nw_dst=10.{r.randrange(256)}.0.0/16,"
                     f"tp_dst={r.randrange(65536)},actions=mod_dl_dst:00:00:00:00:00:{i % 90 + 10},output:{port}",
                     f"table={i % 250},reg0={r.randrange(65536):#x}/0xffff,metadata={r.getrandbits(30):#x},dl_vlan={r.randrange(4096)},"
                     f"actions=load:{r.getrandbits(30):#x}->NXM_NX_REG1[],resubmit(,{r.randrange(250)}),output:{port}",
                     f"ipv6,ipv6_src=2001:db8::{i % 65536:x}/64,nw_ttl={i % 256},actions=set_field:00:11:22:33:44:55->eth_dst,dec_ttl,"
                     f"move:NXM_NX_REG0[]->NXM_NX_REG2[],output:{port}"][i % 3] + "\n")


class Client(Workload):
    """`argv` of ovs-ofctl; FLOWS and CHANGED are files. With a bridge in it there is a switch, which has FLOWS when `filled`."""

    def __init__(self, name, argv, filled=True, may_differ=False):
        super().__init__(name, "s")
        self.argv, self.filled, self.ok = argv.split(), filled, (0, 2) if may_differ else (0,)

    def sides(self, stack):
        return [ours, stock]

    def measure(self, tools):
        with Side(tools, datapath="dummy") as side:
            files = {"FLOWS": f"{side.switch.dir}/flows", "CHANGED": f"{side.switch.dir}/changed"}
            mixed_flows(files["FLOWS"])
            mixed_flows(files["CHANGED"], changed=True)
            if "br0" in self.argv and self.filled:
                side.switch.ofctl("add-flows", "br0", files["FLOWS"], timeout=300)
            argv = [str(tools("ovs-ofctl"))] + [files.get(word, word) for word in self.argv]
            # What it prints is read by nobody, whose time would be measured too.
            program = subprocess.Popen(argv, env={**os.environ, **side.switch.env}, stdout=subprocess.DEVNULL)
            _, status, used = os.wait4(program.pid, 0)
            program.returncode = os.waitstatus_to_exitcode(status)
            assert program.returncode in self.ok, argv
            return used.ru_utime + used.ru_stime


WORKLOADS = [
    Client("ofctl-parse-flows", "parse-flows FLOWS"),
    Client("ofctl-parse-flows-13", "-O OpenFlow13 parse-flows FLOWS"),
    Client("ofctl-add-flows", "add-flows br0 FLOWS", filled=False),
    Client("ofctl-dump-flows", "dump-flows br0"),
    Client("ofctl-dump-flows-sort", "--sort dump-flows br0"),
    Client("ofctl-diff-flows", "diff-flows br0 CHANGED", may_differ=True),
    Client("ofctl-diff-files", "diff-flows FLOWS CHANGED", may_differ=True),
    Client("ofctl-replace-flows", "-O OpenFlow13 replace-flows br0 CHANGED"),
]

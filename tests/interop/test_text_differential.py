# SPDX-License-Identifier: Apache-2.0
"""Generated flows, groups and meters as text, whole ones and ones with something wrong in them, through both `ovs-ofctl`: what is printed
where, and the exit status, must be the same.

TEXT_CASES sets how many (the programs are started twice for each), TEXT_SEED where they begin."""
import os
import random
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

import harness
from openflow_generator import HASH, PORTS, Generator

CASES = int(os.environ.get("TEXT_CASES", "1500"))
SEED = int(os.environ.get("TEXT_SEED", "1"))
VERSIONS = ["OpenFlow10", "OpenFlow11", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15"]
NUMBERS = ["", "-1", "0", "0x", "1x", "x", "00", "07", "08", "255", "256", "65535", "65536", "4294967295", "4294967296", "99999999999999999999", "0xffffffffffffffff",
           "0x10000000000000000", "1.2.3.4", "1.2.3", "::1", "a:b", "1/2", "1/", "/1", "0x5/0x", "ff:ff:ff:ff:ff:ff", "1 2", "any", "none", "[0]", "[5..3]", "[0..99]"]
WORDS = ["tcp", "udp6", "ip", "ipv6", "arp", "nw_src", "tp_dst", "actions", "reg0", "metadata", "table", "priority", "in_port", "drop", "output", "ct", "nat", "learn", "load",
         "set_field", "move", "resubmit", "bucket", "weight", "group_id", "type", "all", "nonsense", "bands", "rate", "meter", "cookie", "note", "goto_table", "LOCAL", "zone"]


class Texts(Generator):
    def group(self):
        r = self.r
        words = ["group_id=%d" % r.choice([0, 1, 5, 4294967039, 4294967040, 4294967295]), "type=" + r.choice(["all", "select", "indirect", "ff", "fast_failover"])]
        if r.random() < 0.2:
            words += ["selection_method=" + r.choice(["hash", "dp_hash", "other"])]
            words += r.choice([[], ["selection_method_param=%d" % r.getrandbits(32)]])
            words += r.choice([[], ["fields=" + r.choice(["ip_src", "eth_dst", "tcp_src", "reg0"])], ["fields(ip_src,ip_dst=255.255.255.0,nw_proto)"]])
        if r.random() < 0.1:
            words += ["command_bucket_id=" + r.choice(["all", "first", "last", "5"])]
        for _ in range(r.choice([0, 1, 1, 2, 3])):
            bucket = [w for w in ("bucket_id=%d" % r.randrange(4), "bucket_id:%d" % r.randrange(9), "weight=%d" % r.randrange(300), "weight:5", "watch_port=" + r.choice(PORTS),
                                  "watch_group:%d" % r.randrange(4)) if r.random() < 0.2]
            words.append("bucket=" + ",".join(bucket + [r.choice(["", "actions="]) + self.actions(r.choice(["", "ip", "tcp"]), 1)]))
        r.shuffle(words) if r.random() < 0.1 else None
        return ",".join(words)

    def meter(self):
        r = self.r
        words = ["meter=" + r.choice(["1", "5", "controller", "slowpath", "all", "65536"])] + [w for w in ("kbps", "pktps", "burst", "stats") if r.random() < 0.4]
        words.append(r.choice(["band=", "bands="]) + ",".join(
            ",".join(["type=" + r.choice(["drop", "drop", "dscp_remark"]), "rate=%d" % r.randrange(1 << 20)] + r.choice([[], ["burst_size=%d" % r.randrange(1000)], ["prec_level=1"]]))
            for _ in range(r.choice([0, 1, 1, 2]))))
        return ",".join(words)

    def broken(self, text):
        """Nearly the text."""
        r = self.r
        for _ in range(r.choice([1, 1, 1, 2])):
            at = r.randrange(len(text) + 1)
            what = r.randrange(7)
            numbers = list(re.finditer(r"(?<=[=:,(/])[0-9a-fx.:]+", text))
            words = list(re.finditer(r"[a-z_]{2,}[0-9]*", text))
            if what == 0 and text:
                text = text[:at] + text[at + 1:]
            elif what == 1:
                text = text[:at] + r.choice(list(",,()==->[]/:. +|!x0")) + text[at:]
            elif what == 2 and numbers:
                m = r.choice(numbers)
                text = text[:m.start()] + r.choice(NUMBERS) + text[m.end():]
            elif what == 3 and words:
                m = r.choice(words)
                text = text[:m.start()] + r.choice(WORDS) + text[m.end():]
            elif what == 4 and words:
                m = r.choice(words)
                text = text[:m.start()] + m.group(0)[:-1] + text[m.end():]
            elif what == 5 and "," in text:
                parts = text.split(",")
                i = r.randrange(len(parts))
                parts[i:i + 1] = r.choice([[], [parts[i], parts[i]], [r.choice(parts)]])
                text = ",".join(parts)
            elif what == 6:
                text = text[:at]
        return text


PROTOCOLS = {"OpenFlow10-table_id", "OpenFlow10+table_id", "NXM-table_id", "NXM+table_id", "OpenFlow11"} | {f"OXM-OpenFlow1{i}" for i in range(2, 6)}
LOG = re.compile(r"^\d{4}-\d\d-\d\dT[^|]*\|\d+\|.*\n([0-9a-f]{8}  .*\n)*", re.M)


def call(tool, argv, where):
    p = subprocess.run([tool, *argv], capture_output=True, timeout=60, cwd=where, env={**os.environ, "OVS_RUNDIR": str(where)})
    err = LOG.sub("", p.stderr.decode("latin1")).replace(str(tool), "ovs-ofctl")
    return p.returncode, re.sub(r" ?\(xid=0x[0-9a-f]+\)", "", p.stdout.decode("latin1")), err


def usable(out):
    """The protocols of "usable protocols: ..."."""
    m = re.match(r"usable protocols: (.*)\n", out)
    groups = {"any": PROTOCOLS, "none": set(), "NXM": {p for p in PROTOCOLS if "NXM" in p}, "OXM": {p for p in PROTOCOLS if "OXM" in p},
              "OpenFlow10": {p for p in PROTOCOLS if "OpenFlow10" in p}}
    return set().union(*(groups.get(p, {p}) for p in m.group(1).split(","))) if m else None


def deliberate(text, stock, ours):
    """Whether docs/differences.md says that these differ."""
    # Protocols that stock forgets: those of what stands before clone(), write_actions() or exec(), of the buckets before; ECN.
    forgets = re.search(r"clone\(|write_actions\(|exec\(|bucket=.*bucket=|(nw|ip)_ecn", text)
    fewer = usable(stock[1]) and usable(ours[1]) and usable(ours[1]) < usable(stock[1])
    if forgets and (fewer or re.search(r"no usable protocol|OFPBAC_MATCH_INCONSISTENT", ours[2])) and (stock[0] == 0 or "no usable protocol" in stock[2]):
        return True
    # Buckets without an id next to ones with one; check_pkt_larger() in a bucket; "invalid (null)"; an assertion that fails.
    if re.search(r"bucket_id[=:]", text) and stock[0] == 0 and "decode error: OFPGMFC_BAD_BUCKET" in stock[1]:
        return True
    if "check_pkt_larger" in text and "bucket=" in text and stock[2] == "ovs-ofctl: unexpected input following field syntax\n":
        return True
    if re.search(r"nat\((src|dst)[^)]*,(random|hash|persistent)", text) and re.sub(r"(nat\((?:src|dst)),[a-z,]*\)", r"\1)", ours[1]) == stock[1]:
        return True
    if stock[0] < 0 or "(null)" in stock[2]:
        return True
    # A number that goes on as something else, or is too large: stock takes what it can.
    if ours[0] and re.search(r": cannot parse integer value$|^ovs-ofctl: Invalid NSH TLV header: |^ovs-ofctl: invalid nat range \"", ours[2]):
        return True
    if ours[0] and re.search(r": invalid Ethernet address$|: invalid mac address", ours[2]):
        return True
    if ours[0] and "learn(" in text and re.search(r"invalid (priority|\w+_timeout) \"|invalid numeric format|missing required numeric argument", ours[2]):
        return True
    # Bits of a value that its mask leaves out: stock sends what it does not read, or forgets the mask before OpenFlow 1.2.
    if re.search(r"set_field:[^,]*/[^,]*->", text) and stock[0] == 0 and ours[0] == 0:
        return "load:" in ours[1] or "00000000  " in stock[1] + stock[2] or "decode error" in stock[1]
    return False


def differences(commands, where):
    tools = harness.stock("ovs-ofctl"), harness.ours("ovs-ofctl")
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda c: (c, *(call(tool, c, where) for tool in tools)), commands))
    return [(c, a, b) for c, a, b in results if a != b and not deliberate(c[-1], a, b)]


def commands(kind, n, seed):
    t = Texts(seed)
    for _ in range(n):
        version = t.r.choice(VERSIONS)
        break_it = t.r.random() < 0.6
        if kind == "flow":
            text = t.any_flow()
            verb = ["parse-flow"]
        elif kind == "group":
            text = t.group()
            verb = ["parse-group"]
        else:
            text = t.meter()
            version = t.r.choice(VERSIONS[3:])
            verb = [t.r.choice(["add-meter", "mod-meter", "del-meter"]), "unix:nobody"]
        text = t.broken(text) if break_it else text
        if "\0" not in text and len(text) < 60000:
            yield ["-O", version, *verb, text]


@pytest.mark.parametrize("kind,share", [("flow", 0.6), ("group", 0.25), ("meter", 0.15)])
def test_texts(kind, share, tmp_path):
    all_commands = list(commands(kind, int(CASES * share), SEED * 10))
    found = differences(all_commands, tmp_path)
    shown = "".join(f"\n{c}\n  stock {a}\n  ours  {b}" for c, a, b in found[:8])
    assert not found, f"{len(found)} of {len(all_commands)} differ{shown}"

# SPDX-License-Identifier: Apache-2.0
"""Random flows, groups and meters as text, and what is nearly one."""
import re

from openflow_generator import PORTS, Generator

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

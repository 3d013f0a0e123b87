# SPDX-License-Identifier: Apache-2.0
"""Random arguments, files and input of the commands of ovs-ofctl that read texts, whole ones and ones with something wrong in them."""
from text_generator import Texts

KEYS = ["idle_timeout", "hard_timeout", "importance", "priority", "table", "cookie", "out_port", "out_group", "send_flow_rem", "check_overlap", "reset_counts", "no_packet_counts",
        "no_byte_counts", "duration", "n_packets", "n_bytes", "idle_age", "hard_age"]
FLOW_COMMANDS = [["add-flow"], ["mod-flows"], ["--strict", "mod-flows"], ["del-flows"], ["--strict", "del-flows"], ["dump-flows"], ["dump-aggregate"], ["--bundle", "add-flow"]]
HEADERS = ["NXM_OF_IN_PORT(0001)", "NXM_OF_ETH_DST(0123456789ab)", "NXM_OF_ETH_DST_W(010203040506/ffffffffff00)", "NXM_OF_ETH_TYPE(0800)", "NXM_OF_VLAN_TCI_W(1000/1000)",
           "NXM_OF_IP_PROTO(06)", "NXM_OF_IP_SRC_W(c0a80000/ffff0000)", "NXM_OF_TCP_SRC(1234)", "NXM_OF_UDP_DST(0035)", "NXM_NX_REG0(12345678)", "NXM_NX_REG1_W(12345678/ff00ff00)",
           "NXM_NX_TUN_ID(0000000000000001)", "NXM_NX_CT_STATE_W(00000020/00000020)", "NXM_NX_IPV6_SRC(20010db83c4d00010002000300040005)", "OXM_OF_METADATA(0000000000000005)",
           "OXM_OF_IPV4_SRC(0a000001)", "OXM_OF_VLAN_VID(1005)", "OXM_OF_ETH_TYPE(86dd)", "NXM_NX_ICMPV6_TYPE(87)", "NXM_NX_ND_TARGET(20010db83c4d00010002000300040005)",
           "NXM_OF_ARP_OP(0001)", "NXM_NX_IP_FRAG_W(01/03)", "NXM_NX_COOKIE(0000000000000001)", "OXM_OF_TCP_FLAGS(0fff)", "OXM_OF_IN_PORT(00000001)", "0x00000002(0001)", "NXM_OF_FOO(00)",
           "NXOXM_NSH_TTL(3f)", "<any>", "00010004(12345678)", "!OXM_OF_ETH_TYPE"]


class Commands(Texts):
    def white(self, text):
        """Blanks of all kinds where there may be some."""
        r = self.r
        if r.random() < 0.8:
            return text
        return "".join(c + r.choice([" ", "\t", " \t ", ",", "\r"]) if c == "," and r.random() < 0.3 else r.choice([" ", "\t"]) + c if c == "," and r.random() < 0.1 else c for c in text)

    def odd_bytes(self, text):
        r = self.r
        at = r.randrange(len(text) + 1)
        return text[:at] + r.choice(["\xff", "\xc3\xa9", "\x01", "\x7f", "\u00b5", "\\", '"', "'", "#", "%s", "$"]) + text[at:] if r.random() < 0.03 else text

    def options(self, command="add-flow"):
        """What a flow has besides match and actions."""
        r = self.r
        out = []
        for key in KEYS:
            if r.random() > 0.12:
                continue
            value = {"table": r.choice(["0", "5", "254", "255", "256", "0x5", "x", "-1"]), "out_port": r.choice(["1", "LOCAL", "any", "none", "65536", "x", "controller"]),
                     "out_group": r.choice(["1", "any", "all", "x", "4294967295"]), "duration": r.choice(["5.5s", "1s", ""]),
                     "cookie": r.choice(["5", "0x5/0xff", "5/-1", "0x5/0", "-1/-1", "x", "5/", "/5", "0xffffffffffffffff/0xffffffffffffffff"])}.get(key)
            if key in ("send_flow_rem", "check_overlap", "reset_counts", "no_packet_counts", "no_byte_counts"):
                out.append(key + r.choice([""] * 9 + ["=1"]))
            else:
                out.append(key + r.choice(["="] * 9 + [":"]) + (value if value is not None else r.choice(["0", "1", "60", "65535", "65536", "0x10", "010", "-1", "+5", "x", "", "1s"][:r.choice([3, 6, 12])])))
        return out

    def flow_text(self, command):
        r = self.r
        asks = command in ("del-flows", "dump-flows", "dump-aggregate")
        words = self.options(command) + [w for w in [self.flow() if r.random() < 0.6 else r.choice(["", "ip", "tcp", "in_port=1", "in_port=LOCAL"])] if w]
        r.shuffle(words)
        if not asks or r.random() < 0.05:
            words.append(r.choice(["actions="] * 8 + ["action=", "actions:"]) + self.actions(r.choice(["", "ip", "tcp"])))
        if command == "bundle" and r.random() < 0.9:
            words[:1] = [r.choice(["add", "modify", "modify_strict", "delete", "delete_strict", "addx"]) + r.choice([" ", ",", "\t"]) + words[0]]
        return ",".join(words)

    def packet_out(self):
        r = self.r
        words = ["in_port=" + r.choice(["1", "LOCAL", "controller", "none", "flood", "x", "65280"])] * (r.random() < 0.8)
        words += [r.choice(["reg0=5", "metadata=1", "tun_id=3", "ct_state=+trk", "nw_src=1.2.3.4", "ip", "pkt_mark=5/5", "tcp=5", "reg0[5]=1"])] * (r.random() < 0.3)
        words += ["packet=" + r.choice(["ff" * 14, "ffffffffffff00000000000108004500" + "00" * 20, "0102", "zz", "f" * 29, ""])] * (r.random() < 0.9)
        words += [r.choice(["actions=", "action="]) + self.actions(r.choice(["", "ip"]), r.choice([0, 1]))] * (r.random() < 0.9)
        return ",".join(words)

    def tlv_map(self):
        r = self.r
        return r.choice([",", ",", ", ", " "]).join("{class=%s,type=%s,len=%s}->%s" % (
            r.choice(["0xffff", "0x10", "5", "0x10000"]), r.choice(["0", "0x80", "255", "256"]), r.choice(["4", "8", "124", "128", "0", "3"]),
            r.choice(["tun_metadata0", "tun_metadata5", "tun_metadata63", "tun_metadata64", "reg0"])) for _ in range(r.randint(1, 3)))

    def tuple(self):
        r = self.r
        words = [w for w in ("ct_nw_src=" + self.ip(), "ct_nw_dst=" + self.ip(), "ct_ipv6_src=" + self.ip6(), "ct_ipv6_dst=" + self.ip6(), "ct_nw_proto=%d" % r.choice([1, 6, 17, 58, 132, 300]),
                             "ct_tp_src=%d" % r.choice([0, 80, 65535, 65536]), "ct_tp_dst=%s" % self.number(16), "icmp_type=8", "icmp_code=0", "icmp_id=5") if r.random() < 0.35]
        r.shuffle(words)
        return ",".join(words)

    def flow_command(self):
        r = self.r
        verb = r.choice(FLOW_COMMANDS)
        return [*verb, "SWITCH", self.flow_text(verb[-1])]

    def group_command(self):
        r = self.r
        verb = r.choice(["add-group", "mod-group", "del-groups", "insert-buckets", "remove-buckets", "dump-group-stats", "--may-create mod-group"]).split()
        text = self.group()
        if verb[-1] in ("del-groups", "dump-group-stats", "remove-buckets") and r.random() < 0.8:
            text = r.choice(["group_id=%d" % r.choice([0, 5, 4294967040]), "group_id=all", "5", ""])
        if verb[-1] in ("insert-buckets", "remove-buckets") and r.random() < 0.7:
            words = text.replace(",type=all", "").replace(",type=select", "").split(",", 1)
            words.insert(1, "command_bucket_id=" + r.choice(["all", "first", "last", "0", "7", "4294967040", "x"]))
            text = ",".join(words)
        return [*verb, "SWITCH", text]

    def meter_command(self):
        r = self.r
        verb = r.choice(["add-meter", "mod-meter", "del-meter", "dump-meter", "meter-stats"])
        return [verb, "SWITCH", self.meter() if verb in ("add-meter", "mod-meter") or r.random() < 0.1 else r.choice(["meter=5", "meter:all", "meter=0", "5", "meter=x", "meter=controller"])]

    def small_command(self):
        r = self.r
        ports = ["1", "LOCAL", "local", "65279", "65280", "x", "any", '"LOCAL"', "NORMAL", "-1"]
        return r.choice([
            lambda: ["packet-out", "SWITCH", self.packet_out()],
            lambda: ["packet-out", "SWITCH", r.choice(["1", "LOCAL", "65279", "x", "none"]), self.actions(""), "ff" * 14],
            lambda: [r.choice(["add-tlv-map", "del-tlv-map"]), "SWITCH", self.tlv_map()],
            lambda: ["ct-flush", "SWITCH", *(["zone=" + r.choice(["5", "0", "65535", "x", "-1"])] * r.choice([0, 1])), self.tuple(), *([self.tuple()] * r.choice([0, 0, 1]))],
            lambda: ["ct-flush-zone", "SWITCH", r.choice(["5", "65535", "65536", "x", "-1", "+5", "0x10"])],
            lambda: ["mod-table", "SWITCH", r.choice(["0", "5", "all", "ALL", "255", "256", "x"]), r.choice(["controller", "continue", "drop", "evict", "noevict", "vacancy:20,80", "vacancy:20", "novacancy",
                                                                                               "vacancy:80,20", "vacancy:20-80", "vacancy:x,5", "x", "vacancy:0,101", "vacancy", "vacancy:"])],
            lambda: ["set-frags", "SWITCH", r.choice(["normal", "drop", "reassemble", "nx-match", "NORMAL", "x", ""])],
            # Over OpenFlow 1.0 the stock program asks for the ports of a switch that has none, and waits for ever.
            lambda: [r.choice(["queue-stats", "queue-get-config"]), "SWITCH", r.choice([p for p in ports if p != "any"]), *([r.choice(["5", "all", "x", "-1", "ALL"])] * r.choice([0, 1]))],
            lambda: [r.choice(["dump-ports", "dump-ports-desc"]), "SWITCH", r.choice(ports)],
            lambda: ["dump-groups", "SWITCH", r.choice(["5", "all", "ALL", "0", "4294967295"])],
        ])()

    def offline_command(self):
        """The command, and what it reads."""
        r = self.r
        lines = []
        for _ in range(r.randint(1, 4)):
            lines.append(r.choice(["", "# comment", ", ".join(r.choice(HEADERS) for _ in range(r.randint(0, 4)))] + [", ".join(r.choice(HEADERS) for _ in range(r.randint(1, 4)))] * 4))
        text = "\n".join(self.broken(line) if line and r.random() < 0.5 else line for line in lines) + "\n"
        if r.random() < 0.4:
            text = "".join(r.choice(["%02x", "%02x "]) % r.choice([0, 0xff, r.randrange(256)]) for _ in range(r.choice([40, 88, 88, 39]))) + "\n"
            return [r.choice(["parse-ofp10-match", "parse-ofp11-match"])], text
        return r.choice([["parse-nx-match"], ["parse-nxm"], ["parse-oxm", "OpenFlow%d" % r.randint(12, 15)], ["--strict", "parse-nx-match"]]), text

    def file(self):
        """A command that reads a file, and the file: comments, empty lines, blanks, lines that end like those of DOS."""
        r = self.r
        verb = r.choice([["add-flows"], ["parse-flows"], ["add-groups"], ["bundle"], ["--bundle", "add-flows"]])
        lines = []
        for _ in range(r.randint(1, 5)):
            if verb == ["add-groups"]:
                line = r.choice(["", "", "add ", "add_or_mod ", "delete ", "modify,"]) + self.group()
            elif verb == ["bundle"]:
                line = r.choice([lambda: "flow " + self.flow_text("bundle"), lambda: "group " + r.choice(["add ", "delete ", ""]) + self.group(), lambda: "packet-out " + self.packet_out(),
                                 lambda: self.flow_text("add-flow")])()
            else:
                line = r.choice(["", "", "add ", "delete ", "modify ", " "]) + self.flow_text("add-flow")
            if r.random() < 0.2:
                line = self.broken(line)
            line = r.choice([""] * 8 + [" ", "\t", "#"]) + line + r.choice([""] * 8 + [" # comment", "#x", "\r", " \\\n", "\n\n", "\n#\n", "\n  \n"])
            lines.append(self.white(line))
        return verb, "\n".join(lines) + r.choice(["\n", "\n", ""])

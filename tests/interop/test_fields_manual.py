# SPDX-License-Identifier: Apache-2.0
"""Each field of ovs-fields(7), as its box there says: names, width, masks, prerequisites, access, versions and wire headers. Ours is held
against the box, and both `ovs-ofctl` against each other, to the byte.

FIELD_SHARE=1 runs all cases instead of a sixth of them, FIELD_SEED chooses which; FIELD_MATCHES sets how many random matches of wire
headers there are."""
import concurrent.futures
import importlib.machinery
import importlib.util
import os
import pathlib
import random
import re
import subprocess

import pytest

import harness

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARE, SEED = float(os.environ.get("FIELD_SHARE", "0.16")), int(os.environ.get("FIELD_SEED", "1"))
N_MATCHES = int(os.environ.get("FIELD_MATCHES", "3000"))
if not pathlib.Path("/usr/share/man/man7/ovs-fields.7.gz").exists():
    pytest.skip("ovs-fields(7) is not installed", allow_module_level=True)
loader = importlib.machinery.SourceFileLoader("coverage_table", str(ROOT / "tools/coverage-table"))
coverage = importlib.util.module_from_spec(importlib.util.spec_from_loader("coverage_table", loader))
loader.exec_module(coverage)

# What a match has to say so that it may speak of the field.
PREREQUISITES = {
    "none": [""], "Ethernet": [""], "ARP": ["arp", "rarp"], "IPv4": ["ip"], "IPv6": ["ipv6"], "IPv4/IPv6": ["ip", "ipv6"], "MPLS": ["mpls", "mplsm"],
    "TCP": ["tcp", "tcp6"], "UDP": ["udp", "udp6"], "SCTP": ["sctp", "sctp6"], "ICMPv4": ["icmp"], "ICMPv6": ["icmp6"], "NSH": ["dl_type=0x894f"],
    "CT4": ["ct_state=+est,ip,ct_nw_proto=6"], "CT6": ["ct_state=+trk-inv,ipv6,ct_nw_proto=6"],
    "ND": ["icmp6,icmp_type=135,icmp_code=0", "icmp6,icmpv6_type=136,icmpv6_code=0"], "ND solicit": ["icmp6,icmp_type=135,icmp_code=0"],
    "ND advert": ["icmp6,icmp_type=136,icmp_code=0"], "VLAN VID": ["dl_vlan=5", "vlan_tci=0x1005/0x1fff"], "CT": ["ct_state=+est,ip,ct_nw_proto=6", "ct_state=+trk-inv,ipv6,ct_nw_proto=17"],
}
VERSIONS = ["OpenFlow10", "OpenFlow11", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15"]
BOXES = {box["Name"].split()[0]: box for box in coverage.boxes()}


class Field:
    def __init__(self, box):
        self.name, _, self.alias = box["Name"].strip(")").partition(" (aka ")
        width = re.search(r"least-significant (\d+) bits", box["Width"]) or re.match(r"(\d+) bits", box["Width"])
        self.bits, self.size = int(width.group(1)), int(box["Width"].split()[0]) // 8
        self.format = box["Format"]
        self.maskable = box["Masking"] != "not maskable"
        self.writable = box["Access"] == "read/write"
        family = {"IPv4": "4", "IPv6": "6"}.get(self.format, "") if box["Prerequisites"] == "CT" else ""
        self.prerequisites = PREREQUISITES[box["Prerequisites"] + family]
        self.headers = re.findall(r"((?:NXM|OXM|NXOXM|ONFOXM|ERICOXM)_\w+) \((\d+)\) since", box["OXM"] + ";" + box["NXM"])
        self.ours = {"OpenFlow10": box["OpenFlow 1.0"], "OpenFlow11": box["OpenFlow 1.1"]}

    def text(self, number):
        """A value as its format has it, which may be too large."""
        if self.format == "Ethernet":
            digits = "%012x" % number
            return ":".join(digits[i:i + 2] for i in range(0, len(digits), 2))
        if self.format == "IPv4":
            return ".".join(str(number >> s & 255) for s in (24, 16, 8, 0)) if number < 1 << 32 else "1.2.3.4.5"
        if self.format == "IPv6":
            return ":".join("%x" % (number >> s & 0xffff) for s in range(112, -1, -16)) if number < 1 << 128 else "1:2:3:4:5:6:7:8:9"
        if self.format == "packet type":
            return "(%d,0x%x)" % (number >> 16, number & 0xffff)
        if self.format == "frag":
            return ["no", "first", "yes", "later"][number & 3] if number < 4 else "maybe"
        return ("0x%x" if self.format == "hexadecimal" or number > 1 << 63 else "%d") % number

    def __str__(self):
        return self.name


def values(f):
    ones = (1 << f.bits) - 1
    some = 0x1234567890abcdef1122334455667788 & ones
    if f.name == "ct_state":
        ones, some = 0xff, 0x21
    return dict.fromkeys([0, 1, some, ones, 1 << f.bits])


def matches(f):
    """Everything that may be said of a field in a match."""
    for number in values(f):
        yield f"{f.name}={f.text(number)}"
        if f.alias:
            yield f"{f.alias}={f.text(number)}"
        for mask in ("0", "1", "%d" % ((1 << f.bits) - 1), "0x%x" % (1 << f.bits), f.text((1 << f.bits) - 1), f.text(1), f.text(0), "24", "x", ""):
            yield f"{f.name}={f.text(number)}/{mask}"
    for value in ("*", "", "x", "-1", "0x", " 1", "1 ", "1x", "+0", "1/1/1", "ANY", "18446744073709551616", "0x1ffffffffffffffffffffffffffffffff"):
        yield f"{f.name}={value}"
    yield f.name
    yield f.name + "[0]=1"
    yield f.name + "[%d]=1" % f.bits
    yield f.name + "[0..%d]=1" % (f.bits - 1)
    yield f.name + "[]=1"
    for header, _ in f.headers:
        yield f"{header}=1"
        yield f"{header}[0]=1"


def actions(f):
    ones = (1 << f.bits) - 1
    for name in filter(None, (f.name, f.alias, f.name.upper(), *(h for h, _ in f.headers))):
        yield f"set_field:{f.text(ones & 0x55)}->{name}"
        yield f"load:1->{name}[0]"
        yield f"load:0x{ones & 0x5a:x}->{name}"
        yield f"move:{name}[]->NXM_NX_XXREG0[0..{f.bits - 1}]"
        yield f"push:{name}[]"
    for value in (f.text(1 << f.bits), f.text(1) + "/" + f.text(1), f.text(0) + "/" + f.text(ones), f.text(1) + "/" + f.text(0), "*", "", "x", f.text(ones) + "/1", f.text(0)):
        yield f"set_field:{value}->{f.name}"
    yield f"load:0x{ones + 1:x}->{f.name}[]"
    yield f"load:1->{f.name}[{f.bits}]"
    yield f"load:1->{f.name}[0..{f.bits}]"
    yield f"load:1->{f.name}[1..0]"
    yield f"move:NXM_NX_XXREG1[0..{f.bits - 1}]->{f.name}[]"
    yield f"move:NXM_NX_XXREG1[0]->{f.name}[{f.bits - 1}]"
    yield f"move:{f.name}[]->{f.name}[]"
    yield f"pop:{f.name}[]"
    yield f"pop:{f.name}[0]"
    yield f"multipath(eth_src,50,modulo_n,1,0,{f.name}[])"
    yield f"learn(table=1,{f.name}[])"
    yield f"learn(table=1,{f.name}={f.text(ones & 0x55)})"
    yield f"learn(table=1,load:{f.name}[]->NXM_NX_XXREG0[0..{f.bits - 1}],output:{f.name}[])"
    yield f"bundle_load(eth_src,0,hrw,ofport,{f.name},members:1,2)"
    yield f"output:{f.name}"
    yield f"check_pkt_larger(9)->{f.name}[0]"
    yield f"delete_field:{f.name}"


def without_times(text):
    text = re.sub(r"^\d{4}-\d\d-\d\dT[\d:]+Z\|\d+\|", "", text, flags=re.M)
    return re.sub(r" ?\(xid=0x[0-9a-f]+\)", "", text)


def answer(tools, argv, text=None):
    done = subprocess.run([tools("ovs-ofctl"), *argv], capture_output=True, text=True, timeout=60, input=text)
    assert done.returncode in (0, 1), (argv, done)
    return done.returncode, without_times(done.stdout), without_times(done.stderr)


def both(argvs, text=None):
    """[(argv, what stock answered, what ours did)]"""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        results = [pool.map(lambda a, t=tools: answer(t, a, text), argvs) for tools in (harness.stock, harness.ours)]
        return list(zip(argvs, *results))


def show(different):
    lines = [f"{' '.join(argv)}\n  stock {a}\n  ours  {b}" for argv, a, b in different]
    if os.environ.get("FIELD_LOG"):
        with open(os.environ["FIELD_LOG"], "a") as log:
            log.write("\n".join(lines) + "\n")
    return f"{len(lines)}:\n" + "\n".join(lines[:int(os.environ.get("FIELD_SHOW", "12"))])


FIELDS = [Field(box) for box in BOXES.values()]
GROUPS = [FIELDS[i::6] for i in range(6)]


def check(argvs):
    """A share of the cases, so that all of them are not a matter of minutes."""
    r = random.Random(SEED)
    argvs = [argv for argv in argvs if r.random() < SHARE]
    different = [(argv, a, b) for argv, a, b in both(argvs) if a != b and not is_known(argv, a, b)]
    assert argvs and not different, show(different)


def flow(*terms):
    return ",".join(term for term in terms if term)


@pytest.mark.parametrize("group", range(len(GROUPS)))
def test_text_of_matches(group):
    argvs = []
    for f in GROUPS[group]:
        for before in f.prerequisites:
            argvs += [["parse-flow", flow(before, match, "actions=drop")] for match in matches(f)]
        if f.prerequisites != [""]:
            argvs += [["parse-flow", f"{f.name}={f.text(1)},actions=drop"], ["parse-flow", f"ip,{f.name}={f.text(1)},actions=drop"]]
        argvs += [["-O", version, "parse-flow", flow(f.prerequisites[0], f"{f.name}={f.text(1)}", "actions=drop")] for version in VERSIONS]
    check(argvs)


@pytest.mark.parametrize("group", range(len(GROUPS)))
def test_text_of_actions(group):
    argvs = []
    for f in GROUPS[group]:
        for before in dict.fromkeys([*f.prerequisites, ""]):
            argvs += [["-O", "OpenFlow15" if "delete_field" in action else "OpenFlow13", "parse-flow", flow(before, f"actions={action}")]
                      for action in actions(f)]
        argvs += [["-O", version, "parse-flow", flow(f.prerequisites[0], f"actions=set_field:{f.text(1)}->{f.name}")] for version in VERSIONS]
    check(argvs)


WORDS_OF_STOCK = r"actions are invalid with specified match \(OFPBAC_MATCH_INCONSISTENT\)"
PRINTED = r"(tun_)?(erspan|gtpu)_\w+=[^, ]* ?|ct_(nw_proto|tp_src|tp_dst)=0,"
NORMALISED = "ofp_match|INFO|normalization changed ofp_match"


def without_words_of_ports(text):
    return re.sub(r"^ofp_port\|WARN.*\n", "", text, flags=re.M)


def once(text):
    """Stock tells of a normalisation again when it prints a message of OpenFlow 1.0."""
    half = text[:len(text) // 2]
    return half if half + half == text else text


def is_known_success(text, stock, ours):
    """Of what both take."""
    said = once(without_words_of_ports(stock[2])), ours[2]
    printed = stock[1], ours[1]
    if "decode error" in ours[1]:
        said = "", ""  # stock logs the bytes of the action, too
    if re.search(r"erspan|gtpu|ct_(nw_proto|tp_src|tp_dst)=\+?0", text, re.I):  # printed as they are written
        printed = tuple(re.sub(PRINTED, "", p) for p in printed)
    if "nw_ecn" in text or "ip_ecn" in text:  # 1.1 cannot match it
        printed = printed[0].replace(",OpenFlow11", ""), printed[1].replace(",OpenFlow11", "")
    if NORMALISED in ours[2] and not stock[2] and re.search(r"frag|tcp_flags|nd_reserved|nd_options|ipv6_label|nsh_", text):
        said = "", ""  # stock drops some fields without a word, and sends others for the switch to refuse
        if "decode error" in stock[1]:
            return True
    if re.search(r"ipv6_label=0x100000/|ip,ipv6_label|load:0x5a->(nsh_ttl|NXOXM_NSH_TTL)", text) and "decode error" in stock[1] + ours[1]:
        return True
    if re.search(r"set_field:\S*/\S*->(tun_erspan|tun_metadata|nsh_|ipv6_label)", text):  # some of these masks it cannot read back
        return "decode error" in stock[1] or "erspan" in text or "set_field:0->ipv6_label" in ours[1]
    if re.search(r"learn\(table=1,(ct_state|packet_type)=", text):
        return re.search(r"Unknown|=packet_type=", stock[1])  # it prints what nobody can read back
    if re.search(r"ipv6_label=\w+/0x100000", text):
        printed = re.sub(",ipv6_label=0x00000/0x100000", "", stock[1]), ours[1]
    return printed[0] == printed[1] and said[0] == said[1]


def is_known_refusal(text, stock, ours):
    """Of what only ours refuses."""
    return ("decode error" in stock[1]  # it sends what no switch takes
            or re.search(r"value too large for \d+-bit field|is never that", ours[2])
            or re.search(r"(\d/\d+/|\d{10}|/0x1\d{8}).*: unknown .* flag\(s\)", ours[2])
            or re.search(r"ct_tp_(src|dst)", text) and "needs a match on" in ours[2]
            or re.search(r"(erspan|hwid).*", text) and "not a valid value" in ours[2]
            or "matches as a whole only" in ours[2]
            or "nw_ecn" in text and "no usable protocol" in ours[2]
            or "check_pkt_larger" in text and "lacks correct prerequisites" in ours[2]
            or re.search(r"port=\+|output=\+|port_oxm=\+", text))


def is_known(argv, stock, ours):
    """What docs/differences.md names."""
    text = argv[-1]
    if "skb_priority" in text:
        return "skb_priority cannot be matched" in ours[2] or "skb_priority" in ours[2] or "actions=" in text
    if not stock[0]:
        return is_known_refusal(text, stock, ours) if ours[0] else is_known_success(text, stock, ours)
    if re.search(WORDS_OF_STOCK, stock[2]) and re.search(r"\w+(\[[\d.]*\])=1,actions=drop", text):
        # It says so of any field that has no mask, whichever bits these are.
        return ours[0] and "matches as a whole only" in ours[2] or not ours[0]
    if "invalid IPv6 address" in stock[2] and re.search(r":[^,>]*/\d", text):  # takes the mask's beginning for a prefix
        return True
    if ours[0] and re.search(r"set_field:.*\d is not a valid value|does not fit into|experimenter OXM field|value too large for \d+-bit field|needs a match on|is read-only", ours[2]):
        return True  # both refuse, ours with another reason
    return bool(ours[0]) and stock[1] == ours[1] and without_words_of_ports(stock[2]) == ours[2]


def test_access():
    """Read-only fields are refused by what writes, and said to be so; the others are taken."""
    for f in FIELDS:
        if f.name == "skb_priority" or f.name in ("ct_mark", "ct_label"):  # these are written in ct(exec()) alone
            continue
        code, out, err = answer(harness.ours, ["-O", "OpenFlow15", "parse-flow", flow(f.prerequisites[0] or "dl_vlan=5", f"actions=set_field:{f.text({'vlan_vid': 0x1001, 'nw_tos': 4}.get(f.name, 1))}->{f.name}")])
        assert (code == 0) == f.writable, (f.name, out, err)
        assert f.writable or f"{f.name} is read-only" in err, (f.name, err)


# --- Matches on the wire.

CLASSES = {"NXM_OF": 0, "NXM_NX": 1, "OXM_OF_PKT_REG": 0x8001, "OXM_OF": 0x8000, "NXOXM": 0xffff, "ONFOXM": 0xffff, "ERICOXM": 0x1000}
EXPERIMENTERS = {"NXOXM_NSH": 0x005ad650, "NXOXM_ET": 0x2320, "ONFOXM": 0x4f4e4600}


def of_prefix(table, name):
    return next((value for prefix, value in table.items() if name.startswith(prefix)), None)


def entry(oxm_class, number, value, size, mask=None, experimenter=None, length=None):
    """An entry as parse-nx-match reads it: the header's digits, and the value's and the mask's."""
    if length is None:
        length = size * (1 if mask is None else 2) + (0 if experimenter is None else 4)
    head = "%04x%02x%02x" % (oxm_class, number << 1 | (mask is not None), length) + ("" if experimenter is None else "%08x" % experimenter)
    size = (length - (0 if experimenter is None else 4)) // (1 if mask is None else 2)
    digits = ["%0*x" % (2 * size, v & (1 << 8 * size) - 1) if size else "" for v in ([value] if mask is None else [value, mask])]
    return "%s(%s)" % (head, "/".join(digits))


class Entries:
    """Entries of matches, most of them right."""

    def __init__(self, seed):
        self.r = random.Random(seed)

    def of_field(self, f, name, number):
        r = self.r
        oxm_class, experimenter, number = of_prefix(CLASSES, name), of_prefix(EXPERIMENTERS, name), int(number)
        ones, all_ones = (1 << f.bits) - 1, (1 << 8 * f.size) - 1
        value = r.choice([0, 1, r.getrandbits(f.bits), ones])
        if r.random() < 0.05:
            value ^= 1 << r.randrange(8 * f.size)  # perhaps a bit that the field does not have
        mask = None
        if r.random() < 0.3:
            mask = r.choice([0, all_ones, ones, r.getrandbits(f.bits), (0xff00ff00ff00ff00 << 64 | 0xffff0000ffff0000) & ones])
            if r.random() < 0.9:
                value &= mask
        length = None
        if r.random() < 0.02:
            length = r.choice([4, 8, f.size * 2 + 2, f.size // 2 * 2 + 4])
        if r.random() < 0.02:
            number = r.randrange(128)
        if r.random() < 0.01 and experimenter is None:
            oxm_class = r.choice([0, 1, 0x8000, 0x8001, 2, 0x1000, 0x8002])
        return entry(oxm_class, number, value, f.size, mask, experimenter, length)

    def prerequisites(self, f, oxm):
        """The entries that the field needs before it."""
        r = self.r
        types = {"ip": 0x800, "ipv6": 0x86dd, "arp": 0x806, "rarp": 0x8035, "mpls": 0x8847, "mplsm": 0x8848}
        protos = {"tcp": 6, "udp": 17, "sctp": 132, "icmp": 1, "icmp6": 58}
        out = []
        for word in filter(None, r.choice(f.prerequisites).split(",")):
            key, _, value = word.partition("=")
            base = key if key == "icmp6" else key.rstrip("6")
            if key in types or key == "dl_type":
                out.append(entry(*((0x8000, 5) if oxm else (0, 3)), types.get(key) or int(value, 0), 2))
            elif base in protos:
                out.append(entry(*((0x8000, 5) if oxm else (0, 3)), 0x86dd if key.endswith("6") else 0x800, 2))
                out.append(entry(*((0x8000, 10) if oxm else (0, 6)), protos[base], 1))
            elif key in ("icmp_type", "icmpv6_type", "icmp_code", "icmpv6_code"):
                code = key.endswith("code")
                out.append(entry(*((0x8000, 29 + code) if oxm else (1, 21 + code)), int(value), 1))
            elif key in ("dl_vlan", "vlan_tci"):
                out.append(entry(0x8000, 6, 0x1005, 2, r.choice([None, 0x1fff])) if oxm else entry(0, 4, 0x1005, 2, 0x1fff))
            elif key == "ct_state":
                out.append(entry(1, 105, *((0x22, 4, 0x22) if "est" in value else (0x20, 4, 0x30))))
            else:
                assert key == "ct_nw_proto"
                out.append(entry(1, 119, int(value), 1))
        if r.random() < 0.04 and out:
            out.pop(r.randrange(len(out)))
        return out

    def match(self, fields):
        r = self.r
        oxm = r.random() < 0.5
        entries = []
        for _ in range(r.choice([1, 1, 1, 2, 3])):
            f = r.choice(fields)
            entries += [e for e in self.prerequisites(f, oxm) if e not in entries]
            entries.append(self.of_field(f, *r.choice([h for h in f.headers if h[0].startswith("OXM") == oxm] or f.headers)))
        if r.random() < 0.03:
            entries.append(r.choice(entries))
        if r.random() < 0.03:
            r.shuffle(entries)
        if r.random() < 0.04:  # cookies are a part of NXM's matches
            entries.append(entry(1, 30, r.getrandbits(64), 8, r.choice([None, 0, 0xff, (1 << 64) - 1])))
        return ", ".join(entries)


def is_known_match(line, stock, ours, strict):
    """What docs/differences.md names."""
    if "NXM_NX_TUN_METADATA" in stock:  # its values come as zeros
        shape = [re.sub(r"(NXM_NX_TUN_METADATA\d+(_W)?)\([0-9a-f/]*\)", r"\1", side) for side in (stock, ours)]
        if shape[0] == shape[1]:
            return True
    # A mask of all flags that there are is that of the whole field; an Ethernet field with a mask of zeros asks for Ethernet.
    stock = re.sub(r"(TCP_FLAGS)_W\(([0-9a-f]{4})/0fff\)", r"\1(\2)", stock)
    if stock == ours:
        return True
    if re.search(r"\(0+/0+\)", line) and "OXM_OF_PACKET_TYPE(00000000)" in stock:
        return re.sub(r"OXM_OF_PACKET_TYPE\(00000000\)(, |$)", "", stock) == ours.replace("<any>", "")
    if "BAD_PREREQ" in ours and re.search("0001f[0-9a-f]|0001ee", line):  # stock looks at the family of the original tuple in flow mods alone
        return True
    if "00013401(0" in line and re.search("(TCP|UDP|SCTP)_(SRC|DST|FLAGS)", stock):  # ports of later fragments, which there are not
        return True
    if "80000004(" in line and "80000108" in line or "80005704(" in line and "80005708" in line:  # a port twice, once with a mask of zeros
        return True
    if "00013401(0" in line and stock.startswith("nx_pull") and "BAD_PREREQ" in ours:  # the first of two mistakes
        return True
    if not strict and "OXM_OF_PACKET_TYPE(" in stock and "OXM_OF_PACKET_TYPE(00000000)" not in stock:
        return True  # which fields such a packet has
    if not strict and not stock.startswith("nx_pull") and not ours.startswith("nx_pull"):
        # Fields without what they need: stock gives some of them back, and says of others that the packet has Ethernet.
        there, here = set(stock.split(", ")), set(ours.split(", "))
        return here - {"<any>"} <= there and all(re.match(r"OXM_OF_PACKET_TYPE\(00000000\)|NXOXM_NSH|NXM_NX_CT_|<any>|NXM_NX_IPV6_LABEL|OXM_OF_IPV6_FLABEL", e)
                                                 for e in there - here)
    return False


@pytest.mark.parametrize("argv", [["parse-nx-match"], ["--strict", "parse-nx-match"], ["parse-oxm", "OpenFlow12"], ["parse-oxm", "OpenFlow13"],
                                  ["--strict", "parse-oxm", "OpenFlow13"], ["--strict", "parse-oxm", "OpenFlow15"]], ids=" ".join)
def test_bytes_of_matches(argv):
    """What both make of the same entries, and what they refuse."""
    entries = Entries(SEED)
    fields = [f for f in FIELDS if f.headers and not re.match("tun_(metadata|erspan|gtpu)", f.name)]
    lines = [entries.match(fields) for _ in range(N_MATCHES)]
    (_, a, b), = both([argv], "\n".join(lines) + "\n")
    stock, ours = a[1].splitlines(), b[1].splitlines()
    assert len(stock) == len(ours) == len(lines), (a[2][-1000:], b[2][-1000:])
    different = [(line.split(), x, y) for line, x, y in zip(lines, stock, ours) if x != y and not is_known_match(line, x, y, "--strict" in argv)]
    assert not different, show(different)
    refused = sum(x.startswith("nx_pull") for x in stock)
    assert N_MATCHES / 20 < refused < N_MATCHES / 2, refused


LINES = """\
00010204(0000000f)
00010004(0000000f)
0x00010004(0000000f)
00010108(0000000f/000000ff)
0001e004(0000000f)
ffff040600002320(0000000f)
ffff180800002320(00000001)
NXM_NX_REG0(1)
NXM_NX_REG0(00000001
NXM_NX_REG0 (00000001)
NXM_NX_REG0(0000 0001)
NXM_NX_REG0_W(0000000f/0000000f)
NXM_NX_REG0_W(0000001f/0000000f)
NXM_NX_REG0(0000001f/0000000f)
NXM_NX_REG0_W(0000001f)
NXM_NX_FOO(01)
NXM_NX_REG0(00000001),NXM_NX_REG0(00000001)
NXM_OF_IP_SRC(01020304)
<any>
NXM_NX_COOKIE(0000000000000001)
NXM_NX_COOKIE_W(0000000000000001/ffffffffffffffff)
NXM_OF_VLAN_TCI_W(1123/1fff)
NXM_OF_VLAN_TCI_W(0000/f000)
NXM_OF_VLAN_TCI_W(0000/1003)
OXM_OF_VLAN_VID(1003)
OXM_OF_VLAN_VID(0003)
OXM_OF_VLAN_VID_W(1000/1000)
OXM_OF_IN_PORT(ffff0000)
OXM_OF_IN_PORT(fffffffe)
NXM_OF_IN_PORT(fffe)
NXM_NX_TUN_METADATA0(01020304)
NXOXM_NSH_SPI(00000001)
NXM_OF_ETH_TYPE(894f),NXOXM_NSH_SPI(00000001)
NXM_OF_ETH_TYPE(894f),NXOXM_NSH_SPI(01000001)
NXM_OF_ETH_TYPE(0806),NXM_OF_ARP_OP(0101)
NXM_OF_ETH_TYPE(0800),NXM_OF_IP_TOS(f3)
NXM_OF_ETH_TYPE(0800),NXM_NX_IP_ECN(04)
NXM_OF_ETH_TYPE(86dd),NXM_NX_IPV6_LABEL(00100000)
NXM_OF_ETH_TYPE(05ff)
NXM_OF_ETH_TYPE(0000)
NXM_OF_ETH_DST_W(ffffffffffff/010000000000)
NXM_NX_CT_STATE_W(00000100/00000100)
OXM_OF_PACKET_TYPE(00010800)
NXM_NX_XXREG0(00000001000000020000000300000004),NXM_NX_REG1(00000002)
NXM_NX_REG1(00000002),NXM_NX_XXREG0(00000001000000020000000300000004)
OXM_OF_PKT_REG0(0000000100000002),NXM_NX_REG0(00000001)
OXM_OF_METADATA(0000000100000002)
ONFOXM_ET_ACTSET_OUTPUT(00000001)
OXM_OF_ACTSET_OUTPUT(00000001)
ERICOXM_OF_ICMPV6_ND_RESERVED(00000000)
# comment

 NXM_NX_REG0(00000001)  # c
NXM_OF_ETH_TYPE_W(0800/ffff)
NXM_OF_ETH_TYPE
NXM_NX_REG0(00000001) junk
NXM_NX_REG0 00000001
ONFOXM_ET_TCP_FLAGS(0001)
NXM_OF_ETH_TYPE(0800), NXM_OF_IP_PROTO(06), ONFOXM_ET_TCP_FLAGS(0001)
OXM_OF_ETH_TYPE(0800), OXM_OF_IP_PROTO(06), OXM_OF_TCP_FLAGS_W(0001/0001)
NXM_NX_TUN_METADATA5_W(01/0f)
NXM_NX_TUN_METADATA5_W(01/0f0f)
NXM_NX_COOKIE(01)
NXM_NX_COOKIE(0000000000000001),NXM_NX_COOKIE(0000000000000001)
tun_id(0000000000000001)
""".splitlines()


@pytest.mark.parametrize("argv", [["parse-nx-match"], ["--strict", "parse-nx-match"], ["parse-oxm", "OpenFlow12"], ["--strict", "parse-oxm", "OpenFlow15"]], ids=" ".join)
def test_lines_of_matches(argv):
    """The text of these commands, errors and all."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        stock, ours = [list(pool.map(lambda line, t=tools: answer(t, argv, line + "\n"), LINES)) for tools in (harness.stock, harness.ours)]
    different = [([line], a, b) for line, a, b in zip(LINES, stock, ours)
                 if a[:2] != b[:2] and not is_known_match(line, a[1].strip(), b[1].strip(), "--strict" in argv)
                 or re.sub(r"^\w+\|WARN\|.*\n", "", a[2], flags=re.M) != b[2] and "hex digits expected" not in a[2]]
    assert not different, show(different)

# SPDX-License-Identifier: Apache-2.0
"""What docs/differences.md says of texts, as rules that are checked, not believed.

A rule rewrites a text so that what differs is gone: the mistyped number is a right one, the bucket has its id. Then both programs are
asked again, and they must agree. The protocols that the stock program forgets are collected from it, piece by piece."""
import functools
import os
import re
import subprocess

PROTOCOLS = {"OpenFlow10-table_id", "OpenFlow10+table_id", "NXM-table_id", "NXM+table_id", "OpenFlow11"} | {f"OXM-OpenFlow1{i}" for i in range(2, 6)}
LOG = re.compile(r"^\d{4}-\d\d-\d\dT[^|]*\|\d+\|.*\n([0-9a-f]{8}  .*\n)*", re.M)
NUMBER = r"[ \t]*[-+]?(0[xX][0-9a-fA-F]*|[1-9][0-9]*|0[0-7]*)"
DEPTH = 8  # of clone() in clone()
NSH = {"nsh_flags": 8, "nsh_ttl": 6, "nsh_mdtype": 8, "nsh_np": 8, "nsh_spi": 24, "nsh_si": 8, "nsh_c1": 32, "nsh_c2": 32, "nsh_c3": 32, "nsh_c4": 32}


def call(tool, argv, where, data=None):
    """Exit status, what was printed, and the messages; without transaction ids and the log."""
    try:
        p = subprocess.run([tool, *(a.encode("latin1") for a in argv)], capture_output=True, timeout=60, cwd=where, env={**os.environ, "OVS_RUNDIR": str(where)}, input=data)
    except subprocess.TimeoutExpired:
        return "waits for ever", "", ""
    err = LOG.sub("", p.stderr.decode("latin1")).replace(str(tool), "ovs-ofctl")
    return p.returncode, re.sub(r" ?\(xid=0x[0-9a-f]+\)", "", p.stdout.decode("latin1")), err


def usable(out):
    """The protocols of "usable protocols: ..."."""
    m = re.match(r"usable protocols: (.*)\n", out)
    groups = {"any": PROTOCOLS, "none": set(), "NXM": {p for p in PROTOCOLS if "NXM" in p}, "OXM": {p for p in PROTOCOLS if "OXM" in p},
              "OpenFlow10": {p for p in PROTOCOLS if "OpenFlow10" in p}}
    return set().union(*(groups.get(p, {p}) for p in m.group(1).split(","))) if m else None


def is_number(text, limit=1 << 64):
    m = re.fullmatch(NUMBER, text)
    if not m:
        return False
    digits = m.group(1)
    return int(digits[2:] or "0", 16) < limit if digits[:2] in ("0x", "0X") else int(digits, 8 if digits[0] == "0" else 10) < limit


def is_mac(text):
    return re.fullmatch(r"[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}", text)


def is_ipv4(text):
    return re.fullmatch(r"\d{1,3}(\.\d{1,3}){3}", text) and all(int(n) < 256 for n in text.split("."))


def is_nat_range(text):
    ip = r"\d+\.\d+\.\d+\.\d+"
    m = re.fullmatch(rf"({ip})(?:-({ip}))?(?::(\d+)(?:-(\d+))?)?", text)
    return m and all(is_ipv4(a) for a in m.groups()[:2] if a) and all(int(p) < 65536 for p in m.groups()[2:] if p)


# The message of a number, an address or a range that goes on as something else or is too large; what it names, whether that is right
# after all, and what is right in its place.
VALUE = r"(?:^.*immediate value \(|^ovs-ofctl: )"
MALFORMED = [
    (r"^ovs-ofctl: (.*?)->.*: cannot parse integer value$", lambda t: is_number(t, 1 << 128), "1"),
    (r"^ovs-ofctl: .*\[.*\]: cannot parse integer value: (.*)$", lambda t: is_number(t, 1 << 128), "1"),
    (r'^ovs-ofctl: invalid nat range "(.*)"$', is_nat_range, "10.0.0.1"),
    (r"^ovs-ofctl: Invalid NSH TLV header: (.*)$", lambda t: re.fullmatch(r"0x[0-9a-f]{1,4},\d{1,2},0x([0-9a-f]{2})+", t), "0x1,2,0x1234"),
    (r'^ovs-ofctl: invalid (?:priority|\w+_timeout) "(.*)"$', lambda t: is_number(t, 65536) and "-" not in t and t[-1:] not in "xX", "7"),
    (r"^ovs-ofctl: invalid numeric format (.*)$", lambda t: is_number(t) and t[-1:] not in "xX", "7"),
    (VALUE + r"(.*?): invalid Ethernet address\)?$", lambda t: all(map(is_mac, t.split("/"))) and t.count("/") < 2, "1:2:3:4:5:6"),
    (r"^ovs-ofctl: invalid mac address (.*)$", is_mac, "1:2:3:4:5:6"),
    (VALUE + r"(.*?): invalid IP address\)?$", lambda t: is_ipv4(t.split("/")[0]) and re.fullmatch(r"[^/]*(/(\d+|\d+\.\d+\.\d+\.\d+))?", t), "1.2.3.4"),
    (VALUE + r"(\d.*?): unknown (?:TCP|ct_state|tunnel) flag\(s\)\)?$", lambda t: all(is_number(n, 1 << 31) for n in t.split("/")) and t.count("/") < 2, "1"),
    (VALUE + r"([^ ]*?\|.*?): unknown (?:TCP|ct_state|tunnel) flag\(s\)\)?$", lambda t: not any(w[:1].isdigit() and not is_number(w) for w in t.split("|")), "1"),
    (VALUE + r"([^ ]*?): IPv[46] network prefix bits not between 0 and \d+, inclusive\)?$", lambda t: int_or(t.partition("/")[2], 0) < 1 << 31, "::1"),
    (VALUE + r"([^ ]*?)(?:/[^ ]*)?: (?:value|mask) too large for \d+-bit field", lambda t: is_number(t, 2), "1"),
    (r"^ovs-ofctl: (?:\"conjunction\" syntax|conjunction must have at most 64 clauses|clause index must be less).*()$", lambda t: False, None),
    (r"^ovs-ofctl: .*: (?:starting|ending) bit (\d+) is not valid", lambda t: int(t) < 1 << 31, "31"),
]


def malformed(text, stock, ours):
    """A number that goes on as something else, or is too large: the stock program takes what it can."""
    for pattern, is_right, right in MALFORMED:
        m = re.search(pattern, re.sub(r"^(ovs-ofctl: )file:\d+: ", r"\1", ours[2]), re.M)
        if not m:
            continue
        if right is None:  # conjunction(99999999999,1/2), conjunction(5,1/258)
            new = re.sub(r"(conjunction[(:])([^,)]*),([^,)]*)", lambda c: c.group(1) + ("1" if int_or(c.group(2), 1 << 40) >= 1 << 32 else c.group(2)) + "," + c.group(3), text)
            new = re.sub(r"(conjunction[(:][^,)]*,)(\d+)(?=/)", lambda c: c.group(1) + ("66" if int(c.group(2)) > 255 else c.group(2)), new)
            return re.sub(r"(conjunction[(:][^,)]*,[^/,)]*/)(\d+)", lambda c: c.group(1) + ("65" if int(c.group(2)) > 255 else c.group(2)), new)
        token = m.group(1)
        if is_right(token) or token not in text:
            return text
        if re.match(r"ovs-ofctl: invalid (numeric format|priority|\w+_timeout) ", m.group(0)):
            # Only learn's own words are read by others than the stock program's strict parsers.
            return re.sub(r"(learn\(.*?(?:priority|cookie|limit|\w+_timeout)[=:(])" + re.escape(token) + r"(?=[,) \t]|$)", lambda c: c.group(1) + right, text, count=1)
        if "cannot parse integer" in m.group(0) and "->" in m.group(0):
            return re.sub(r"(load[:=(])" + re.escape(token) + "->", lambda c: c.group(1) + right + "->", text, count=1)
        return text.replace(token, right, 1)
    return text


def int_or(text, other):
    try:
        return int(text, 0)
    except ValueError:
        return other


def empty_number(text, stock, ours):
    if ours[2] == "ovs-ofctl: missing required numeric argument\n":
        return re.sub(r"(learn\(.*?)(cookie|limit)(?:[=:]?(?=[,) \t]|$))", r"\1\2=7", text, count=1)
    if re.search(r'invalid (\w+) ""$', ours[2].strip()):
        return re.sub(r"(learn\(.*?)(priority|\w+_timeout)(?:[=:]?(?=[,) \t]|$))", r"\1\2=7", text, count=1)
    return text


def bits_of(text, width):
    """A value or mask as a number."""
    if is_mac(text):
        return int("".join("%02x" % int(b, 16) for b in text.split(":")), 16)
    if is_ipv4(text):
        return functools.reduce(lambda a, b: a << 8 | int(b), text.split("."), 0)
    return int(text, 0)


WIDTHS = {"eth_src": 48, "eth_dst": 48, "dl_src": 48, "dl_dst": 48, "ip_src": 32, "ip_dst": 32, "nw_src": 32, "nw_dst": 32, "arp_spa": 32, "arp_tpa": 32, "arp_sha": 48,
          "arp_tha": 48, "tun_src": 32, "tun_dst": 32, "tcp_src": 16, "tcp_dst": 16, "udp_src": 16, "udp_dst": 16, "vlan_tci": 16, "vlan_vid": 12}
LEGACY = {"eth_src", "eth_dst", "dl_src", "dl_dst", "ip_src", "ip_dst", "nw_src", "nw_dst", "tcp_src", "tcp_dst", "udp_src", "udp_dst", "vlan_tci", "vlan_vid"}
MASKED = re.compile(r"set_field([:(])([^,()/]*)/([^,()/]*)->([a-z0-9_]+)")


def value_and_mask(value, mask, field):
    import ipaddress
    if ":" in value and not is_mac(value):
        v = int(ipaddress.IPv6Address(value))
        m = (1 << 128) - (1 << 128 - int(mask)) if mask.isdigit() else int(ipaddress.IPv6Address(mask))
        return v, m
    if is_ipv4(value) and mask.isdigit():
        return bits_of(value, 32), (1 << 32) - (1 << 32 - int(mask))
    return bits_of(value, 0), bits_of(mask, 0)


def masked_value(text, stock, ours):
    """Bits of a value that its mask leaves out: the stock program sends what it does not read itself."""
    def clear(m):
        sep, value, mask, field = m.groups()
        try:
            v, bits = value_and_mask(value, mask, field)
        except ValueError:
            return m.group(0)
        if not v & ~bits:
            return m.group(0)
        v &= bits
        if is_mac(value):
            shown = ":".join("%02x" % (v >> 8 * i & 255) for i in range(5, -1, -1))
        elif ":" in value:
            import ipaddress
            shown = str(ipaddress.IPv6Address(v))
        elif is_ipv4(value):
            shown = ".".join(str(v >> 8 * i & 255) for i in range(3, -1, -1))
        else:
            shown = hex(v)
        return f"set_field{sep}{shown}/{mask}->{field}"
    return MASKED.sub(clear, text)


def masked_legacy(text, stock, ours):
    """OpenFlow 1.0 and 1.1 have no masks in actions: the stock program forgets it, ours sends loads."""
    def loads(m):
        sep, value, mask, field = m.groups()
        if field not in LEGACY or sep != ":":
            return m.group(0)
        try:
            v, bits = value_and_mask(value, mask, field)
        except ValueError:
            return m.group(0)
        width, out, at = WIDTHS[field], [], 0
        if bits == (1 << width) - 1 and field != "vlan_vid":
            return m.group(0)
        while at < width:
            n = 0
            while at + n < width and bits >> at + n & 1:
                n += 1
            if n:
                out.append("load:0x%x->%s[%d..%d]" % (v >> at & (1 << n) - 1, field, at, at + n - 1))
            at += n or 1
        return ",".join(out) or m.group(0)
    return MASKED.sub(loads, text)


def larger_in_bucket(text, stock, ours):
    """check_pkt_larger() in a bucket: the stock program puts a parenthesis where none should be."""
    head, bucket, rest = text.partition("bucket=")
    return head + bucket + re.sub(r"check_pkt_larger\(([^(),]*)\)->", "load:0->", rest) if stock[2] else text


def buckets(text):
    """What stands before the buckets, and the buckets."""
    head, *parts = text.split("bucket=")
    return head, parts


def bucket_ids(text, stock, ours):
    """Buckets without an id next to ones with ids get the lowest that is free."""
    head, parts = buckets(text)
    ids = [re.findall(r"(?:^|,)\s*bucket_id[=:](\w+)", re.sub(r"\([^()]*\)", "", re.sub(r"\([^()]*(?:\([^()]*\)[^()]*)*\)", "", p))) for p in parts]
    if not any(ids) or all(ids):
        return text
    taken = {int_or(i[-1], -1) for i in ids if i}
    out = []
    for part, own in zip(parts, ids):
        if not own:
            free = next(n for n in range(1 << 16) if n not in taken)
            taken.add(free)
            part = f"bucket_id:{free}," + part
        out.append(part)
    return "bucket=".join([head, *out])


def zone_of_field(text, stock, ours):
    """What is in ct() with a zone from a field is not checked against the match."""
    if "MATCH_INCONSISTENT" not in ours[2]:
        return text
    return re.sub(r"(ct\([^()]*zone=)(?!\d)[A-Za-z_0-9]+(\[[0-9.]*\])?", r"\g<1>1", text)


def nsh_in_learn(text, stock, ours):
    """Fields with long headers in learn(): the stock program sends what nobody reads."""
    m = re.search(r"experimenter OXM field '(nsh_\w+)[^']*' not supported", ours[2])
    if not m:
        return text
    field = m.group(1)
    return re.sub(r"(load[:(]|=|output[:(])" + field + r"(\[(?!\])[^\]]*\]|\[\])?", lambda c: c.group(1) + "reg0" + (c.group(2) if c.group(2) not in (None, "[]") else "[0..%d]" % (NSH[field] - 1)),
                  text, count=1)


def vlan_in_actions(text, stock, ours):
    """dl_vlan and dl_vlan_pcp have no header."""
    head, word, actions = text.partition("action")
    if "field of matches only" in ours[2] or ("to unknown port" in ours[2] and "output:dl_vlan" in actions):
        return head + word + re.sub(r"dl_vlan(?!_)", "vlan_vid", actions.replace("dl_vlan_pcp", "vlan_pcp"))
    return head + word + re.sub(r"set_field:(\w+)->dl_vlan_pcp", r"set_field:\1->vlan_pcp",
                                re.sub(r"set_field:(\w+)->dl_vlan(?!_)", lambda m: "set_field:%d->vlan_vid" % (int_or(m.group(1), 0) | 0x1000), actions))


def ecn_over_11(text, stock, ours):
    """OpenFlow 1.1's match has no ECN."""
    if "usable flow formats" not in ours[2] or "(OpenFlow11)" not in ours[2]:
        return text
    head, word, actions = text.partition("action")
    return re.sub(r"(nw|ip)_ecn=\w+", "", head) + word + actions


def option_map(text, stock, ours):
    """add-tlv-map: numbers that are too large, and blanks between the options."""
    def right(m):
        numbers = [int_or(n, 0) for n in m.groups()]
        limits = [0xffff, 0xff, 124, 63]
        numbers = [n if 0 <= n <= limit else limit for n, limit in zip(numbers, limits)]
        return "{class=%d,type=%d,len=%d}->tun_metadata%d" % (*numbers[:2], numbers[2] // 4 * 4, numbers[3])
    return re.sub(r"[, \t\r]+\{", ",{", re.sub(r"\{class=(\w+|-1),type=(\w+|-1),len=(\w+)\}->tun_metadata(-?\d+)", right, text))


def decap_more(text, stock, ours):
    """decap() takes one argument; the stock program does not look at the rest."""
    if "Invalid decap argument" not in ours[2]:
        return text
    m = re.search(r"decap\(packet_type\([^()]*\)", text)
    if not m:
        return text
    at, depth = m.end(), 1
    while at < len(text) and depth:
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return text[:m.end()] + ")" * (depth == 0) + text[at:]


def nat_flags(text, stock, ours):
    return re.sub(r"(nat\((?:src|dst))((?:,(?:random|hash|persistent))+)\)", r"\1)", text)


def deep(text, stock, ours):
    if ours[2] != "ovs-ofctl: Action nested too deeply\n":
        return text
    return re.sub(r"(clone\(){%d,}" % (DEPTH + 1), "clone(" * DEPTH, re.sub(r"\){%d,}" % (DEPTH + 1), ")" * DEPTH, text))


def whole_field(text, stock, ours):
    """Bits of a field that matches as a whole."""
    if not re.search(r"field \w+ matches as a whole only$", ours[2].strip()):
        return text
    return re.sub(r"\b\w+\[[^\]]*\](?==)", "reg0", text, count=1)


def open_quote(text, stock, ours):
    """A table whose name begins with a quote that nobody closes: the stock program takes it for table 0."""
    return re.sub(r'(table=)"(\w*)(?=[,)]|$)', r"\g<1>0", text) if 'unknown table "' in ours[2] else text


RULES = [whole_field, open_quote, malformed, empty_number, larger_in_bucket, masked_value, bucket_ids, zone_of_field, nsh_in_learn, vlan_in_actions, ecn_over_11, option_map, decap_more, nat_flags, deep]
NESTS = re.compile(r"\b(?:clone|write_actions|exec)(?:\(|(?=[,\s]|$))")


def cut(text, at):
    """The text up to there, with its parentheses closed."""
    head = text[:at]
    head = re.sub(r"[, \t]+$", "", head)
    return head + ")" * max(0, head.count("(") - head.count(")"))


def collected(argv, want, ask):
    """What the stock program forgets: the protocols of what stands before clone(), write_actions(), exec() and in earlier buckets. It
    counts OpenFlow 1.1 in for matches on ECN."""
    text = argv[-1]
    verb = argv[-2] if len(argv) > 1 else ""
    first = text.find("bucket=") if "group" in verb else text.find("action")
    if first < 0:
        return want
    cuts = [m.start() for m in NESTS.finditer(text) if m.start() > first]
    if "group" in verb:
        cuts += [m.start() for m in re.finditer("bucket=", text)][1:]
    elif any(text[:c].rstrip(" ,").endswith("=") for c in cuts):
        cuts = [c for c in cuts if not text[:c].rstrip(" ,").endswith("=")]
    for at in cuts:
        piece = cut(text, at)
        if piece.endswith(("actions=", "action=", "bucket=")) or re.search(r"bucket=[^()]*bucket_id[=:]\d+$", piece):
            continue
        answer = ask([*argv[:-1], piece])
        if "OFPBAC_MATCH_INCONSISTENT" in answer[2] and "usable protocols" not in answer[1]:
            want = set()
        elif usable(answer[1]) is not None:
            want &= usable(answer[1])
    if re.search(r"(nw|ip)_ecn", text[:first]):
        want = want - {"OpenFlow11"}
    return want


def forgotten(argv, stock, ours, ask):
    """Collected from the stock program piece by piece, the protocols must be ours."""
    m = re.fullmatch(r"ovs-ofctl: none of the usable flow formats \((.*)\) is among the allowed flow formats .*\n", ours[2])
    if m and len(argv) > 3 and re.search("flow|group|bucket", argv[-3]):
        return usable(f"usable protocols: {m.group(1)}\n") == sent_protocols(argv, ask)
    if "OFPBAC_MATCH_INCONSISTENT" in ours[2] and len(argv) > 3 and "flow" in argv[-3]:
        return not sent_protocols(argv, ask)
    want = usable(stock[1])
    if want is None:
        return False
    want = collected(argv, want, ask)
    have = usable(ours[1])
    if have is None:
        return not want and "OFPBAC_MATCH_INCONSISTENT" in ours[2]
    if have != want or have == usable(stock[1]):
        return False
    if "no usable protocol" in ours[2]:
        return True
    rest = [r[1].split("\n", 1)[1] for r in (stock, ours)]
    return rest[0] == rest[1] or rest[0].split("\n")[0] != rest[1].split("\n")[0]  # another protocol is chosen


def sent_protocols(argv, ask):
    """Those of a flow or group that is sent."""
    offline, text = [a for a in argv[:-3] if a not in ("--strict", "--bundle", "--may-create")], argv[-1]
    if "bucket" in argv[-3]:  # which parse-group does not know
        text = re.sub(r"command_bucket_id=\w+", "type=select", text)
    offline += ["parse-flow" if "flow" in argv[-3] else "parse-group", text]
    return collected(offline, usable(ask(offline)[1]) or set(), ask)


def deliberate(argv, stock, ours, asks, left=6):
    """Whether docs/differences.md explains that these differ. `asks`: functions that call the stock program, and ours."""
    if stock == ours:
        return True
    if stock[0] == "waits for ever":
        return ours[0] in (0, 1)
    if stock[0] < 0:  # an assertion
        return "assertion" in stock[2] and ours[0] in (0, 1) and (not ours[0] or ours[2].startswith("ovs-ofctl: "))
    if stock[2].replace("(null)", "packet length") == ours[2] or "[Unknown]" in stock[2]:
        return True
    if forgotten(argv, stock, ours, asks[0]):
        return True
    old = {"OpenFlow10", "OpenFlow11"} & set(argv)
    at = max(range(len(argv)), key=lambda i: len(argv[i]))
    if "mod-table" in argv and "vacancy".startswith(argv[-1].split(":")[0]) and ours[2].startswith("ovs-ofctl: invalid table_mod setting "):
        return True  # "vac:20,80": the stock program looks at the beginning only
    if "ct_nw_proto is set multiple times" in ours[2] and " ".join(argv).count("ct_nw_proto=") > 1:
        return stock[0] == 0 or "ct_nw_proto is set multiple times" in stock[2]
    if "dump-groups" in argv and ours[2].endswith('is not a valid group ID (a number, or "all")\n'):
        return not (re.fullmatch(r"\s*[-+]?\d+", argv[-1]) and 0 <= int(argv[-1]) < 1 << 32)
    if "queue-get-config" in argv and ours[2].endswith("is not the number of a queue, nor ALL\n"):
        return not is_number(argv[-1], 1 << 32)
    if "ct-flush" in argv and "invalid L4 fields" in ours[2] and re.search("ct_nw_proto=(1|58)\\b", " ".join(argv)) and left:  # with ports and ICMP
        again = [re.sub(r"ct_tp_(src|dst)=\w*", "", a) for a in argv]
        return again != argv and deliberate(again, asks[0](again), asks[1](again), asks, left - 1)
    zone = next((i for i, a in enumerate(argv) if a.startswith("zone=")), None)
    if zone and "Failed to parse zone" in ours[2] and int_or(argv[zone][5:], -1) not in range(65536) and left:
        again = [*argv[:zone], "zone=5", *argv[zone + 1:]]
        return deliberate(again, asks[0](again), asks[1](again), asks, left - 1)
    for rule in RULES + [masked_legacy] * bool(old) if left else []:
        text = rule(argv[at], stock, ours)
        if text == argv[at]:
            continue
        again = [*argv[:at], text, *argv[at + 1:]]
        if deliberate(again, asks[0](again), asks[1](again), asks, left - 1):
            return True
    return False

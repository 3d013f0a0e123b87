# SPDX-License-Identifier: Apache-2.0
"""What OpenFlow 1.5 has to say of controllers and bundles, and stock does not say: os-ken is the controllers, two of them, and reads all of it."""
import os
import socket
import struct

import pytest
from os_ken.ofproto import ofproto_parser

import harness
from harness import wait_until
from osken import OsKen

UP, DOWN = 0, 1
REQUEST, CHANNEL_STATUS, ROLE, ADDED, REMOVED, SHORT_ID = range(6)
EQUAL, PRIMARY, SECONDARY = 1, 2, 3
AWAY = "tcp:127.0.0.1:6633"  # nobody listens there


class Controller(OsKen):
    """One that the switch connects to."""

    def __init__(self, listener):
        accepted, _ = listener.accept()
        accepted.settimeout(10)
        super().__init__(None, "OpenFlow15", accepted)

    def hear(self):
        """The next message, which os-ken must be able to read."""
        while True:
            kind, xid, data = self.receive()
            if kind == self.ofp.OFPT_ECHO_REQUEST:
                self.socket.sendall(data[:1] + b"\3" + data[2:])
                continue
            message = ofproto_parser.msg(self.proto, self.wire, kind, len(data), xid, data)
            assert message is not None, f"os-ken cannot read {data.hex()}"
            return message

    def ask(self, name, *args, **kw):
        self.send(getattr(self.parser, name)(self.proto, *args, **kw))
        return self.hear()

    def role(self, role=0, short_id=0, generation=0):
        return self.ask("OFPRoleRequest", role, short_id, generation)

    def news(self):
        message = self.hear()
        assert isinstance(message, self.parser.OFPControllerStatus), message
        return words(message.status)

    def controllers(self):
        self.send(self.parser.OFPControllerStatusStatsRequest(self.proto))
        kind, xid, data = self.receive()
        assert (kind, xid, data[8:12]) == (self.ofp.OFPT_MULTIPART_REPLY, self.xid, b"\0\x12\0\0")
        found, rest = [], data[16:]
        while rest:  # one by one: os-ken's parser reads an entry as if it went on into the next one
            n = int.from_bytes(rest[:2], "big")
            found.append(words(self.parser.OFPControllerStatusStats.parser(rest[:n], 0)))
            rest = rest[n:]
        return found

    def want(self, **masks):
        p = [self.parser.OFPAsyncConfigPropReasons(type_=getattr(self.ofp, f"OFPACPT_{name}"), length=8, mask=mask) for name, mask in masks.items()]
        self.send(self.parser.OFPSetAsync(self.proto, p))
        self.barrier()

    def wanted(self):
        properties = self.ask("OFPGetAsyncRequest").properties  # os-ken has numbers for all of them, but reads the first twelve
        return dict((p.type, p.mask) if hasattr(p, "mask") else struct.unpack("!HxxI", p.buf[:8]) for p in properties)


def words(status):
    uri, = (p.uri for p in status.properties)
    return uri.decode() if isinstance(uri, bytes) else uri, status.short_id, status.role, status.reason, status.channel_status


def listen(path):
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    s.listen(4)
    s.settimeout(10)
    return s


@pytest.fixture
def two(switch):
    switch.vsctl("set", "bridge", "br0", "protocols=OpenFlow15", "fail_mode=secure")
    paths = [f"{switch.dir}/controller{i}" for i in range(2)]
    listeners = [listen(p) for p in paths]
    made = []
    try:
        for i, p in enumerate(paths):
            switch.vsctl("set-controller", "br0", *(f"unix:{p}" for p in paths[:i + 1]))
            made.append(Controller(listeners[i]))
            made[i].uri, made[i].listener = f"unix:{p}", listeners[i]
        yield made
    finally:
        for s in listeners + made:
            s.close()
        for p in paths:
            os.unlink(p)


@pytest.mark.skipif(not harness.is_root(), reason="needs root: network namespaces")
def test_controller_status(switch, two):
    a, b = two
    assert sorted(a.controllers()) == [(a.uri, 0, EQUAL, REQUEST, UP), (b.uri, 0, EQUAL, REQUEST, UP)]
    b.role(PRIMARY, 0, 1)
    b.role(EQUAL, 0, 1)
    a.barrier()  # nobody asked: nobody is told
    assert a.wanted()[a.ofp.OFPACPT_CONT_STATUS_MASTER] == 0
    a.want(CONT_STATUS_MASTER=0x7e, CONT_STATUS_SLAVE=1 << ROLE)
    wanted = a.wanted()
    assert (wanted[a.ofp.OFPACPT_CONT_STATUS_MASTER], wanted[a.ofp.OFPACPT_CONT_STATUS_SLAVE]) == (0x7e, 1 << ROLE)

    reply = b.role(PRIMARY, 7, 2)
    assert (reply.role, reply.short_id, reply.generation_id) == (PRIMARY, 7, 2)
    assert a.news() == (b.uri, 0, PRIMARY, ROLE, UP)
    assert a.news() == (b.uri, 7, PRIMARY, SHORT_ID, UP)
    taken = a.role(0, 7)
    assert (taken.type, taken.code) == (a.ofp.OFPET_ROLE_REQUEST_FAILED, 4)  # OFPRRFC_ID_IN_USE
    assert a.role(SECONDARY, 3, 2).short_id == 3
    assert sorted(b.controllers()) == [(a.uri, 3, SECONDARY, REQUEST, UP), (b.uri, 7, PRIMARY, REQUEST, UP)]
    b.role(EQUAL, 8)
    assert a.news() == (b.uri, 7, EQUAL, ROLE, UP)  # secondaries asked for nothing else
    a.barrier()
    a.role(EQUAL)

    b.close()
    assert a.news() == (b.uri, 8, EQUAL, CHANNEL_STATUS, DOWN)
    again = Controller(b.listener)
    assert a.news() == (b.uri, 0, EQUAL, CHANNEL_STATUS, UP)
    switch.vsctl("set-controller", "br0", a.uri, b.uri, AWAY)
    assert a.news() == (AWAY, 0, EQUAL, ADDED, DOWN)
    assert sorted(a.controllers()) == sorted([(AWAY, 0, EQUAL, REQUEST, DOWN), (a.uri, 3, EQUAL, REQUEST, UP), (b.uri, 0, EQUAL, REQUEST, UP)])
    switch.vsctl("set-controller", "br0", a.uri, b.uri)
    assert a.news() == (AWAY, 0, EQUAL, REMOVED, DOWN)
    shown = switch.ofctl("-O", "OpenFlow15", "show", "br0")  # who visits is no controller
    assert "OFPT_FEATURES_REPLY (OF1.5)" in shown
    a.barrier()
    again.close()


@pytest.mark.skipif(not harness.is_root(), reason="needs root: network namespaces")
def test_controller_status_through_a_listener(switch):
    """Who came to a listener is a controller, too, and hears of others when it has set a miss_send_len."""
    path = f"{switch.dir}/br0.guests"
    switch.vsctl("set", "bridge", "br0", "protocols=OpenFlow15")
    switch.vsctl("set-controller", "br0", f"punix:{path}")
    wait_until(lambda: os.path.exists(path), what="the listener")
    p, guests = None, []

    def guest():
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(10)
        s.connect(path)
        g = Controller.__new__(Controller)
        OsKen.__init__(g, None, "OpenFlow15", s)
        guests.append(g)
        g.barrier()
        return g

    try:
        a = guest()
        p = a.parser
        a.send(p.OFPSetConfig(a.proto, 0, 128))
        a.want(CONT_STATUS_MASTER=0x7e)
        b = guest()
        assert a.news() == ("unix", 0, EQUAL, CHANNEL_STATUS, UP)
        b.role(0, 5)
        assert a.news() == ("unix", 5, EQUAL, SHORT_ID, UP)
        assert len(b.controllers()) == 2
        b.close()
        assert a.news() == ("unix", 5, EQUAL, CHANNEL_STATUS, DOWN)
    finally:
        for g in guests:
            g.close()


@pytest.mark.skipif(not harness.is_root(), reason="needs root: network namespaces")
def test_bundle_features(two):
    a, _ = two
    p, ofp = a.parser, a.ofp
    plain = a.ask("OFPBundleFeaturesStatsRequest", 0, 0, [])
    assert (plain.body.capabilities, plain.body.properties) == (ofp.OFPBF_ATOMIC | ofp.OFPBF_ORDERED, [])
    now = p.OFPTime(1000, 5)
    time = p.OFPBundleFeaturesPropTime(type_=ofp.OFPTMPBF_TIME_CAPABILITY, sched_accuracy=now, sched_max_future=now, sched_max_past=now, timestamp=now)
    assert a.ask("OFPBundleFeaturesStatsRequest", 0, ofp.OFPBF_TIMESTAMP, [time]).body.capabilities == 3
    errors = [(ofp.OFPBF_TIME_SET_SCHED, [time], (ofp.OFPET_BAD_REQUEST, ofp.OFPBRC_MULTIPART_BAD_SCHED)),
              (ofp.OFPBF_TIME_SET_SCHED, [], (ofp.OFPET_BUNDLE_FAILED, ofp.OFPBFC_BAD_FLAGS)),
              (1 << 7, [time], (ofp.OFPET_BUNDLE_FAILED, ofp.OFPBFC_BAD_FLAGS)),
              (0, [time, time], (ofp.OFPET_BAD_PROPERTY, ofp.OFPBPC_DUP_TYPE))]
    for flags, properties, expected in errors:
        error = a.ask("OFPBundleFeaturesStatsRequest", 0, flags, properties)
        assert (error.type, error.code) == expected
    refused = a.ask("OFPBundleCtrlMsg", 1, ofp.OFPBCT_OPEN_REQUEST, ofp.OFPBF_TIME, [])
    assert (refused.type, refused.code) == (ofp.OFPET_BUNDLE_FAILED, ofp.OFPBFC_BAD_FLAGS)


@pytest.mark.skipif(not harness.is_root(), reason="needs root: network namespaces")
def test_asynchronous_configuration(two):
    """All types of 1.5 are kept and told; reasons and types that are none are refused."""
    a, _ = two
    masks = {a.ofp.OFPACPT_REQUESTFORWARD_SLAVE: 1, a.ofp.OFPACPT_REQUESTFORWARD_MASTER: 3, a.ofp.OFPACPT_FLOW_STATS_SLAVE: 2, a.ofp.OFPACPT_FLOW_STATS_MASTER: 0,
             a.ofp.OFPACPT_CONT_STATUS_SLAVE: 0x7f, a.ofp.OFPACPT_CONT_STATUS_MASTER: 4}
    before = a.wanted()
    assert set(before) == set(range(16)) and not any(before[t] for t in (10, 11, 14, 15))
    reasons = lambda t, mask: a.parser.OFPAsyncConfigPropReasons(type_=t, length=8, mask=mask)  # noqa: E731
    a.send(a.parser.OFPSetAsync(a.proto, [reasons(t, m) for t, m in masks.items()]))
    assert a.wanted() == {**before, **masks}
    for t, mask, code in ((15, 1 << 7, a.ofp.OFPACFC_INVALID), (12, 4, a.ofp.OFPACFC_INVALID), (16, 1, a.ofp.OFPACFC_UNSUPPORTED)):
        error = a.ask("OFPSetAsync", [reasons(t, mask)])
        assert (error.type, error.code) == (a.ofp.OFPET_ASYNC_CONFIG_FAILED, code)
    assert a.wanted() == {**before, **masks}


@pytest.mark.skipif(not harness.is_root(), reason="needs root: network namespaces")
def test_requestforward(two):
    """A change of groups or meters is shown to who asked for it, whole, and to nobody else."""
    a, b = two
    p, ofp = a.parser, a.ofp
    bucket = p.OFPBucket(1, [p.OFPActionOutput(ofp.OFPP_IN_PORT)], [])
    group = lambda n: b.parser.OFPGroupMod(b.proto, ofp.OFPGC_ADD, ofp.OFPGT_ALL, n, buckets=[bucket])  # noqa: E731
    meter = b.parser.OFPMeterMod(b.proto, ofp.OFPMC_ADD, ofp.OFPMF_KBPS, 5, [p.OFPMeterBandDrop(1000, 100)])
    b.send(group(1))
    a.want(REQUESTFORWARD_MASTER=1)
    b.send(group(2))
    told = a.hear()
    assert isinstance(told, p.OFPRequestForward) and isinstance(told.request, p.OFPGroupMod)
    assert (told.request.group_id, told.request.type, told.request.command) == (2, ofp.OFPGT_ALL, ofp.OFPGC_ADD)
    b.send(meter)  # which a did not ask for
    b.barrier()
    a.want(REQUESTFORWARD_MASTER=3)
    b.send(b.parser.OFPMeterMod(b.proto, ofp.OFPMC_DELETE, 0, 5, []))
    told = a.hear()
    assert isinstance(told.request, p.OFPMeterMod) and (told.request.meter_id, told.request.command) == (5, ofp.OFPMC_DELETE)
    a.send(p.OFPGroupMod(a.proto, ofp.OFPGC_DELETE, ofp.OFPGT_ALL, 1))
    a.barrier()


@pytest.mark.skipif(not harness.is_root(), reason="needs root: network namespaces")
def test_one_of_many(switch, two):
    """Of ports and groups, 1.5 can ask for one."""
    a, _ = two
    p, ofp = a.parser, a.ofp
    for n in (1, 2):
        switch.vsctl("add-port", "br0", f"p{n}", "--", "set", "interface", f"p{n}", "type=internal", f"ofport_request={n}")
        a.send(p.OFPGroupMod(a.proto, ofp.OFPGC_ADD, ofp.OFPGT_ALL, n, buckets=[p.OFPBucket(n, [p.OFPActionOutput(n)], [])]))
    a.barrier()  # behind the news of the ports
    ports = lambda which: {x.port_no for x in a.ask("OFPPortDescStatsRequest", 0, which).body}  # noqa: E731
    assert ports(ofp.OFPP_ANY) == {1, 2, ofp.OFPP_LOCAL} and ports(2) == {2} and ports(9) == set()
    stats = lambda which: {x.port_no for x in a.ask("OFPPortStatsRequest", 0, which).body}  # noqa: E731
    assert stats(ofp.OFPP_ANY) == {1, 2, ofp.OFPP_LOCAL} and stats(1) == {1} and stats(9) == set()

    def groups(which):  # os-ken's parser of the reply never ends
        a.send(p.OFPGroupDescStatsRequest(a.proto, 0, which))
        _, _, data = a.receive()
        found, rest = set(), data[16:]
        while rest:
            n, number = struct.unpack("!H2xI", rest[:8])
            found.add(number)
            rest = rest[n:]
        return found
    assert groups(ofp.OFPG_ALL) == {1, 2} and groups(2) == {2} and groups(3) == set()

# SPDX-License-Identifier: Apache-2.0
"""TLS between our programs and the stock ones: databases over ssl:, keys out of the database, bridges that listen and connect."""
import contextlib
import os
import pathlib
import re
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness  # noqa: E402
from harness import ours, stock, wait_until  # noqa: E402


def have_stock():
    try:
        return all(stock(p) for p in ("ovs-vsctl", "ovsdb-server", "ovs-ofctl"))
    except FileNotFoundError:
        return False


SIDES = [ours] + ([stock] if have_stock() else [])
PAIRS = [pytest.param(a, b, id=f"{a.name}-to-{b.name}") for a in SIDES for b in SIDES if ours in (a, b)]


class Pki:
    """Two CAs; sc and cl are signed by the first, stranger by the second."""

    def __init__(self, directory):
        self.dir = pathlib.Path(directory)
        for ca, names in (("ca", ["sc", "cl"]), ("other-ca", ["stranger"])):
            self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                          "-keyout", f"{ca}.key", "-out", f"{ca}.crt", "-subj", f"/CN={ca}")
            for name in names:
                self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key",
                              "-out", f"{name}.csr", "-subj", f"/CN={name}")
                self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.crt", "-CAkey", f"{ca}.key",
                              "-CAcreateserial", "-days", "2", "-out", f"{name}.crt")

    def _openssl(self, *argv):
        subprocess.run(["openssl", *argv], cwd=self.dir, check=True, capture_output=True)

    def file(self, name):
        return str(self.dir / name)

    def options(self, name, ca="ca.crt"):
        return ["-p", self.file(f"{name}.key"), "-c", self.file(f"{name}.crt"), "-C", ca if ca == "none" else self.file(ca)]


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp("pki"))


class Server(harness.Switch):
    """A database server with options of its own, without a switch."""

    def __init__(self, tools, *args):
        super().__init__(tools=tools, start=False)
        self.server = self._spawn("ovsdb-server", tools, self.db, f"--remote=punix:{self.dir}/db.sock", "--log-file",
                                  "-vconsole:off", f"--unixctl={self.dir}/ctl", *args)
        wait_until(lambda: self._alive(self.server) and os.path.exists(f"{self.dir}/db.sock"), what="ovsdb-server")
        self.local("init")

    def local(self, *args):
        return self.tool("ovs-vsctl", "--no-wait", f"--db=unix:{self.dir}/db.sock", *args).stdout

    def ports(self):
        """The TCP ports that the server listens on."""
        inodes = set()
        for fd in pathlib.Path(f"/proc/{self.server.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                inodes.update(re.findall(r"socket:\[(\d+)\]", os.readlink(fd)))
        rows = [line.split() for line in open("/proc/net/tcp").readlines()[1:]]
        return [int(r[1].split(":")[1], 16) for r in rows if r[3] == "0A" and r[9] in inodes]

    def port(self):
        return wait_until(self.ports, what="a listening port")[0]


@pytest.fixture
def server():
    made = []

    def make(*args):
        made.append(Server(*args))
        return made[-1]

    yield make
    for s in made:
        s.close()


def vsctl(tools, server, options, *args, target=None):
    return harness.run(tools("ovs-vsctl"), "--timeout=15", "--no-wait", f"--db={target or f'ssl:127.0.0.1:{server.port()}'}", *options,
                       *args, env=server.env, check=False, timeout=30)


@pytest.mark.parametrize("client,side", PAIRS)
def test_database(server, pki, client, side):
    s = server(side, "--remote=pssl:0:127.0.0.1", *pki.options("sc"))
    target = f"ssl:127.0.0.1:{s.port()}"
    done = vsctl(client, s, pki.options("cl"), "add-br", "br0", "--", "add-port", "br0", "p0")
    assert (done.returncode, done.stderr) == (0, "")
    assert s.local("list-ports", "br0") == "p0\n"
    done = harness.run(client("ovsdb-client"), *pki.options("cl"), "--timeout=15", "list-dbs", target, env=s.env)
    assert "Open_vSwitch" in done.stdout.split()
    done = harness.run(client("ovsdb-client"), *pki.options("cl"), "--timeout=15", "dump", target, "Open_vSwitch", "Bridge", "name", env=s.env)
    assert "br0" in done.stdout
    # Much data both ways.
    many = [word for i in range(300) for word in ("--", "add-port", "br0", f"port{i}", "--", "set", "port", f"port{i}",
                                                  f"external-ids:text={'x' * 1000}")]
    assert vsctl(client, s, pki.options("cl"), *many[1:]).returncode == 0
    assert len(vsctl(client, s, pki.options("cl"), "list-ports", "br0").stdout.split()) == 301


@pytest.mark.parametrize("client,side", PAIRS)
def test_refusals(server, pki, client, side):
    s = server(side, "--remote=pssl:0:127.0.0.1", *pki.options("sc"))
    for options in (pki.options("stranger"), pki.options("cl", ca="other-ca.crt")):
        done = vsctl(client, s, options, "list-br")
        assert done.returncode == 1, done
        assert "database connection failed (" in done.stderr
    assert vsctl(client, s, pki.options("cl"), "list-br").returncode == 0


def test_reasons_are_told(server, pki):
    s = server(ours, "--remote=pssl:0:127.0.0.1", *pki.options("sc"))
    done = vsctl(ours, s, pki.options("cl", ca="other-ca.crt"), "list-br")
    assert "was not signed by the CA that is trusted here" in done.stderr
    assert "database connection failed (Protocol error)" in done.stderr
    done = vsctl(ours, s, [], "list-br")
    assert "no private key is configured (--private-key)" in done.stderr
    assert "database connection failed (Protocol not available)" in done.stderr
    done = vsctl(ours, s, [*pki.options("cl")[:4], "-C", "/nonexistent.pem"], "list-br")
    assert "/nonexistent.pem: cannot be read: No such file or directory" in done.stderr
    for program, *args in (("ovs-vsctl", "--no-wait", f"--db=ssl:127.0.0.1:{s.port()}", "list-br"),
                           ("ovsdb-client", "list-dbs", f"ssl:127.0.0.1:{s.port()}")):
        done = harness.run(ours(program), *pki.options("stranger"), "--timeout=15", *args, env=s.env, check=False)
        assert done.returncode == 1
        assert "the peer refused the connection (unknown CA)" in done.stderr and "Protocol error" in done.stderr
    wait_until(lambda: "was not signed by the CA" in s.log("ovsdb-server"), what="the server's reason")
    # Not TLS at all.
    done = vsctl(ours, s, [], "list-br", target=f"tcp:127.0.0.1:{s.port()}")
    assert done.returncode == 1
    wait_until(lambda: "the peer does not speak TLS" in s.log("ovsdb-server"), what="the server's reason")
    assert vsctl(ours, s, pki.options("cl"), "list-br").returncode == 0


@pytest.mark.parametrize("client,side", PAIRS)
def test_bootstrap(server, pki, tmp_path, client, side):
    s = server(side, "--remote=pssl:0:127.0.0.1", *pki.options("sc"), "--peer-ca-cert", pki.file("ca.crt"))
    fetched = tmp_path / "fetched.pem"
    options = [*pki.options("cl")[:4], f"--bootstrap-ca-cert={fetched}"]
    first = vsctl(client, s, options, "list-br")
    if client is ours:
        assert first.returncode == 0, first.stderr
    strip = [line for line in fetched.read_text().splitlines() if line]
    assert strip[strip.index("-----BEGIN CERTIFICATE-----"):] == pathlib.Path(pki.file("ca.crt")).read_text().splitlines()
    assert vsctl(client, s, options, "list-br").returncode == 0
    other = server(side, "--remote=pssl:0:127.0.0.1", *pki.options("stranger", ca="none"))
    assert vsctl(client, other, options, "list-br").returncode == 1


def test_protocols_and_ciphers(server, pki):
    s = server(ours, "--remote=pssl:0:127.0.0.1", *pki.options("sc"), "--ssl-protocols=TLSv1.2", "--ssl-ciphers=ECDHE-ECDSA-AES256-GCM-SHA384")
    for tools in SIDES:
        assert vsctl(tools, s, pki.options("cl"), "list-br").returncode == 0
    assert vsctl(ours, s, [*pki.options("cl"), "--ssl-ciphers=ECDHE-ECDSA-AES128-GCM-SHA256"], "list-br").returncode == 1
    assert vsctl(ours, s, [*pki.options("cl"), "--ssl-protocols=TLSv1.3", "--ssl-ciphersuites=TLS_AES_128_GCM_SHA256"], "list-br").returncode == 1
    done = vsctl(ours, s, [*pki.options("cl"), "--ssl-protocols=SSLv7"], "list-br")
    assert done.returncode == 1 and "SSLv7: unknown TLS protocol" in done.stderr


def test_keys_out_of_the_database(server, pki):
    s = server(ours, "--remote=db:Open_vSwitch,Open_vSwitch,manager_options", "-p", "db:Open_vSwitch,SSL,private_key",
               "-c", "db:Open_vSwitch,SSL,certificate", "-C", "db:Open_vSwitch,SSL,ca_cert")
    s.local("set-manager", "pssl:0:127.0.0.1")
    port = s.port()
    client = SIDES[-1]
    assert vsctl(client, s, pki.options("cl"), "list-br").returncode == 1  # nobody gave it a key
    s.local("set-ssl", pki.file("sc.key"), pki.file("sc.crt"), pki.file("ca.crt"))
    assert vsctl(client, s, pki.options("cl"), "list-br").returncode == 0
    assert s.port() == port
    s.local("set-ssl", pki.file("stranger.key"), pki.file("stranger.crt"), pki.file("ca.crt"))
    assert vsctl(client, s, pki.options("cl"), "list-br").returncode == 1
    assert vsctl(client, s, pki.options("cl", ca="other-ca.crt"), "list-br").returncode == 0
    s.local("del-ssl")
    assert vsctl(client, s, pki.options("cl", ca="other-ca.crt"), "list-br").returncode == 1


def test_columns_that_are_not_there(server, pki):
    s = server(ours)
    harness.run(ours("ovsdb-tool"), "create", f"{s.dir}/second.db", harness.ROOT / "src/dbclient/vswitch.ovsschema")
    for column in ("db:Open_vSwitch,Nothing,x", "db:Open_vSwitch,SSL,x", "db:Open_vSwitch,Open_vSwitch,ssl", "db:x"):
        said = [harness.run(side("ovsdb-server"), f"{s.dir}/second.db", "-p", column, "--run=true", f"--unixctl={s.dir}/second.ctl",
                            env=s.env, check=False, timeout=20) for side in SIDES]
        assert all(done.returncode == 1 and done.stderr.strip() == said[0].stderr.strip() for done in said), said


class BridgeWorld:
    def __init__(self, tools, pki, *vswitchd_args):
        self.switch = harness.Switch(tools=tools, vswitchd_args=["--enable-dummy=override", *vswitchd_args])
        self.switch.vsctl("add-br", "br0")

    def port(self):
        return Server.port(type("P", (), {"server": self.switch.switch, "ports": lambda p: Server.ports(p)})())


@pytest.fixture
def bridge():
    made = []

    def make(*args):
        made.append(BridgeWorld(*args))
        return made[-1]

    yield make
    for b in made:
        b.switch.close()


@pytest.mark.parametrize("client,side", PAIRS)
@pytest.mark.parametrize("keys_from", ["database", "command-line"])
def test_bridge_listens(bridge, pki, client, side, keys_from):
    b = bridge(side, pki, *(pki.options("sc") if keys_from == "command-line" else []))
    s = b.switch
    if keys_from == "database":
        s.vsctl("set-ssl", pki.file("sc.key"), pki.file("sc.crt"), pki.file("ca.crt"))
    s.vsctl("set-controller", "br0", "pssl:0:127.0.0.1")
    target = f"ssl:127.0.0.1:{b.port()}"

    def ofctl(*args, options=pki.options("cl")):
        return harness.run(client("ovs-ofctl"), *options, "--timeout=15", args[0], target, *args[1:], env=s.env, check=False, timeout=30)

    done = ofctl("add-flow", "priority=7,in_port=3,actions=drop")
    assert (done.returncode, done.stderr) == (0, "")
    assert "priority=7,in_port=3 actions=drop" in ofctl("dump-flows").stdout
    flows = "\n".join(f"priority={i % 60000 + 1},tcp,tp_src={i},actions=drop" for i in range(1, 3000))
    done = harness.run(client("ovs-ofctl"), *pki.options("cl"), "--timeout=15", "add-flows", target, "-", env=s.env, stdin=flows)
    assert len(ofctl("dump-flows").stdout.splitlines()) >= 3000
    assert ofctl("show", options=pki.options("stranger")).returncode == 1
    done = ofctl("show", options=pki.options("cl", ca="other-ca.crt"))
    assert done.returncode == 1
    assert done.stderr.endswith("(Protocol error)\n"), done.stderr


@pytest.mark.parametrize("side", [pytest.param(s, id=s.name) for s in SIDES])
def test_bridge_connects(bridge, pki, side):
    """Our bridge to a bridge of either side that listens: two switches do not get on, but the handshake and the hellos are seen."""
    listening = bridge(side, pki, *pki.options("sc"))
    listening.switch.vsctl("set-controller", "br0", "pssl:0:127.0.0.1")
    b = bridge(ours, pki)
    s = b.switch
    s.vsctl("set-ssl", pki.file("cl.key"), pki.file("cl.crt"), pki.file("other-ca.crt"))
    s.vsctl("set-controller", "br0", f"ssl:127.0.0.1:{listening.port()}")
    wait_until(lambda: "was not signed by the CA that is trusted here" in s.log(), what="the wrong CA is told")
    s.vsctl("set-ssl", pki.file("cl.key"), pki.file("cl.crt"), pki.file("ca.crt"))
    wait_until(lambda: s.vsctl("get", "controller", "br0", "is_connected") == "true\n", timeout=20, what="connected")


@pytest.mark.parametrize("side", [pytest.param(s, id=s.name) for s in SIDES])
def test_switch_and_its_database(server, pki, side):
    """Our switch daemon reaches its database over TLS, and the database server comes to a manager over TLS."""
    d = server(side, "--remote=pssl:0:127.0.0.1", *pki.options("sc"))
    d.switch = d._spawn("ovs-vswitchd", ours, f"ssl:127.0.0.1:{d.port()}", "--enable-dummy=override", "--log-file", "-vconsole:off",
                        f"--unixctl={d.dir}/switch.ctl", *pki.options("cl"))
    done = harness.run(ours("ovs-vsctl"), "--timeout=15", f"--db=unix:{d.dir}/db.sock", "add-br", "br0", env=d.env)
    assert done.returncode == 0  # which waits for the switch
    # A manager that listens: ovs-vsctl on pssl:, the server connects.
    manager = subprocess.Popen([ours("ovs-vsctl"), "--timeout=20", "--no-wait", "--db=pssl:16653:127.0.0.1", *pki.options("cl"), "list-br"],
                               env=d.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    harness.run(d.tools("ovs-appctl"), "-t", f"{d.dir}/ctl", "ovsdb-server/add-remote", "ssl:127.0.0.1:16653", env=d.env)
    out, err = manager.communicate(timeout=30)
    assert out == "br0\n", err

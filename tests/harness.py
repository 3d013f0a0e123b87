# SPDX-License-Identifier: Apache-2.0
"""What system and interop tests stand on: a switch in directories and a network namespace of its own, and hosts beside it.

Everything has an owner that removes it, also when a test fails. Processes are ended by their id, and only our own. A test that needs
root says so by using `Net`; the rest runs as anybody.
"""
import contextlib
import itertools
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
OURS = pathlib.Path(os.environ.get("SLUICE_BIN", ROOT / "build/bin"))
_serial = itertools.count()
# What the sanitizers write before a finding.
FINDINGS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer", "runtime error:")


def is_root():
    return os.geteuid() == 0


class Tools:
    """Where the programs of one side are: ours, or the stock ones of the distribution."""

    def __init__(self, name, lookup):
        self.name = name
        self.lookup = lookup

    def __call__(self, program):
        return self.lookup(program)


def _stock(program):
    for directory in ("/usr/sbin", "/usr/bin"):
        if os.access(f"{directory}/{program}", os.X_OK):
            return f"{directory}/{program}"
    raise FileNotFoundError(f"stock {program} is not installed")


ours = Tools("ours", lambda program: str(OURS / program))
stock = Tools("stock", _stock)


def run(*argv, env=None, timeout=60, check=True, text=True, stdin=None):
    done = subprocess.run([str(a) for a in argv], env=env, timeout=timeout, capture_output=True, text=text, input=stdin)
    err = done.stderr if text else done.stderr.decode(errors="replace")
    if any(finding in err for finding in FINDINGS):
        raise AssertionError(f"{' '.join(map(str, argv))}: exit {done.returncode}\n{err}")
    if check and done.returncode:
        raise AssertionError(f"{' '.join(map(str, argv))}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def wait_until(condition, timeout=10, what="condition"):
    end = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {timeout} s")
        time.sleep(0.02)


class Net:
    """Network namespaces and devices of one test, all removed by close()."""

    def __init__(self):
        self.prefix = f"sl{os.getpid()}x{next(_serial)}"
        self.names = []

    def namespace(self, label):
        name = f"{self.prefix}{label}"
        run("ip", "netns", "add", name)
        self.names.append(name)
        run("ip", "-n", name, "link", "set", "lo", "up")
        return name

    def pair(self, ns_a, dev_a, ns_b, dev_b):
        run("ip", "-n", ns_a, "link", "add", dev_a, "type", "veth", "peer", "name", dev_b, "netns", ns_b)
        for ns, dev in ((ns_a, dev_a), (ns_b, dev_b)):
            # No autoconfigured IPv6: tests count frames.
            with contextlib.suppress(AssertionError):
                run("ip", "netns", "exec", ns, "sysctl", "-qw", f"net.ipv6.conf.{dev}.disable_ipv6=1")
            run("ip", "-n", ns, "link", "set", dev, "up")

    def close(self):
        for name in self.names:
            pids = run("ip", "netns", "pids", name, check=False).stdout.split()
            for pid in pids:
                with contextlib.suppress(ProcessLookupError, ValueError):
                    os.kill(int(pid), signal.SIGKILL)
            run("ip", "netns", "del", name, check=False)


@contextlib.contextmanager
def both_sides(make):
    """[make(tools, net) for ours, the same for stock], whose switches are closed in the end. Needs root."""
    net = Net()
    made = []
    try:
        for tools in (ours, stock):
            made.append(make(tools, net))
        yield made
    finally:
        for side in made:
            (side if hasattr(side, "close") else side.switch).close()
        net.close()


class Host:
    """A namespace with one interface, eth0, whose other end is a port of the switch."""

    def __init__(self, net, switch_ns, port, address, mac=None):
        self.ns = net.namespace(port)
        self.port = port
        self.address = address
        net.pair(switch_ns, port, self.ns, "eth0")
        if mac:
            run("ip", "-n", self.ns, "link", "set", "eth0", "address", mac)
        run("ip", "-n", self.ns, "addr", "add", f"{address}/24", "dev", "eth0")

    def run(self, *argv, **kw):
        return run("ip", "netns", "exec", self.ns, *argv, **kw)

    def popen(self, *argv, **kw):
        return subprocess.Popen(["ip", "netns", "exec", self.ns, *map(str, argv)], **kw)

    def ping(self, address, count=1, wait=1):
        return self.run("ping", "-n", "-c", count, "-i", "0.2", "-W", wait, address, check=False).returncode == 0


class Switch:
    """Database and switch daemons of one side, in a directory of their own and, with `netns`, in a namespace."""

    def __init__(self, tools=ours, netns=None, vswitchd_args=(), dbserver_tools=None, start=True, schema=None):
        self.tools = tools
        self.db_tools = dbserver_tools or tools
        self.netns = netns
        self.vswitchd_args = list(vswitchd_args)
        self.dir = tempfile.mkdtemp(prefix="sluice-test-")
        self.env = dict(os.environ, OVS_RUNDIR=self.dir, OVS_DBDIR=self.dir, OVS_LOGDIR=self.dir, OVS_SYSCONFDIR=self.dir)
        # Programs that end at an error leave their memory to the system; daemons have to free it.
        asan = self.env.get("ASAN_OPTIONS", "")
        self.daemon_env = dict(self.env, ASAN_OPTIONS=asan + ":detect_leaks=1", LSAN_OPTIONS=f"suppressions={ROOT}/tests/lsan.supp")
        self.env["ASAN_OPTIONS"] = asan + ":detect_leaks=0"
        self.db = f"{self.dir}/conf.db"
        self.server = self.switch = None
        schema = schema or ROOT / "src/dbclient/vswitch.ovsschema"
        run(self.db_tools("ovsdb-tool"), "create", self.db, schema, env=self.env)
        if start:
            self.start_server()
            self.vsctl("--no-wait", "init")
            self.start_switch()

    def _spawn(self, program, tools, *args):
        argv = [tools(program), *map(str, args)]
        if self.netns:
            argv = ["ip", "netns", "exec", self.netns, *argv]
        out = open(f"{self.dir}/{program}.out", "ab")
        return subprocess.Popen(argv, env=self.daemon_env, stdout=out, stderr=out, cwd=self.dir)

    def start_server(self):
        self.server = self._spawn("ovsdb-server", self.db_tools, self.db, f"--remote=punix:{self.dir}/db.sock",
                                  "--remote=db:Open_vSwitch,Open_vSwitch,manager_options", "--pidfile", "--log-file", "-vconsole:off")
        wait_until(lambda: self._alive(self.server) and os.path.exists(f"{self.dir}/db.sock") and
                   run(self.db_tools("ovsdb-client"), "list-dbs", f"unix:{self.dir}/db.sock", env=self.env,
                       check=False).returncode == 0, what="ovsdb-server answers")

    def start_switch(self):
        self.switch = self._spawn("ovs-vswitchd", self.tools, f"unix:{self.dir}/db.sock", "--pidfile", "--log-file",
                                  "-vconsole:off", *self.vswitchd_args)
        wait_until(lambda: self._alive(self.switch) and
                   run(self.tools("ovs-appctl"), "-t", "ovs-vswitchd", "version", env=self.env, check=False).returncode == 0,
                   what="ovs-vswitchd answers")

    def _alive(self, process):
        if process.poll() is not None:
            raise AssertionError(f"{process.args} ended with {process.returncode}:\n{self.output()}")
        return True

    def output(self):
        text = ""
        for name in sorted(os.listdir(self.dir)):
            if name.endswith((".out", ".log")):
                text += f"--- {name}\n" + pathlib.Path(self.dir, name).read_text(errors="replace")[-8000:]
        return text

    def findings(self):
        """What the daemons' sanitizers complained about, with the place; empty when they did not."""
        for path in sorted(pathlib.Path(self.dir).glob("*.out")):
            text = path.read_text(errors="replace")
            starts = [at for at in map(text.find, FINDINGS) if at >= 0]
            if starts:
                return f"{path.name}: " + text[max(0, min(starts) - 100):][:20000]
        return ""

    def log(self, program="ovs-vswitchd"):
        return pathlib.Path(self.dir, f"{program}.log").read_text(errors="replace")

    def kill_switch(self, sig=signal.SIGKILL):
        self._kill(self.switch, sig, "ovs-vswitchd")
        self.switch = None

    def kill_server(self, sig=signal.SIGKILL):
        self._kill(self.server, sig, "ovsdb-server")
        self.server = None

    def _kill(self, process, sig, program):
        if process is None or process.poll() is not None:
            return
        process.send_signal(sig)  # `ip netns exec` executes the program: the process is the daemon itself
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
            if sig != signal.SIGKILL:
                raise AssertionError(f"{program} did not end within 10 s after signal {sig}")

    def close(self):
        try:
            self.kill_switch(signal.SIGTERM)
        finally:
            try:
                self.kill_server(signal.SIGTERM)
            finally:
                findings = self.findings()
                shutil.rmtree(self.dir, ignore_errors=True)
        assert not findings, findings

    def tool(self, program, *args, tools=None, **kw):
        return run((tools or self.tools)(program), *args, env=self.env, **kw)

    def vsctl(self, *args, **kw):
        return self.tool("ovs-vsctl", "--timeout=30", f"--db=unix:{self.dir}/db.sock", *args, **kw).stdout

    def ofctl(self, *args, **kw):
        return self.tool("ovs-ofctl", *args, **kw).stdout

    def appctl(self, *args, **kw):
        return self.tool("ovs-appctl", *args, **kw).stdout

    def dbclient(self, *args, **kw):
        return self.tool("ovsdb-client", *args, **kw).stdout

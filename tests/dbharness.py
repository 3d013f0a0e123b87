# SPDX-License-Identifier: Apache-2.0
"""A database server of either side in a directory of its own, and a client that speaks JSON-RPC itself."""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from harness import FINDINGS, ours, run, wait_until


def listens(path):
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(path)
        return True
    except OSError:
        return False


class Client:
    def __init__(self, address, timeout=10):
        if isinstance(address, str):
            self.sock = socket.socket(socket.AF_UNIX)
        else:
            self.sock = socket.socket(socket.AF_INET)
        self.sock.settimeout(timeout)
        self.sock.connect(address)
        self.buffer = ""
        self.next_id = 0
        self.notes = []
        self.kept = {}  # answers to others, by request

    def close(self):
        self.sock.close()

    def send(self, method, params):
        self.next_id += 1
        self.sock.sendall(json.dumps({"method": method, "params": params, "id": self.next_id}).encode())
        return self.next_id

    def receive(self):
        while True:
            self.buffer = self.buffer.lstrip()
            try:
                message, end = json.JSONDecoder().raw_decode(self.buffer)
                self.buffer = self.buffer[end:]
                return message
            except ValueError:
                data = self.sock.recv(1 << 20)
                if not data:
                    raise EOFError("the server closed the connection") from None
                self.buffer += data.decode()

    def answer(self, id_):
        """The answer to a request; notifications that come before it are kept."""
        while True:
            message = self.receive()
            if message.get("method") == "echo":
                self.sock.sendall(json.dumps({"id": message["id"], "result": message["params"], "error": None}).encode())
            elif message.get("method"):
                self.notes.append(message)
            elif message["id"] == id_:
                return message
            else:
                self.kept[message["id"]] = message

    def call(self, method, params):
        message = self.answer(self.send(method, params))
        return message["result"] if message.get("error") is None else message["error"]

    def transact(self, db, *ops):
        return self.call("transact", [db, *ops])

    def rows(self, db, table, columns, where=()):
        result = self.transact(db, {"op": "select", "table": table, "where": list(where), "columns": columns})
        assert "rows" in result[0], result
        return result[0]["rows"]

    def note(self):
        """The next notification."""
        while not self.notes:
            message = self.receive()
            if message.get("method") == "echo":
                self.sock.sendall(json.dumps({"id": message["id"], "result": message["params"], "error": None}).encode())
            else:
                self.notes.append(message)
        return self.notes.pop(0)


class DbServer:
    """`databases`: schemas (dicts) for which files are made; `args`: more of the command line, other databases among them."""

    def __init__(self, tools=ours, databases=(), args=(), env=None, start=True, remote=True, directory=None):
        self.tools = tools
        self.dir = directory or tempfile.mkdtemp(prefix="sluice-db-")
        self.env = dict(os.environ, OVS_RUNDIR=self.dir, OVS_DBDIR=self.dir, OVS_LOGDIR=self.dir, OVS_SYSCONFDIR=self.dir)
        self.env["ASAN_OPTIONS"] = self.env.get("ASAN_OPTIONS", "") + ":detect_leaks=0:quarantine_size_mb=2"
        self.more_env = env or {}
        self.sock = f"{self.dir}/db.sock"
        self.files = []
        for schema in databases:
            self.files.append(self.create(schema))
        self.args = [str(a) for a in args]
        self.remote = [f"--remote=punix:{self.sock}"] if remote else []
        self.wrapper = []  # before the program
        self.process = None
        self.clients = []
        if start:
            self.start()

    def create(self, schema):
        name = f"{self.dir}/{schema['name']}"
        with open(f"{name}.ovsschema", "w") as f:
            json.dump(schema, f)
        run(ours("ovsdb-tool"), "create", f"{name}.db", f"{name}.ovsschema", env=self.env)
        return f"{name}.db"

    def start(self, wait=True):
        needed = [f"{self.dir}/ctl"] + ([self.sock] if self.remote else [])
        for path in needed:
            if os.path.exists(path):
                os.unlink(path)
        self.err = open(f"{self.dir}/stderr", "ab")
        self.process = subprocess.Popen(
            [*self.wrapper, self.tools("ovsdb-server"), *self.files, *self.remote, f"--unixctl={self.dir}/ctl", "-vconsole:off", "-vsyslog:off",
             f"--log-file={self.dir}/log", *self.args], env=dict(self.env, ASAN_OPTIONS=self.env["ASAN_OPTIONS"].replace("detect_leaks=0", "detect_leaks=1"), **self.more_env),
            stderr=self.err)
        if wait:
            wait_until(lambda: self.process.poll() is not None or all(map(listens, needed)), what="ovsdb-server")
            assert self.process.poll() is None, self.stderr()

    def stderr(self):
        with open(f"{self.dir}/stderr", errors="replace") as f:
            return f.read()

    def log(self):
        with open(f"{self.dir}/log", errors="replace") as f:
            return f.read()

    def client(self, timeout=10):
        end = time.monotonic() + 10
        while True:
            try:
                self.clients.append(Client(self.sock, timeout))
                return self.clients[-1]
            except (BlockingIOError, ConnectionRefusedError, FileNotFoundError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.01)

    def appctl(self, *args, check=True):
        done = run(self.tools("ovs-appctl"), "-t", f"{self.dir}/ctl", *args, env=self.env, check=check)
        return done.stdout if check else (done.returncode, done.stdout, done.stderr)

    def stop(self, sig=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            if os.environ.get("SANITIZE") and sig == signal.SIGTERM and self.tools is ours:
                self.appctl("exit")  # so that leaks are looked for
            else:
                self.process.send_signal(sig)
            self.process.wait(20)
        for c in self.clients:
            c.close()
        self.clients = []

    def close(self):
        self.stop()
        text = self.stderr()
        shutil.rmtree(self.dir)
        assert not any(f in text for f in FINDINGS), text

    def rss(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

# SPDX-License-Identifier: Apache-2.0
"""The database server is killed at every write, the disk fills up at every write, loses data at every fsync: what was acknowledged is
there, whole, and nothing else by half. Damage is told, and only repaired on demand."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from dbharness import DbServer  # noqa: E402
from harness import ours, run, wait_until  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
INTEGER = {"type": "integer"}
SCHEMA = {"name": "T", "tables": {t: {"isRoot": True, "columns": {"n": INTEGER, "s": {"type": "string"}}} for t in ("a", "b")}}


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    if b"libasan" in subprocess.run(["ldd", ours("ovsdb-server")], capture_output=True).stdout:
        pytest.skip("the sanitizer has to be loaded first")
    path = tmp_path_factory.mktemp("shim") / "disk_faults.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-o", path, HERE / "disk_faults.c", "-ldl"], check=True)
    return path


class Faulty(DbServer):
    def __init__(self, shim, kind, at):
        super().__init__(databases=[SCHEMA], start=False)
        self.db = self.files[0]
        self.cure = f"{self.dir}/cure"
        self.notes = f"{self.dir}/notes"
        self.faults = {"LD_PRELOAD": str(shim), "FAULT_PREFIX": self.db, "FAULT_KIND": kind, "FAULT_AT": str(at),
                       "FAULT_CURE": self.cure, "FAULT_NOTES": self.notes, "FAULT_STRUCK": f"{self.dir}/struck"}
        self.more_env = self.faults
        self.acked, self.durable, self.failed = set(), set(), set()

    def step(self, c, n):
        """One transaction; every third is to be durable. Each touches both tables."""
        ops = [{"op": "insert", "table": t, "row": {"n": n, "s": f"row {n} of {t}, which is not too short"}} for t in ("a", "b")]
        if n % 3 == 0:
            ops.append({"op": "commit", "durable": True})
        result = c.transact("T", *ops)
        if any(r is None or "error" in r for r in result):
            assert "I/O error" in json.dumps(result) and "can only be read" in json.dumps(result), result
            self.failed.add(n)
            return False
        self.acked.add(n)
        if n % 3 == 0:
            self.durable = set(self.acked)  # what came before is in the same file
        return True

    def work(self):
        """Until it dies, or all is done."""
        try:
            c = self.client()
            for n in range(12):
                self.step(c, n)
                if n in (4, 9):
                    self.appctl("ovsdb-server/compact", check=False)
            return True
        except (EOFError, ConnectionError, AssertionError):
            if self.process.poll() is None:
                wait_until(lambda: self.process.poll() is not None, what="death")
            return False

    def numbers(self):
        c = self.client()
        a, b = (sorted(r["n"] for r in c.rows("T", t, ["n"])) for t in ("a", "b"))
        assert a == b and len(set(a)) == len(a), "half a transaction"
        return set(a)

    def restart_clean(self):
        self.stop(signal.SIGKILL)
        self.more_env = {}
        self.start()


def test_killed_at_every_write(shim):
    at = 1
    while True:
        with Faulty(shim, "kill", at) as s:
            s.start(wait=False)
            s.work()
            s.restart_clean()
            found = s.numbers()
            assert s.acked <= found and found <= set(range(12)), at
            # It goes on as if nothing had been.
            assert s.step(s.client(), 100)
            s.restart_clean()
            assert s.numbers() == found | {100}
            if not os.path.exists(f"{s.dir}/struck"):  # behind its last write
                break
        at += 1
    assert at > 20


def test_power_cut_at_every_write(shim):
    """Only what was synced is left, and a part of what came after it."""
    for at in range(2, 40, 3):
        with Faulty(shim, "kill", at) as s:
            s.start(wait=False)
            s.work()
            s.stop(signal.SIGKILL)
            inode = os.stat(s.db).st_ino
            synced = [int(line.split()[1]) for line in open(s.notes) if int(line.split()[0]) == inode] if os.path.exists(s.notes) else []
            size = os.stat(s.db).st_size
            data = pathlib.Path(s.db).read_bytes()
            first = synced[-1] if synced else len(data)
            s.more_env = {}
            for keep in sorted({first, (first + size) // 2, max(first, size - 7)}):
                pathlib.Path(s.db).write_bytes(data[:keep])
                s.start()
                assert s.durable <= s.numbers() <= set(range(12)), (at, keep)
                s.stop()


@pytest.mark.parametrize("kind", ["full", "lost"])
def test_disk_full_or_failing_at_every_write(shim, kind):
    for at in range(1, 20):
        with Faulty(shim, kind, at) as s:
            s.start()
            c = s.client()
            for n in range(8):
                s.step(c, n)
                if n == 4:
                    s.appctl("ovsdb-server/compact", check=False)
            status = s.appctl("ovsdb-server/get-db-storage-status", "T")
            assert (status == "status: ok\n") or s.failed or kind == "lost", status
            assert s.numbers() == s.acked  # reading goes on
            # It heals by itself, and then everything is as if nothing had been.
            pathlib.Path(s.cure).touch()
            wait_until(lambda: s.appctl("ovsdb-server/get-db-storage-status", "T") == "status: ok\n", what="healing")
            assert s.step(c, 99)
            s.restart_clean()
            assert s.numbers() == s.acked, at


def test_damage_is_told_and_repaired_on_demand():
    with DbServer(databases=[SCHEMA]) as s:
        c = s.client()
        for n in range(5):
            c.transact("T", {"op": "insert", "table": "a", "row": {"n": n}})
        s.stop()
        path = pathlib.Path(s.files[0])
        data = path.read_bytes()
        where = data.index(b'"n":2')
        path.write_bytes(data[:where] + b'"n":9' + data[where + 5:])
        broken = path.read_bytes()
        done = run(ours("ovsdb-server"), *s.files, env=s.env, check=False)
        offset = data.rindex(b"OVSDB JSON", 0, where)
        assert done.returncode and f"damaged at offset {offset}" in done.stderr and "ovsdb-tool check" in done.stderr
        assert path.read_bytes() == broken
        run(ours("ovsdb-tool"), "check", "--repair", path, env=s.env, check=False)
        s.start()
        assert sorted(r["n"] for r in s.client().rows("T", "a", ["n"])) == [0, 1, 3, 4]


def test_compaction_does_not_block():
    """A large database is compacted while a client works; none of its transactions waits for it, and all are there afterwards."""
    with DbServer(databases=[SCHEMA]) as s:
        c = s.client(60)
        for _ in range(4):
            assert "error" not in json.dumps(c.transact("T", *[{"op": "insert", "table": "a", "row": {"n": -1, "s": "x" * 200}}
                                                              for _ in range(10_000)])[0])
        compact = subprocess.Popen([ours("ovs-appctl"), "-t", f"{s.dir}/ctl", "ovsdb-server/compact"], env=s.env)
        n, slowest = 0, 0
        while compact.poll() is None:
            begin = time.monotonic()
            c.transact("T", {"op": "insert", "table": "b", "row": {"n": n}})
            slowest = max(slowest, time.monotonic() - begin)
            n += 1
        assert compact.returncode == 0 and n > 20, (n, slowest)
        c.transact("T", {"op": "insert", "table": "b", "row": {"n": n}})
        assert open(s.files[0], "rb").read().count(b"OVSDB JSON") >= n // 2
        assert not os.path.exists(s.files[0] + ".tmp")
        s.stop(signal.SIGKILL)
        s.start()
        assert sorted(r["n"] for r in s.client(60).rows("T", "b", ["n"])) == list(range(n + 1))


def test_compaction_by_itself():
    with DbServer(databases=[SCHEMA]) as s:
        c = s.client(60)
        for n in range(120):
            c.transact("T", {"op": "delete", "table": "a", "where": []}, {"op": "insert", "table": "a", "row": {"n": n, "s": "x" * 100_000}})
        assert os.path.getsize(s.files[0]) > 11_000_000
        s.appctl("ovsdb-server/memory-trim-on-compaction", "on")
        s.appctl("time/stop")
        s.appctl("time/warp", "11000")
        wait_until(lambda: os.path.getsize(s.files[0]) < 200_000, what="compaction")
        wait_until(lambda: "compacted database online" in s.log(), what="log")
        assert [r["n"] for r in c.rows("T", "a", ["n"])] == [119]

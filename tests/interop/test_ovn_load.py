# SPDX-License-Identifier: Apache-2.0
"""24 OVN-style clients for some seconds (bench/db_clients does it for ten minutes): nobody loses an update, memory stays."""
import json
import os
import subprocess

import pytest

import harness
import ovn_load

SECONDS = float(os.environ.get("OVN_LOAD_SECONDS", "12"))


@pytest.mark.parametrize("options", [[], ["ovsdb-server/compact"]], ids=["plain", "compacting"])
def test_ovn_load(tmp_path, options):
    env = dict(os.environ, OVS_RUNDIR=str(tmp_path), OVS_LOGDIR=str(tmp_path), OVS_DBDIR=str(tmp_path))
    (tmp_path / "schema").write_text(json.dumps(ovn_load.SCHEMA))
    harness.run(harness.ours("ovsdb-tool"), "create", tmp_path / "db", tmp_path / "schema", env=env)
    with open(tmp_path / "out", "w") as out:
        server = subprocess.Popen([harness.ours("ovsdb-server"), str(tmp_path / "db"), f"--remote=punix:{tmp_path}/db.sock",
                                   f"--unixctl={tmp_path}/ctl"], env=env, cwd=tmp_path, stderr=out)
    compactions = []

    def progress(seconds, mb):
        if options and seconds > 2 * (len(compactions) + 1):
            compactions.append(harness.run(harness.ours("ovs-appctl"), "-t", tmp_path / "ctl", *options, env=env))
    try:
        harness.wait_until(lambda: (tmp_path / "db.sock").exists(), what="server")
        result = ovn_load.run_load(f"{tmp_path}/db.sock", server.pid, SECONDS / (2 if options else 1), seed=2, progress=progress)
    finally:
        server.terminate()
        server.wait(20)
    assert server.returncode in (0, -15), (tmp_path / "out").read_text()
    assert result["clients"] == 24 and result["updates"] > 1000 and result["condition changes"] > 5 and result["claims"] > 10, result
    assert len(compactions) > 1 or not options
    # Generous: other programs use the processors, too, and what a client itself did not get of them is not the server's.
    assert result["lag, worst ms"] - result["clients' longest own pause ms"] < 5000, result
    if not os.environ.get("SANITIZE"):  # which keeps what was freed
        assert result["memory, last third MB"] < 1.3 * result["memory, second third MB"] + 2, result
    # What is in the file is what the clients compared with.
    counted = json.loads(harness.run(harness.stock("ovsdb-tool"), "query", tmp_path / "db", json.dumps(
        ["Southbound", {"op": "select", "table": "Port", "where": [], "columns": ["logical_port"]}]), env=env).stdout)
    assert len(counted[0]["rows"]) == 500

# SPDX-License-Identifier: Apache-2.0
"""The stock switch built with DPDK, and the hugepages that it needs: it refuses to run without."""
import atexit
import contextlib
import functools
import os
import pathlib
import shutil
import tempfile
import time

from harness import Tools, is_root, stock

PROGRAM = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
EXTRA = "--in-memory --no-pci"
HUGEPAGES = pathlib.Path("/proc/sys/vm/nr_hugepages")


@functools.cache
def _link(name, target):
    directory = tempfile.mkdtemp(prefix="sluice-stock-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    os.symlink(target, f"{directory}/{name}")
    return f"{directory}/{name}"


# Under the name by which its files and its commands' sockets are found.
stock_dpdk = Tools("stock", lambda program: _link(program, PROGRAM) if program == "ovs-vswitchd" else stock(program))


def free_hugepages():
    """Of 2 MB."""
    try:
        return int(pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages").read_text())
    except OSError:
        return 0


@contextlib.contextmanager
def hugepages(wanted):
    """More of them while the block runs, where the machine has the memory."""
    before = int(HUGEPAGES.read_text()) if HUGEPAGES.exists() else wanted
    more = before < wanted and is_root()
    try:
        if more:
            with contextlib.suppress(OSError):
                HUGEPAGES.write_text(str(wanted))
        yield
    finally:
        if more:
            # Those of a process that just ended are freed a moment later.
            for _ in range(50):
                with contextlib.suppress(OSError):
                    HUGEPAGES.write_text(str(before))
                if int(HUGEPAGES.read_text()) <= before:
                    break
                time.sleep(0.1)


def why_not(wanted):
    """Inside of hugepages(): why it cannot run here; empty: it can."""
    if not os.access(PROGRAM, os.X_OK):
        return "the package openvswitch-switch-dpdk is not installed"
    if free_hugepages() < wanted:
        return f"the stock switch needs {wanted} free hugepages of 2 MB, and there are {free_hugepages()}"
    return ""

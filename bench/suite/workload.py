# SPDX-License-Identifier: Apache-2.0
"""What a workload is: a name, a unit, and how to measure one side once."""
import atexit
import os
import pathlib
import shutil
import tempfile


class Workload:
    def __init__(self, name, unit, more_is_better=False, aim=None):
        self.name, self.unit, self.more_is_better, self.aim = name, unit, more_is_better, aim

    def sides(self, stack):
        """Ours and stock's. What they share with the next workload of this class is taken down by `stack`."""
        raise NotImplementedError

    def measure(self, side):
        raise NotImplementedError


class Files:
    """Traffic, made once per run."""

    def __init__(self):
        self.directory = None

    def get(self, name, make):
        if not self.directory:
            self.directory = tempfile.mkdtemp(prefix="sluice-bench-")
            atexit.register(shutil.rmtree, self.directory, ignore_errors=True)
        path = f"{self.directory}/{name}.pcap"
        if not os.path.exists(path):
            make(path)
        return path


files = Files()


def helper(name):
    """One of the programs beside the suite."""
    obj = os.environ.get("SLUICE_OBJ", pathlib.Path(__file__).resolve().parents[2] / "build/obj")
    return f"{obj}/bench/{name}"

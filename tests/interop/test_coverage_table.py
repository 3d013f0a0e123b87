# SPDX-License-Identifier: Apache-2.0
"""What the manual pages name has its row in the source."""
import pathlib
import subprocess

import pytest

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools/coverage-table"


@pytest.mark.parametrize("kind", ["fields", "properties", "actions", "messages", "commands", "options"])
def test_none_is_missing(kind):
    p = subprocess.run([TOOL, kind], capture_output=True, text=True)
    assert p.returncode == 0 and "missing 0" in p.stdout, p.stdout + p.stderr

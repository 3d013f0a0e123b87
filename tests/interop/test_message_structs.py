# SPDX-License-Identifier: Apache-2.0
"""Messages that our library made of random structs (tests/unit/openflow/messages), as both `ovs-ofctl ofp-parse` print them: stock must
read in them what we read. The generator itself checks that they decode to the structs that they were made of.

MESSAGES sets how many of each family and version, MESSAGES_SEED which."""
import os
import pathlib

from harness import ROOT, run
from message_text import comparable, differences, show, split

ROUNDS = int(os.environ.get("MESSAGES", "5000")) // 500
SEED = int(os.environ.get("MESSAGES_SEED", "1"))
GENERATOR = pathlib.Path(os.environ.get("SLUICE_OBJ", ROOT / "build/obj")) / "tests/unit/openflow/message_generator"


def test_stock_reads_what_we_write(tmp_path):
    run(GENERATOR, str(SEED), str(ROUNDS), tmp_path / "structs")
    messages = comparable(split((tmp_path / "structs").read_bytes()))
    assert len(messages) > 2000
    for options in ([], ["-m"]):
        found = differences(messages, tmp_path, *options)
        assert not found, show(found, len(messages))

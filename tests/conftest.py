# SPDX-License-Identifier: Apache-2.0
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import harness  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes up to two minutes (-m 'not slow' leaves it out)")


@pytest.fixture
def net():
    if not harness.is_root():
        pytest.skip("needs root: network namespaces")
    net = harness.Net()
    yield net
    net.close()


@pytest.fixture
def switch(net, request):
    """Our switch, alone in a namespace, with a bridge br0 on the userspace datapath."""
    s = harness.Switch(netns=net.namespace("sw"))
    try:
        s.vsctl("add-br", "br0")
        yield s
        if request.node.rep_call.failed if hasattr(request.node, "rep_call") else False:
            print(s.output())
    finally:
        s.close()


@pytest.fixture
def hosts(net, switch):
    """Two hosts on br0: ports p0 (OpenFlow port 1) and p1 (2), addresses 192.168.10.100 and 101."""
    made = [harness.Host(net, switch.netns, f"p{i}", f"192.168.10.10{i}", f"00:00:00:00:01:0{i}") for i in range(2)]
    for host in made:
        switch.vsctl("add-port", "br0", host.port)
    return made


@pytest.hookimpl(tryfirst=True, hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    setattr(item, "rep_" + outcome.get_result().when, outcome.get_result())

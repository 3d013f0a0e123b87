# SPDX-License-Identifier: Apache-2.0
"""The database server's TLS, with OpenSSL's own client on the other side: good, expired, foreign and missing certificates."""
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from dbharness import DbServer  # noqa: E402
from harness import ours, run, wait_until  # noqa: E402

SCHEMA = {"name": "T", "tables": {"a": {"columns": {"n": {"type": "integer"}}}}}
REQUEST = '{"method":"list_dbs","params":[],"id":1}'


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    directory = tmp_path_factory.mktemp("pki")

    def openssl(*argv):
        subprocess.run(["openssl", *argv], cwd=directory, check=True, capture_output=True)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for ca in ("ca", "foreign-ca"):
        openssl("req", "-x509", *key, "-days", "2", "-keyout", f"{ca}.key", "-out", f"{ca}.crt", "-subj", f"/CN={ca}")
    for name, ca, days in (("server", "ca", "2"), ("client", "ca", "2"), ("expired", "ca", "-1"), ("foreign", "foreign-ca", "2")):
        openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.crt", "-CAkey", f"{ca}.key", "-CAcreateserial", "-days", days,
                "-out", f"{name}.crt")
    return directory


def options(pki, name, ca="ca"):
    return ["-p", f"{pki}/{name}.key", "-c", f"{pki}/{name}.crt", "-C", f"{pki}/{ca}.crt"]


def port(server):
    def find():
        for line in run("ss", "-ltnpH").stdout.splitlines():
            if f"pid={server.process.pid}," in line:
                return line.split()[3].rsplit(":", 1)[1]
        return None
    return wait_until(find, what="a listening port")


@pytest.fixture
def server(pki):
    with DbServer(databases=[SCHEMA], args=["--remote=pssl:0:127.0.0.1", *options(pki, "server")]) as s:
        yield s


def answered(server, pki, *argv, certificate="client"):
    """s_client leaves at the end of its input; what the server says before that is often missed, so it is kept open a little."""
    own = f"-cert {pki}/{certificate}.crt -key {pki}/{certificate}.key" if certificate else ""
    command = (f"(printf '%s' '{REQUEST}'; sleep 0.4) | openssl s_client -connect 127.0.0.1:{port(server)} -CAfile {pki}/ca.crt "
               f"-verify_return_error -quiet -no_ign_eof {own} {' '.join(argv)}")
    return '"_Server"' in subprocess.run(["timeout", "5", "sh", "-c", command], capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("argv", [["-tls1_2"], ["-tls1_3"]])
def test_good(server, pki, argv):
    assert answered(server, pki, *argv)


@pytest.mark.parametrize("certificate,why", [("expired", "expired"), ("foreign", "not signed by the CA"), (None, "sent no certificate")])
def test_refused(server, pki, certificate, why):
    assert not answered(server, pki, certificate=certificate)
    wait_until(lambda: why in server.log(), what=why)
    assert answered(server, pki)  # the others do not notice


def test_old_protocols_and_plain_text(server, pki):
    assert not answered(server, pki, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")
    run(ours("ovsdb-client"), "-t", "2", "list-dbs", f"tcp:127.0.0.1:{port(server)}", env=server.env, check=False)
    wait_until(lambda: "does not speak TLS" in server.log(), what="reason")
    assert answered(server, pki)


@pytest.mark.parametrize("certificate,ca,why", [("expired", "ca", "expired"), ("foreign", "ca", "not signed by the CA")])
def test_client_refuses_the_server(pki, certificate, ca, why):
    with DbServer(databases=[SCHEMA], args=["--remote=pssl:0:127.0.0.1", *options(pki, certificate, ca)]) as s:
        done = run(ours("ovsdb-client"), *options(pki, "client"), "-t", "5", "list-dbs", f"ssl:127.0.0.1:{port(s)}", env=s.env, check=False)
        assert done.returncode and why in done.stderr, done.stderr

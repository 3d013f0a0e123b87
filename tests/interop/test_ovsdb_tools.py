# SPDX-License-Identifier: Apache-2.0
"""The same command lines to ovsdb-tool and ovsdb-client, the stock ones and ours: output, errors and exit codes are compared."""

import concurrent.futures
import json
import os
import re
import subprocess
import time

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OURS = os.environ.get('SLUICE_BIN', os.path.join(ROOT, 'build/bin'))
BIN = {'stock': {'ovsdb-server': '/usr/sbin/ovsdb-server'}, 'ours': {}}
for name in ('ovsdb-server', 'ovsdb-tool', 'ovsdb-client'):
    BIN['stock'].setdefault(name, '/usr/bin/' + name)
    BIN['ours'][name] = os.path.join(OURS, name)

pytestmark = pytest.mark.skipif(not all(os.path.exists(p) for b in BIN.values() for p in b.values()), reason='needs both')

SCHEMA = {'name': 'T', 'version': '1.2.3', 'cksum': '1 2', 'tables': {
    'a': {'isRoot': True, 'indexes': [['i']], 'maxRows': 50, 'columns': {
        'i': {'type': 'integer'}, 'r': {'type': 'real'},
        'm': {'type': {'key': 'string', 'value': 'string', 'min': 0, 'max': 'unlimited'}},
        'is': {'type': {'key': {'type': 'integer', 'minInteger': 0}, 'min': 0, 'max': 9}}}},
    'c': {'isRoot': True, 'columns': {
        'name': {'type': 'string'}, 'x': {'type': {'key': {'type': 'uuid', 'refTable': 'c'}, 'min': 0}}}}}}

INSERT = json.dumps(['T', {'op': 'insert', 'table': 'c', 'row': {'name': 'plain', 'x': ['named-uuid', 'p']}, 'uuid-name': 'p'},
                     {'op': 'insert', 'table': 'c', 'row': {'name': 'h\u00e9 <b>&"q", x'}},
                     {'op': 'insert', 'table': 'c', 'row': {'name': 'line\nx\ttab'}}, {'op': 'insert', 'table': 'c', 'row': {}},
                     {'op': 'comment', 'comment': 'hello "x"\nq'},
                     {'op': 'insert', 'table': 'a', 'row': {'i': 4, 'r': 0.1, 'is': ['set', [1, 2]]}}], ensure_ascii=False)
CHANGE = '["T",{"op":"mutate","table":"a","where":[],"mutations":[["is","delete",1]]}]'
SELECT = '["T",{"op":"select","table":"a","where":[],"columns":["i","r","is"]}]'


def run(program, args, cwd, **kwargs):
    p = subprocess.run([program] + args, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=20, **kwargs)
    return p.stdout.decode(errors='replace'), p.stderr.decode(errors='replace'), p.returncode


def normal(text, cwd=''):
    if cwd:
        text = text.replace(cwd, 'DIR')
    text = re.sub(r'[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}', 'UUID', text)
    text = re.sub(r'\b[0-9a-f]{8}\b', 'UUID8', text)
    text = re.sub(r' \(table \w+(, column \w+(, row [^)]+|, whose default does not do)?)?\)', '', text)  # ours says where a mistake is
    text = re.sub(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d\d\d', 'DATE', text)
    text = re.sub(r'^\d{4}-\d\d-\d\dT.*\n', '', text, flags=re.M)  # log lines of the stock programs
    return text


def compare(program, args, dirs, rundir=False, **kwargs):
    results = {}
    for side in ('stock', 'ours'):
        substituted = [a.replace('DIR', dirs[side]) for a in args]
        if rundir:
            kwargs['env'] = dict(os.environ, OVS_RUNDIR=dirs[side])
        out, err, code = run(BIN[side][program], substituted, dirs[side], **kwargs)
        results[side] = normal(out, dirs[side]), normal(err, dirs[side]), code
    assert results['ours'] == results['stock'], ' '.join([program] + args)
    return results['ours']


@pytest.fixture
def dirs(tmp_path):
    out = {}
    for side in ('stock', 'ours'):
        out[side] = str(tmp_path / side)
        os.makedirs(out[side])
        with open(os.path.join(out[side], 'schema'), 'w') as f:
            json.dump(SCHEMA, f)
    return out


def test_tool(dirs):
    for args in (['create', 'db', 'schema'], ['create', 'db', 'schema'], ['create', 'db2', 'nonexistent'],
                 ['db-name', 'db'], ['db-version', 'db'], ['db-cksum', 'db'], ['schema-name', 'schema'],
                 ['schema-version', 'schema'], ['schema-cksum', 'schema'], ['db-is-standalone', 'db'],
                 ['db-is-clustered', 'db'], ['db-cid', 'db'], ['needs-conversion', 'db', 'schema'],
                 ['transact', 'db', INSERT], ['transact', 'db', CHANGE], ['query', 'db', SELECT],
                 ['query', 'db', '["X"]'], ['query', 'db', '[]'], ['query', 'db', '{}'], ['query', 'db', '["T",3]'],
                 ['transact', 'db', '["T",{"op":"wait","table":"c","where":[],"until":"==","rows":[]}]'],
                 ['show-log', 'db'], ['compare-versions', '1.2.3', '<', '1.10.0'],
                 ['compare-versions', '1.2.3', '>=', '1.10.0'], ['compare-versions', '1.2', '<', '1.10.0'],
                 ['compare-versions', '1.2.3', '=', '1.10.0'], ['compact', 'db'], ['query', 'db', SELECT],
                 ['compact', 'db', 'copy'], ['query', 'copy', SELECT], ['convert', 'db', 'schema', 'converted'],
                 ['query', 'converted', SELECT], ['convert', 'db', 'schema'], ['db-name', 'nonexistent'],
                 ['db-name', 'schema'], ['show-log', 'nonexistent'], ['zap'], [], ['query'], ['query', 'a', 'b', 'c']):
        compare('ovsdb-tool', args, dirs)


def test_show_log(dirs):
    """Columns and rows of a record have no order."""
    for args in (['create', 'db', 'schema'], ['transact', 'db', INSERT], ['transact', 'db', CHANGE]):
        compare('ovsdb-tool', args, dirs)
    for more in ('-m', '-mm'):
        lines = {side: sorted(normal(run(BIN[side]['ovsdb-tool'], [more, 'show-log', 'db'], dirs[side])[0]).splitlines())
                 for side in dirs}
        assert lines['ours'] == lines['stock']


def test_each_reads_the_other(dirs):
    for args in (['create', 'db', 'schema'], ['transact', 'db', INSERT], ['transact', 'db', CHANGE]):
        compare('ovsdb-tool', args, dirs)
    for side, other in (('stock', 'ours'), ('ours', 'stock')):
        out, _, code = run(BIN[side]['ovsdb-tool'], ['query', os.path.join(dirs[other], 'db'), SELECT], dirs[side])
        assert (json.loads(out), code) == ([{'rows': [{'i': 4, 'r': 0.1, 'is': 2}]}], 0)


def test_check(dirs):
    """What is damaged is found with its offset, and repaired so that the stock tool, too, reads what is left."""
    def ours(*args):
        out, err, code = run(BIN['ours']['ovsdb-tool'], list(args), dirs['ours'])
        return normal(out + err), code

    def insert(i):
        assert ours('transact', 'db', json.dumps(['T', {'op': 'insert', 'table': 'a', 'row': {'i': i}}]))[1] == 0

    def numbers(side, db):
        out, err, code = run(BIN[side]['ovsdb-tool'], ['query', db, '["T",{"op":"select","table":"a","where":[],"columns":["i"]}]'], dirs['ours'])
        assert (code, err) == (0, '')
        return sorted(row['i'] for row in json.loads(out)[0]['rows'])

    path = os.path.join(dirs['ours'], 'db')
    assert ours('create', 'db', 'schema')[1] == 0
    for i in range(5):
        insert(i)
    size = os.path.getsize(path)
    assert ours('check', 'db') == ('db: %d bytes, 6 records, no damage\n' % size, 0)
    with open(path, 'rb') as f:
        good = f.read()
    starts = [m.start() for m in re.finditer(b'OVSDB JSON', good)]

    def damage(data):
        with open(path, 'wb') as f:
            f.write(data)

    damage(good[:starts[3] + 90] + b'\0\0\0' + good[starts[3] + 93:])
    text, code = ours('check', 'db')
    assert code == 2 and text.startswith('db: damage at offset %d (%d bytes): ' % (starts[3], starts[4] - starts[3])), text
    assert 'have SHA-1 hash' in text and '5 records are good' in text
    with open(path, 'rb') as f:
        assert f.read() != good  # only looked at
    text, code = ours('check', '--repair', 'db')
    assert code == 0 and '5 records kept; the damaged file is' in text and text.endswith('/db.damaged\n')
    for side in dirs:
        assert numbers(side, path) == [0, 1, 3, 4]
    assert ours('check', 'db')[1] == 0
    insert(7)  # it goes on
    assert numbers('stock', path) == [0, 1, 3, 4, 7]

    damage(good[:-4])
    text, code = ours('--repair', 'check', 'db')
    assert code == 0 and 'torn record at offset %d' % starts[5] in text and text.endswith('/db.damaged1\n')
    assert numbers('stock', path) == [0, 1, 2, 3]

    damage(good[:30] + b'?' + good[31:])
    text, code = ours('check', 'db')
    assert code == 1 and 'name a schema file behind the database' in text
    assert ours('check', '--repair', 'db', 'schema')[1] == 0
    assert numbers('stock', path) == [0, 1, 2, 3, 4]

    damage(b'')
    assert ours('check', 'db') == ('ovsdb-tool: ovsdb error: db: cannot identify file type\n', 1)
    damage(b'\0' * 4096)
    assert ours('check', 'db') == ('ovsdb-tool: ovsdb error: db: no record of a database is in it\n', 1)
    damage(b'\0' * 20 + good[20:])
    assert ours('check', '--repair', 'db', 'schema')[1] == 0
    assert numbers('stock', path) == [0, 1, 2, 3, 4]
    assert ours('check', 'nonexistent')[1] == 1
    server = subprocess.Popen([BIN['ours']['ovsdb-server'], '--remote=punix:' + dirs['ours'] + '/sock', '-vconsole:off', 'copy'],
                              cwd=dirs['ours'], env=dict(os.environ, OVS_RUNDIR=dirs['ours'])) if ours('create', 'copy', 'schema')[1] == 0 else None
    try:
        for _ in range(100):
            if os.path.exists(os.path.join(dirs['ours'], 'sock')):
                break
            time.sleep(0.05)
        assert ours('check', 'copy')[1] == 0
        text, code = ours('check', '--repair', 'copy')
        assert code == 1 and 'failed to lock lockfile' in text
    finally:
        server.terminate()
        server.wait(10)


def test_role(dirs):
    """--rbac-role: what the rules in the database allow a role that has no certificate."""
    sets = {'type': {'key': 'string', 'min': 0, 'max': 'unlimited'}}
    schema = {'name': 'T', 'version': '1.0.0', 'tables': {
        'RBAC_Role': {'isRoot': True, 'columns': {'name': {'type': 'string'}, 'permissions': {'type': {
            'key': 'string', 'value': {'type': 'uuid', 'refTable': 'RBAC_Permission', 'refType': 'weak'}, 'min': 0, 'max': 'unlimited'}}}},
        'RBAC_Permission': {'isRoot': True, 'columns': {'table': {'type': 'string'}, 'authorization': sets, 'insert_delete': {'type': 'boolean'},
                                                        'update': sets}},
        'c': {'isRoot': True, 'columns': {'name': {'type': 'string'}, 'n': {'type': 'integer'}}},
        'd': {'isRoot': True, 'columns': {'name': {'type': 'string'}}}}}
    rules = ['T', {'op': 'insert', 'table': 'RBAC_Permission', 'uuid-name': 'p', 'row': {
        'table': 'c', 'authorization': ['set', ['']], 'insert_delete': True, 'update': ['set', ['n']]}},
        {'op': 'insert', 'table': 'RBAC_Role', 'row': {'name': 'r', 'permissions': ['map', [['c', ['named-uuid', 'p']]]]}},
        {'op': 'insert', 'table': 'c', 'row': {'name': 'x'}}]
    for side in dirs:
        with open(os.path.join(dirs[side], 'schema'), 'w') as f:
            json.dump(schema, f)
    compare('ovsdb-tool', ['create', 'db', 'schema'], dirs)
    compare('ovsdb-tool', ['transact', 'db', json.dumps(rules)], dirs)
    for role in ('r', 'nobody', ''):
        for op in ({'op': 'insert', 'table': 'c', 'row': {}}, {'op': 'insert', 'table': 'd', 'row': {}}, {'op': 'select', 'table': 'd', 'where': []},
                   {'op': 'update', 'table': 'c', 'where': [], 'row': {'n': 1}}, {'op': 'update', 'table': 'c', 'where': [], 'row': {'name': 'y'}},
                   {'op': 'mutate', 'table': 'c', 'where': [], 'mutations': [['n', '+=', 1]]}, {'op': 'delete', 'table': 'c', 'where': []}):
            out, _, _ = compare('ovsdb-tool', ['--rbac-role=' + role, 'transact', 'db', json.dumps(['T', op])], dirs)
            if role == 'nobody' and op['op'] in ('insert', 'delete'):
                assert 'permission error' in out


def test_clusters_are_not_supported(dirs):
    assert run(BIN['stock']['ovsdb-tool'], ['create-cluster', 'c', 'schema', 'tcp:127.0.0.1:6644'], dirs['ours'])[2] == 0
    for args in (['create-cluster', 'd', 'schema', 'tcp:127.0.0.1:6644'], ['join-cluster', 'd', 'T', 'tcp:127.0.0.1:6644', 'tcp:127.0.0.1:6645'],
                 ['db-cid', 'c'], ['db-sid', 'c'], ['db-local-address', 'c'], ['check-cluster', 'c'], ['cluster-to-standalone', 'd', 'c'],
                 ['show-log', 'c'], ['check', 'c'], ['--cid=00000000-0000-0000-0000-000000000001', 'db-name', 'c'],
                 ['--election-timer=1000', 'db-name', 'c']):
        out, err, code = run(BIN['ours']['ovsdb-tool'], args, dirs['ours'])
        assert (out, code) == ('', 1) and 'clustered databases are not supported' in err, (args, err)
        assert not os.path.exists(os.path.join(dirs['ours'], 'd'))
    for args in (['db-version', 'c'], ['query', 'c', '["T"]'], ['compact', 'c'], ['convert', 'c', 'schema']):
        answers = [run(BIN[side]['ovsdb-tool'], args, dirs['ours']) for side in dirs]
        assert answers[0] == answers[1]
    for args, code in ((['db-is-clustered', 'c'], 0), (['db-is-standalone', 'c'], 2)):
        assert run(BIN['ours']['ovsdb-tool'], args, dirs['ours']) == ('', '', code)


@pytest.fixture
def servers(dirs):
    processes = []
    for side in ('stock', 'ours'):
        assert run(BIN[side]['ovsdb-tool'], ['create', 'db', 'schema'], dirs[side])[2] == 0
        processes.append(subprocess.Popen(
            [BIN[side]['ovsdb-server'], 'db', '--remote=punix:' + dirs[side] + '/db.sock', '--unixctl=' + dirs[side] + '/ctl',
             '-vconsole:off'], cwd=dirs[side], env=dict(os.environ, OVS_RUNDIR=dirs[side])))
        for _ in range(100):
            if run(BIN['stock']['ovsdb-client'], ['list-dbs', 'unix:' + dirs[side] + '/db.sock'], dirs[side])[2] == 0:
                break
            time.sleep(0.05)
    yield dirs
    for p in processes:
        p.terminate()
        p.wait(10)


SERVER = 'unix:DIR/db.sock'


def test_client(servers):
    def client(*args, **kwargs):
        compare('ovsdb-client', list(args), servers, **kwargs)
    client('transact', SERVER, INSERT)
    for form in ('table', 'list', 'html', 'csv', 'json'):
        for data in ('string', 'bare', 'json'):
            for more in ([], ['--no-headings'], ['--pretty']):
                # UUIDs differ, and JSON's data sorts by them.
                client('-f', form, '-d', data, *more, 'dump', SERVER, 'T', 'c', 'name')
                client('-f', form, '-d', data, *more, 'dump', SERVER, 'T', 'a')
    for args in (['dump', SERVER], ['--bare', 'dump', SERVER], ['dump', SERVER, 'T', 'c', 'x', 'name'],
                 ['--max-column-width=5', 'dump', SERVER, 'T', 'a', 'i', 'm', 'is'],
                 ['dump', SERVER, 'T', 'zap'], ['dump', SERVER, 'T', 'c', 'zap'], ['-f', 'zap', 'dump', SERVER], ['-d', 'zap', 'dump', SERVER],
                 ['list-dbs', SERVER], ['list-tables', SERVER], ['get-schema', SERVER], ['--pretty', 'get-schema', SERVER, 'T'],
                 ['get-schema-version', SERVER], ['get-schema-cksum', SERVER], ['get-schema-version', SERVER, 'zap'],
                 ['needs-conversion', SERVER, 'schema'], ['convert', SERVER, 'schema'], ['query', SERVER, SELECT],
                 ['query', SERVER, CHANGE], ['transact', SERVER, CHANGE], ['transact', SERVER, '["X"]'],
                 ['transact', SERVER, '{}'], ['transact', SERVER, '["T",3]'], ['--pretty', 'transact', SERVER, SELECT],
                 ['monitor', SERVER, 'T', 'zap'], ['monitor', SERVER, 'T', 'c', 'zap'], ['wait', SERVER, 'T', 'zap'],
                 ['wait', SERVER, 'T', 'added'], ['wait', SERVER, 'X', 'removed'], ['zap'], ['list-dbs', 'unix:DIR/zap'],
                 ['list-dbs', SERVER, 'x'], ['-t', '0', 'list-dbs', SERVER]):
        client(*args)


CLIENT_LINES = """
list-dbs SERVER,unix:DIR/none
list-dbs unix:DIR/none,unix:DIR/none2
list-dbs unix:DIR/none,SERVER
list-dbs tcp:127.0.0.1:1
list-dbs ssl:127.0.0.1:1
--no-leader-only list-dbs
--leader-only get-schema-version
--db-change-aware list-dbs
get-schema SERVER zap
get-schema zap
list-tables SERVER zap
list-columns SERVER T zap
-fjson --pretty list-tables
-fhtml list-tables
-flist list-tables
list-tables SERVER _Server
dump SERVER _Server Database name connected model
dump _Server Database name
get-schema-version SERVER _Server
transact
transact []
transact ["T"]
transact ["zap"]
transact ["T",{"op":"select","table":"c","where":[],"columns":["zap"]}]
transact ["T",{"op":"select","table":"c","where":[["zap","==",1]]}]
transact ["T",{"op":"insert","table":"a","row":{"i":"x"}}]
transact ["T",{"op":"insert","table":"a","row":{"is":-1}}]
transact ["T",{"op":"insert","table":"a","row":{"is":["set",[0,1,2,3,4,5,6,7,8,9]]}}]
transact ["T",{"op":"mutate","table":"a","where":[],"mutations":[["i","/=",0]]}]
transact ["T",{"op":"abort"}]
transact ["T",{"op":"assert","lock":"l"}]
query [1]
query ["zap"]
query ["T",{"op":"abort"}]
query ["T",{"op":"zap"}]
query ["T",{"op":"delete","table":"c","where":[]}]
query SERVER ["T",{"op":"delete","table":"c","where":[]},{"op":"select","table":"c","where":[]}]
dump T
dump T a i
dump a i
dump zap
dump T c name zap
--no-headings dump T a
--bare dump T a
-fcsv dump T a is r
dump -fcsv T a is r
-fjson -dbare dump T a i
-flist -djson dump T a i
--max-column-width=3 dump T c name
--max-column-width=0 dump T c name
--max-column-width=x dump T c name
--no-headings --max-column-width=3 dump T c name
needs-conversion schema
needs-conversion schema2
needs-conversion none
needs-conversion SERVER
convert none
convert
monitor
monitor T
monitor T c !zap
monitor T c name,name
monitor T c name name
monitor T c name _uuid,zap
monitor T a i !initial
monitor ALL x
monitor-cond T []
monitor-cond T [] zap
monitor-cond T [["zap","==",1]] c
monitor-cond T [["name","~",1]] c
monitor-cond T [["name","==",1]] c
monitor-cond T [["i"]] a
monitor-cond-since T []
monitor-cond-since T x [] c
monitor-cond-since T 00000000-0000-0000-0000-000000000000 [] zap
wait T added
wait T connected
wait X removed
wait T
wait T x
-t1 wait T removed
-t1 wait X added
wait SERVER T connected
-t1 lock x
-t1 steal y
lock
-t1 monitor T a i
-t1 monitor T a i,!initial r
-t1 monitor T a !initial
-t1 monitor ALL !initial
-t1 -fjson monitor T a i
-t1 -flist monitor-cond T [true] a i
-t1 -flist monitor-cond T [false] a i
-t1 --no-headings -fcsv monitor-cond T [["i",">",3],["r","<",0]] a i
restore
-tx list-dbs
-t-1 list-dbs
list-dbs --pretty x
-vzap list-dbs
-f zap list-tables
-d zap list-tables
""".strip().splitlines()


def test_client_lines(servers):
    """Many command lines against both, with the default server and a named one."""
    compare('ovsdb-client', ['transact', SERVER, INSERT], servers)
    other = json.loads(json.dumps(SCHEMA))
    other['tables']['c']['columns']['extra'] = {'type': 'integer'}
    for side in servers:
        with open(os.path.join(servers[side], 'schema2'), 'w') as f:
            json.dump(other, f)
    def one(line):
        return compare('ovsdb-client', line.replace('SERVER', SERVER).split(' '), servers, rundir=True, stdin=subprocess.DEVNULL)
    for line in CLIENT_LINES:
        if not line.startswith('-t1'):
            one(line)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:  # these wait for their time-out
        assert len(list(pool.map(one, [line for line in CLIENT_LINES if line.startswith('-t1')]))) > 10
    for args in (['list-columns', SERVER], ['list-columns', 'c'], ['list-columns', 'T', 'c'], ['-fcsv', 'list-columns', SERVER, '_Server']):
        # The stock one lists them in no order.
        lines = {side: sorted(run(BIN[side]['ovsdb-client'], [a.replace('DIR', servers[side]) for a in args], servers[side],
                                  env=dict(os.environ, OVS_RUNDIR=servers[side]))[0].splitlines()) for side in servers}
        assert lines['ours'] == lines['stock']


def test_convert(servers):
    """Online, on our server: to a schema that fits, and to one that does not, which the stock server does not survive."""
    where = SERVER.replace('DIR', servers['ours'])
    bad, good = json.loads(json.dumps(SCHEMA)), json.loads(json.dumps(SCHEMA))
    bad['tables']['c']['columns']['name'] = {'type': 'integer'}
    good['version'] = '2.0.0'
    good['tables']['c']['columns']['extra'] = {'type': 'integer'}
    for name, schema in (('bad', bad), ('good', good)):
        with open(os.path.join(servers['ours'], name), 'w') as f:
            json.dump(schema, f)

    def ours(*args):
        return run(BIN['ours']['ovsdb-client'], list(args), servers['ours'])
    ours('transact', where, INSERT)
    before = ours('dump', where, 'T', 'c', 'name')
    out, err, code = ours('convert', where, 'bad')
    assert (out, code) == ('', 1) and 'expected integer' in err
    assert ours('needs-conversion', where, 'good')[0] == 'yes\n'
    assert ours('convert', where, 'good') == ('', '', 0)
    assert ours('needs-conversion', where, 'good')[0] == 'no\n'
    assert ours('get-schema-version', where)[0] == '2.0.0\n'
    assert ours('dump', where, 'T', 'c', 'name') == before
    assert ours('transact', where, '["T",{"op":"insert","table":"c","row":{"extra":7}}]')[2] == 0


@pytest.mark.parametrize('side', ['ours', 'stock'])
def test_monitor_since(servers, side):
    """With our server, which remembers transactions, either client gets what came after the one it names."""
    where = SERVER.replace('DIR', servers['ours'])

    def insert(name):
        run(BIN[side]['ovsdb-client'], ['transact', where, json.dumps(['T', {'op': 'insert', 'table': 'c', 'row': {'name': name}}])], servers['ours'])

    def since(*last):
        return run(BIN[side]['ovsdb-client'], ['-t1', '-fcsv', '--no-headings', 'monitor-cond-since', where, 'T', *last, '[]', 'c', 'name'],
                   servers['ours'])[0]
    insert('one')
    first = since()
    found, last = re.match(r'found: (\w+), last_id: (\S+)\n', first).groups()
    assert found == 'false' and 'initial,one' in first
    insert('two')
    again = since(last)
    assert again.startswith('found: true, last_id: ') and 'insert,two' in again and 'one' not in again, again
    assert since('00000000-0000-0000-0000-000000000001').startswith('found: false')


def test_server_connects_to_client(servers):
    """A passive server name: the server's remote is an active one."""
    for side in servers:
        for other in servers:
            path = os.path.join(servers[other], side + '.passive')
            p = subprocess.Popen([BIN[side]['ovsdb-client'], '-t', '20', 'query', 'punix:' + path, SELECT], stdout=subprocess.PIPE,
                                 cwd=servers[other])
            time.sleep(0.1)
            out, err, code = run('/usr/bin/ovs-appctl', ['-t', servers[other] + '/ctl', 'ovsdb-server/add-remote', 'unix:' + path], servers[other])
            assert code == 0, err
            assert p.communicate(timeout=20)[0] == b'[{"rows":[]}]\n'


def test_backup(servers):
    compare('ovsdb-client', ['transact', SERVER, INSERT], servers)
    for side in servers:
        out, err, code = run(BIN[side]['ovsdb-client'], ['backup', 'unix:' + servers[side] + '/db.sock', 'T'], servers[side])
        assert code == 0, err
        with open(os.path.join(servers[side], 'snapshot'), 'w') as f:
            f.write(out)
    for side, other in (('stock', 'ours'), ('ours', 'stock')):
        with open(os.path.join(servers[other], 'snapshot')) as f:
            _, err, code = run(BIN[side]['ovsdb-client'], ['restore', 'unix:' + servers[side] + '/db.sock', 'T'], servers[side], stdin=f)
            assert code == 0, err
    compare('ovsdb-client', ['dump', SERVER, 'T', 'a'], servers)
    compare('ovsdb-client', ['dump', SERVER, 'T', 'c', 'name'], servers)


@pytest.mark.parametrize('args', [
    ['monitor', SERVER, 'T', 'c'], ['monitor', SERVER, 'T', 'c', 'name,_uuid', '!initial,x'], ['-f', 'json', 'monitor', SERVER, 'T', 'c'],
    ['monitor-cond', SERVER, 'T', '[["name","==","foo"]]', 'c'], ['monitor-cond', SERVER, 'T', '[]', 'c'],
    ['--format=list', 'monitor', SERVER, 'T', 'c', '!insert,name', '!delete,!modify,x'], ['--no-headings', 'monitor', SERVER, 'T', 'c'],
    ['-f', 'csv', '-d', 'json', 'monitor', SERVER, 'T', 'c', 'name'], ['monitor', '--timestamp', SERVER, 'T', 'a', 'is']])
def test_monitor(servers, args):
    results = {}
    for side in servers:
        server = 'unix:' + servers[side] + '/db.sock'

        def transact(*operations):
            out, err, code = run(BIN[side]['ovsdb-client'], ['transact', server, json.dumps(['T'] + list(operations))], servers[side])
            assert code == 0 and 'error' not in out, out + err
        transact({'op': 'insert', 'table': 'c', 'row': {'name': 'pre', 'x': ['named-uuid', 'n']}, 'uuid-name': 'n'})
        out = open(os.path.join(servers[side], 'out'), 'w+')
        p = subprocess.Popen([BIN[side]['ovsdb-client']] + [a.replace('DIR', servers[side]) for a in args], stdout=out, stderr=out)
        time.sleep(0.4)
        transact({'op': 'insert', 'table': 'c', 'row': {'name': 'foo'}}, {'op': 'insert', 'table': 'a', 'row': {'i': 1, 'is': 7}})
        transact({'op': 'update', 'table': 'c', 'where': [['name', '==', 'foo']], 'row': {'name': 'foo2'}})
        transact({'op': 'mutate', 'table': 'a', 'where': [], 'mutations': [['is', 'insert', ['set', [3, 5]]]]})
        transact({'op': 'delete', 'table': 'c', 'where': [['name', '==', 'foo2']]})
        time.sleep(0.4)
        p.terminate()
        p.wait(10)
        out.seek(0)
        results[side] = normal(out.read(), servers[side])
        out.close()
    assert results['ours'] == results['stock']

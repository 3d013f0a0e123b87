# SPDX-License-Identifier: Apache-2.0
"""Sends the same transactions to the stock ovsdb-server and to ours, and compares results, contents and monitors.

UUIDs that the servers choose differ; each side's are renamed in the order in which inserts returned them."""

import json
import os
import random
import re
import shutil
import socket
import subprocess
import time

import pytest

STOCK = '/usr/sbin/ovsdb-server'
STOCK_TOOL = '/usr/bin/ovsdb-tool'
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OURS = os.path.join(os.environ.get('SLUICE_BIN', os.path.join(ROOT, 'build/bin')), 'ovsdb-server')
ROUNDS = int(os.environ.get('OVSDB_ROUNDS', '3000'))

pytestmark = pytest.mark.skipif(not (os.path.exists(STOCK) and os.path.exists(OURS)), reason='needs both servers')


def optional(key, **more):
    return {'type': dict({'key': key, 'min': 0}, **more)}


SCHEMA = {'name': 'T', 'version': '1.2.3', 'tables': {
    'a': {'isRoot': True, 'indexes': [['i'], ['s', 'b']], 'maxRows': 12, 'columns': {
        'i': {'type': 'integer'}, 'r': {'type': 'real'}, 'b': {'type': 'boolean'}, 's': {'type': 'string'},
        'u': {'type': 'uuid'}, 'is': optional('integer', max='unlimited'), 'ss': optional('string', max='unlimited'),
        'os': optional('string'), 'm': optional('string', value='string', max='unlimited'),
        'mi': optional('integer', value='integer', max=3),
        'e': optional({'type': 'string', 'enum': ['set', ['x', 'y z', 'z']]}),
        'c': optional({'type': 'integer', 'minInteger': 1, 'maxInteger': 10}, max=2),
        'ls': optional({'type': 'string', 'minLength': 2, 'maxLength': 4}, max=2),
        'rs': optional({'type': 'real', 'minReal': -1.5, 'maxReal': 3}, max='unlimited'),
        'imm': {'type': 'integer', 'mutable': False}, 'eph': {'type': 'integer', 'ephemeral': True},
        'st': optional({'type': 'uuid', 'refTable': 'b'}, max='unlimited'),
        'wk': optional({'type': 'uuid', 'refTable': 'b', 'refType': 'weak'}, max='unlimited'),
        'mr': optional('string', value={'type': 'uuid', 'refTable': 'b'}, max='unlimited'),
        'mw': optional({'type': 'uuid', 'refTable': 'b', 'refType': 'weak'}, value='integer', max='unlimited')}},
    'b': {'columns': {
        'name': {'type': 'string'}, 'next': optional({'type': 'uuid', 'refTable': 'b'}),
        'w1': optional({'type': 'uuid', 'refTable': 'b', 'refType': 'weak'}),
        'wa': optional({'type': 'uuid', 'refTable': 'a', 'refType': 'weak'}, max=2)}},
    'c': {'isRoot': True, 'columns': {
        'name': {'type': 'string'}, 'x': optional({'type': 'uuid', 'refTable': 'c'})}}}}


class Server:
    def __init__(self, program, directory):
        os.makedirs(directory)
        self.directory = directory
        self.db = os.path.join(directory, 'db')
        schema = os.path.join(directory, 'schema')
        with open(schema, 'w') as f:
            json.dump(SCHEMA, f)
        subprocess.check_call([STOCK_TOOL, 'create', self.db, schema])
        self.program = program
        self.start()

    def start(self):
        path = os.path.join(self.directory, 'sock')
        self.process = subprocess.Popen(
            [self.program, '--remote=punix:' + path, '--unixctl=' + os.path.join(self.directory, 'ctl'),
             '-vconsole:off', self.db], env=dict(os.environ, OVS_RUNDIR=self.directory))
        for _ in range(200):
            try:
                self.socket = socket.socket(socket.AF_UNIX)
                self.socket.connect(path)
                break
            except OSError:
                time.sleep(0.05)
        self.socket.settimeout(10)
        self.buffer = ''
        self.next_id = 0
        self.notes = []
        self.call('list_dbs', [])

    def stop(self):
        self.socket.close()
        self.process.terminate()
        self.process.wait(10)

    def call(self, method, params):
        self.next_id += 1
        self.socket.sendall(json.dumps({'method': method, 'params': params, 'id': self.next_id}).encode())
        while True:
            message = self.receive()
            if message.get('id') == self.next_id and 'method' not in message:
                return message['error'] if message.get('error') is not None else message['result']
            if message.get('method') == 'echo':
                self.socket.sendall(json.dumps({'id': message['id'], 'result': message['params'], 'error': None}).encode())
            else:
                self.notes.append(message)

    def receive(self):
        while True:
            self.buffer = self.buffer.lstrip()
            try:
                message, end = json.JSONDecoder().raw_decode(self.buffer)
                self.buffer = self.buffer[end:]
                return message
            except ValueError:
                data = self.socket.recv(1 << 20)
                assert data, '%s closed the connection' % self.program
                self.buffer += data.decode()


UUID = re.compile(r'[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}')


def canonical(value, names):
    """A text that is the same for both servers: UUIDs by their names, sets and rows without order."""
    if isinstance(value, dict):
        return {canonical_text(k, names): canonical(v, names) for k, v in sorted(value.items()) if k != '_version'}
    if isinstance(value, list):
        items = [canonical(v, names) for v in value]
        if len(value) == 2 and value[0] in ('set', 'map') and isinstance(value[1], list):
            return [value[0], sorted(items[1], key=str)]
        if value and all(isinstance(v, dict) and 'error' not in v and 'count' not in v for v in value):
            return sorted(items, key=str)
        return items
    return canonical_text(value, names) if isinstance(value, str) else value


def canonical_text(text, names):
    text = UUID.sub(lambda m: names.get(m.group(0), 'U'), text)
    if text.startswith('Transaction causes multiple rows'):
        return text.split(' to have identical values')[0]
    # Which of several is found first is chance.
    text = re.sub(r'cannot delete b row \S+ because of \d+', 'cannot delete b row', text)
    text = re.sub(r'Table \S+ column \S+ row \S+ references nonexistent row .*', 'Table references nonexistent row', text)
    text = re.sub(r'Deletion of \d+ weak reference.*', 'Deletion of weak references', text)
    return text


def canonical_notes(notes, names):
    """Updates, without rows in which nothing but the version is new: a reference that was cut as soon as it was made."""
    out = []
    for note in notes:
        monitor, tables = canonical(note['params'], names)
        for table, rows in tables.items():
            for row, update in rows.items():
                if update not in ({'modify': {}}, ) and update.get('old') != {}:
                    out.append(json.dumps([monitor, table, row, update], sort_keys=True))
    return sorted(out)


def loosen(results, ops):
    """Of several bad columns in one row either may be the one that is complained about."""
    for i, op in enumerate(ops):
        if isinstance(op, dict) and len(op.get('row', {})) > 1 and isinstance(results[i], dict) and 'error' in results[i]:
            results[i] = 'some error'
    return results


class Generator:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.rows = {'a': [], 'b': [], 'c': []}  # names of rows that may exist
        self.local = []

    def pick(self, *choices):
        return self.r.choice(choices)

    def reference(self, table):
        local = [n for t, n in self.local if t == table]
        known = self.rows[table]
        if local and self.r.random() < 0.6:
            return ['named-uuid', self.r.choice(local)]
        if known and self.r.random() < 0.9:
            return ['uuid', '@' + self.r.choice(known)]
        return self.pick(['named-uuid', 'nobody'], ['uuid', '00000000-1111-2222-3333-444444444444'])

    def atom(self, base):
        base = {'type': base} if isinstance(base, str) else base
        kind = base['type']
        if self.r.random() < 0.01:
            return self.pick(3, 'x', True, 1.5, ['uuid', 'x'], ['set', []], None, {})
        if kind == 'integer':
            return self.pick(0, 1, 2, 3, 5, 7, 9, 10, 11, -4)
        if kind == 'real':
            return self.pick(0, 1, 1.5, 2.25, -1, 3, 0.1, 1e10)
        if kind == 'boolean':
            return self.pick(True, False)
        if kind == 'string':
            return self.pick('', 'x', 'z', 'y z', 'ab', 'abc', 'abcdef', 'a rather long string of more than sixteen bytes', '\u00e9"\\\n')
        if 'refTable' in base:
            return self.reference(base['refTable'])
        return ['uuid', '00000000-1111-2222-3333-44444444444%d' % self.r.randrange(3)]

    def value(self, column, most=3):
        spec = column['type']
        spec = spec if isinstance(spec, dict) and 'key' in spec else {'key': spec}
        if 'value' in spec:
            return ['map', [[self.atom(spec['key']), self.atom(spec['value'])] for _ in range(self.r.randrange(most + 1))]]
        if spec.get('min', 1) == 1 or self.r.random() < 0.3:
            return self.atom(spec['key'])
        return ['set', [self.atom(spec['key']) for _ in range(self.r.randrange(most + 1))]]

    def row(self, table, all_columns=False):
        columns = SCHEMA['tables'][table]['columns']
        if self.r.random() < 0.3:
            name = self.r.choice(sorted(columns))
            return {name: self.value(columns[name])}
        names = [n for n in columns if self.r.random() < 0.2]
        if table == 'a':
            names += ['s'] if self.r.random() < 0.8 else []
        row = {n: self.value(columns[n]) for n in names}
        if 'i' in columns and self.r.random() < 0.9:
            row['i'] = self.r.randrange(25)
        return row

    def where(self, table):
        columns = SCHEMA['tables'][table]['columns']
        clauses = []
        for _ in range(self.pick(0, 1, 1, 1, 2)):
            if self.rows[table] and self.r.random() < 0.3:
                clauses.append(['_uuid', self.pick('==', '!=', 'includes', 'excludes'), ['uuid', '@' + self.r.choice(self.rows[table])]])
                continue
            if self.r.random() < 0.03:
                clauses.append(self.pick(True, False))
                continue
            name = self.r.choice(sorted(columns)) if self.r.random() < 0.6 else sorted(columns)[0] if table != 'a' else self.pick('i', 's')
            op = self.pick('==', '==', '!=', '<', '<=', '>', '>=', 'includes', 'excludes')
            clauses.append([name, op, self.value(columns[name])])
        if table == 'a' and self.r.random() < 0.1:
            clauses = [['s', '==', self.atom('string')], ['b', '==', self.pick(True, False)]]
        return clauses

    def mutation(self, table):
        columns = SCHEMA['tables'][table]['columns']
        name = self.r.choice(sorted(columns))
        op = self.pick('+=', '-=', '*=', '/=', '%=', 'insert', 'insert', 'insert', 'delete', 'delete')
        value = self.value(columns[name])
        if op == 'delete' and isinstance(value, list) and value[0] == 'map' and self.r.random() < 0.5:
            value = ['set', [pair[0] for pair in value[1]]]
        if op in ('+=', '-=', '*=', '/=', '%=') and self.r.random() < 0.8:
            value = self.pick(0, 1, 2, 3, 1.5, -1, 9223372036854775807)
        return [name, op, value]

    def operation(self):
        table = self.pick('a', 'a', 'b', 'b', 'c')
        kind = self.pick('insert', 'insert', 'insert', 'update', 'update', 'mutate', 'mutate', 'delete', 'select', 'select', 'other')
        if kind == 'insert':
            op = {'op': 'insert', 'table': table, 'row': self.row(table)}
            if self.r.random() < 0.8:
                name = 'n%d' % len(self.local)
                self.local.append((table, name))
                op['uuid-name'] = name
            return op
        if kind == 'update':
            return {'op': 'update', 'table': table, 'where': self.where(table), 'row': self.row(table)}
        if kind == 'mutate':
            return {'op': 'mutate', 'table': table, 'where': self.where(table),
                    'mutations': [self.mutation(table) for _ in range(self.pick(1, 1, 2))]}
        if kind == 'delete':
            return {'op': 'delete', 'table': table, 'where': self.where(table)}
        if kind == 'select':
            op = {'op': 'select', 'table': table, 'where': self.where(table)}
            if self.r.random() < 0.5:
                names = sorted(SCHEMA['tables'][table]['columns'])
                op['columns'] = self.r.sample(names, self.r.randrange(1, len(names)))
            return op
        return self.pick({'op': 'comment', 'comment': 'hello'}, {'op': 'commit', 'durable': False}, {'op': 'abort'},
                         {'op': 'assert', 'lock': 'lock0'}, {'op': 'nothing'}, {}, 3,
                         {'op': 'wait', 'table': table, 'where': self.where(table), 'columns': ['name' if table != 'a' else 'i'],
                          'until': self.pick('==', '!='), 'timeout': 0, 'rows': []})

    def transaction(self):
        # A reference to a row by name may come before the insert.
        self.local = [(t, 'n%d' % i) for i, t in enumerate(self.r.sample('abcab', self.pick(0, 0, 2)))]
        ops = []
        for t, n in self.local:
            row = self.row(t)
            ops.append({'op': 'insert', 'table': t, 'row': row, 'uuid-name': n})
        self.r.shuffle(ops)
        if self.r.random() < 0.5 and self.local:
            # Make what was inserted live.
            for t, n in self.local:
                if t == 'b':
                    ops.append({'op': 'mutate', 'table': 'a', 'where': self.where('a')[:1], 'mutations': [['st', 'insert', ['named-uuid', n]]]})
        ops += [self.operation() for _ in range(self.pick(1, 1, 2, 3))]
        if any(not isinstance(op, dict) or op.get('op') != 'insert' for op in ops):
            # The stock server leaves a weak reference to a deleted row behind when another row that had one is inserted and
            # found to be garbage in the same transaction.
            for op in ops:
                if isinstance(op, dict) and op.get('op') == 'insert' and op['table'] == 'b':
                    for column in ('wa', 'w1'):
                        op['row'].pop(column, None)
        return ops


def substitute(value, uuids):
    if isinstance(value, list):
        return [substitute(v, uuids) for v in value]
    if isinstance(value, dict):
        return {k: substitute(v, uuids) for k, v in value.items()}
    if isinstance(value, str) and value.startswith('@'):
        return uuids[value[1:]]
    return value


CONTENTS = ['T'] + [{'op': 'select', 'table': t, 'where': []} for t in 'abc']


@pytest.fixture
def servers(tmp_path):
    both = Server(STOCK, str(tmp_path / 'stock')), Server(OURS, str(tmp_path / 'ours'))
    yield both
    for s in both:
        s.stop()


@pytest.mark.parametrize('seed', [1, 2, 3])
def test_transactions(servers, seed):
    stock, ours = servers
    generator = Generator(seed)
    uuids = {stock: {}, ours: {}}  # name -> UUID
    names = {stock: {}, ours: {}}  # UUID -> name
    requests = {t: {} for t in 'abc'}
    for s in (stock, ours):
        s.call('monitor', ['T', 'v1', requests])
        s.call('monitor_cond', ['T', 'v2', {t: {'where': []} for t in 'abc'}])
        s.call('monitor_cond', ['T', 'cond', {'a': [{'where': [['i', '<', 9], ['b', '==', True]], 'columns': ['i', 'is', 'm', 'os', '_uuid']}]}])
    n_good = 0
    for round_ in range(ROUNDS):
        ops = generator.transaction()
        results = {}
        for s in (stock, ours):
            s.notes = []
            results[s] = s.call('transact', ['T'] + substitute(ops, uuids[s]))
        for i, result in enumerate(results[ours]):
            if isinstance(result, dict) and 'uuid' in result and isinstance(results[stock][i], dict) and 'uuid' in results[stock][i]:
                name = 'row%d' % (len(names[ours]))
                for s in (stock, ours):
                    uuid = results[s][i]['uuid'][1]
                    uuids[s][name] = uuid
                    names[s][uuid] = name
        what = 'round %d: %s' % (round_, json.dumps(substitute(ops, uuids[ours])))
        a, b = (loosen(canonical(results[s], names[s]), ops) for s in (stock, ours))
        assert a == b, what
        a, b = (canonical_notes(s.notes, names[s]) for s in (stock, ours))
        assert a == b, what
        if len(results[ours]) == len(ops) and all(r and 'error' not in r for r in results[ours]):
            n_good += 1
            if round_ % 10 == 0 or any(op.get('op') == 'delete' for op in ops):
                contents = {s: s.call('transact', CONTENTS) for s in (stock, ours)}
                a, b = (canonical(contents[s], names[s]) for s in (stock, ours))
                assert a == b, what
                for table, rows in zip('abc', contents[ours]):
                    generator.rows[table] = sorted((names[ours][r['_uuid'][1]] for r in rows['rows']), key=lambda n: int(n[3:]))
            else:
                for op, result in zip(ops, results[ours]):
                    if op.get('op') == 'insert':
                        generator.rows[op['table']].append(names[ours][result['uuid'][1]])
    assert n_good > ROUNDS // 10

    # Each server serves the other's file; the stock one must be able to read its own for that.
    readable = subprocess.run([STOCK_TOOL, 'query', stock.db, '["T"]']).returncode == 0
    before = {s: canonical(s.call('transact', CONTENTS), names[s]) for s in (stock, ours)}
    for s in (stock, ours):
        s.stop()
    shutil.copy(stock.db, stock.db + '2')
    stock.db, ours.db = ours.db, stock.db
    for s in (stock, ours):
        s.start()
    a = canonical(without_ephemeral(stock.call('transact', CONTENTS)), names[ours])
    b = canonical(without_ephemeral(ours.call('transact', CONTENTS)), names[stock])
    assert a == without_ephemeral(before[ours])
    assert b == without_ephemeral(before[stock]) or not readable


def without_ephemeral(results):
    for table in results:
        for row in table['rows']:
            row.pop('eph', None)
    return results

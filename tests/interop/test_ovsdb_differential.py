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
    def __init__(self, program, directory, schema_json=None):
        os.makedirs(directory)
        self.directory = directory
        self.db = os.path.join(directory, 'db')
        schema = os.path.join(directory, 'schema')
        with open(schema, 'w') as f:
            json.dump(schema_json or SCHEMA, f)
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
        return 'Transaction causes multiple rows'
    # Ours say where it was.
    text = re.sub(r' \(table \w+(, column \w+(, row \S+|, whose default does not do)?)?\)(\.?)$', r'\3', text)
    # Which of several is found first is chance.
    text = re.sub(r'cannot delete \w+ row \S+ because of \d+', 'cannot delete row', text)
    text = re.sub(r'Weak reference column \S+ in .*all-zeros UUID.*', 'Deletion of weak references', text)
    text = re.sub(r'transaction causes "\w+" table to contain \d+ rows, greater.*', 'too many rows', text)
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
    """Of several bad columns in one row, or of several rows that a mutation breaks, either may be the one that is complained about."""
    for i, op in enumerate(ops):
        if not isinstance(op, dict) or not isinstance(results[i], dict) or 'error' not in results[i]:
            continue
        # Columns that an insert leaves out have their default, which may be a bad value, too.
        if op.get('op') == 'insert' or len(op.get('row', {})) > 1 or any(len(row) > 1 for row in op.get('rows', [])):
            results[i] = 'some error'
        elif op.get('op') == 'mutate' and results[i]['error'] in ('constraint violation', 'range error', 'domain error'):
            results[i] = 'some error'
    return results


class Generator:
    def __init__(self, seed, schema=SCHEMA):
        self.r = random.Random(seed)
        self.tables = schema['tables']
        self.rows = {t: [] for t in self.tables}  # names of rows that may exist
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
        if 'enum' in base and self.r.random() < 0.9:
            return self.r.choice(base['enum'][1])
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
        columns = self.tables[table]['columns']
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
        columns = self.tables[table]['columns']
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
        columns = self.tables[table]['columns']
        name = self.r.choice(sorted(columns))
        op = self.pick('+=', '-=', '*=', '/=', '%=', 'insert', 'insert', 'insert', 'delete', 'delete')
        value = self.value(columns[name])
        if op == 'delete' and isinstance(value, list) and value[0] == 'map' and self.r.random() < 0.5:
            value = ['set', [pair[0] for pair in value[1]]]
        if op in ('+=', '-=', '*=', '/=', '%=') and self.r.random() < 0.8:
            value = self.pick(0, 1, 2, 3, 1.5, -1, 9223372036854775807)
        if op == '*=' and value in (0, 9223372036854775807):
            value = 2  # the stock server ends with a signal when it multiplies a negative by 0, and refuses the largest number
        return [name, op, value]

    def some_table(self):
        return self.pick('a', 'a', 'b', 'b', 'c')

    def operation(self):
        table = self.some_table()
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
                names = sorted(self.tables[table]['columns'])
                op['columns'] = self.r.sample(names, self.r.randrange(1, len(names) + 1))
            return op
        return self.pick({'op': 'comment', 'comment': 'hello'}, {'op': 'commit', 'durable': False}, {'op': 'abort'},
                         {'op': 'assert', 'lock': 'lock0'}, {'op': 'nothing'}, {}, 3, self.wait(table))

    def wait(self, table):
        return {'op': 'wait', 'table': table, 'where': self.where(table), 'columns': ['name' if table != 'a' else 'i'],
                'until': self.pick('==', '!='), 'timeout': 0, 'rows': []}

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


@pytest.fixture
def servers(tmp_path):
    both = Server(STOCK, str(tmp_path / 'stock')), Server(OURS, str(tmp_path / 'ours'))
    yield both
    for s in both:
        s.stop()


def references(value, column):
    """(table, UUID) of each weak reference in a value."""
    spec = column['type'] if isinstance(column['type'], dict) and 'key' in column['type'] else {'key': column['type']}
    pairs = value[1] if isinstance(value, list) and value and value[0] in ('set', 'map') else [value]
    for pair in pairs:
        for base, atom in zip((spec['key'], spec.get('value')), pair if 'value' in spec else [pair]):
            if isinstance(base, dict) and base.get('refType') == 'weak':
                yield base['refTable'], atom[1]


def has_dangling_references(server, schema_tables):
    """Now and then the stock server leaves a weak reference to a row that is gone. What follows from it is not compared."""
    tables = list(schema_tables)
    contents = dict(zip(tables, server.call('transact', ['T'] + [{'op': 'select', 'table': t, 'where': []} for t in tables])))
    there = {(t, row['_uuid'][1]) for t in tables for row in contents[t]['rows']}
    return any(ref not in there for t in tables for row in contents[t]['rows'] for name, column in schema_tables[t]['columns'].items()
               for ref in references(row[name], column))


class StockIsWrong(Exception):
    pass


def drive(stock, ours, generator, tables, rounds):
    """Sends `rounds` transactions to both and compares results, notifications and contents. Gives the number of those that were
    done, and of each server the names of the rows."""
    def same(a, b):
        if a != b and has_dangling_references(stock, generator.tables) and not has_dangling_references(ours, generator.tables):
            raise StockIsWrong
        assert a == b, what
    uuids = {stock: {}, ours: {}}  # name -> UUID
    names = {stock: {}, ours: {}}  # UUID -> name
    contents_of_all = ['T'] + [{'op': 'select', 'table': t, 'where': []} for t in tables]
    n_good = 0
    for round_ in range(rounds):
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
        same(a, b)
        a, b = (canonical_notes(s.notes, names[s]) for s in (stock, ours))
        same(a, b)
        if len(results[ours]) == len(ops) and all(r and 'error' not in r for r in results[ours]):
            n_good += 1
            if round_ % 10 == 0 or any(op.get('op') == 'delete' for op in ops):
                contents = {s: s.call('transact', contents_of_all) for s in (stock, ours)}
                a, b = (canonical(contents[s], names[s]) for s in (stock, ours))
                same(a, b)
                for table, rows in zip(tables, contents[ours]):
                    generator.rows[table] = sorted((names[ours][r['_uuid'][1]] for r in rows['rows']), key=lambda n: int(n[3:]))
            else:
                for op, result in zip(ops, results[ours]):
                    if op.get('op') == 'insert':
                        generator.rows[op['table']].append(names[ours][result['uuid'][1]])
    return n_good, names


def exchange_files(stock, ours, tables, names, ephemeral):
    """Each server serves the other's file; the stock one must be able to read its own for that."""
    contents = ['T'] + [{'op': 'select', 'table': t, 'where': []} for t in tables]
    before = {s: canonical(without_ephemeral(s.call('transact', contents), tables, ephemeral), names[s]) for s in (stock, ours)}
    query = subprocess.run([STOCK_TOOL, 'query', stock.db, json.dumps(contents)], stdout=subprocess.PIPE, text=True)
    readable = query.returncode == 0 and canonical(without_ephemeral(json.loads(query.stdout), tables, ephemeral), names[stock]) == before[stock]
    for s in (stock, ours):
        s.stop()
    shutil.copy(stock.db, stock.db + '2')
    stock.db, ours.db = ours.db, stock.db
    if not readable:
        shutil.copy(stock.db, ours.db)
    for s in (stock, ours):
        s.start()
    a = canonical(without_ephemeral(stock.call('transact', contents), tables, ephemeral), names[ours])
    b = canonical(without_ephemeral(ours.call('transact', contents), tables, ephemeral), names[stock if readable else ours])
    assert a == before[ours]
    assert b == before[stock if readable else ours]
    return readable


def without_ephemeral(results, tables, ephemeral):
    for name, table in zip(tables, results):
        for row in table['rows']:
            for column in ephemeral.get(name, ()):
                row.pop(column, None)
    return results


@pytest.mark.parametrize('seed', [1, 2, 3])
def test_transactions(servers, seed):
    stock, ours = servers
    for s in (stock, ours):
        s.call('monitor', ['T', 'v1', {t: {} for t in 'abc'}])
        s.call('monitor_cond', ['T', 'v2', {t: {'where': []} for t in 'abc'}])
        s.call('monitor_cond', ['T', 'cond', {'a': [{'where': [['i', '<', 9], ['b', '==', True]], 'columns': ['i', 'is', 'm', 'os', '_uuid']}]}])
    n_good, names = drive(stock, ours, Generator(seed), 'abc', ROUNDS)
    assert n_good > ROUNDS // 10
    exchange_files(stock, ours, 'abc', names, {'a': ['eph']})

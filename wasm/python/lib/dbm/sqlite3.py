"""Key-value files that are SQLite databases with one table, as the standard library's dbm.sqlite3 makes them."""

import os
import sqlite3
from collections.abc import MutableMapping
from contextlib import closing, suppress
from pathlib import Path


class error(OSError):
    pass


_TABLE = 'CREATE TABLE IF NOT EXISTS Dict (key BLOB UNIQUE NOT NULL, value BLOB NOT NULL)'
_MODES = {'r': 'ro', 'w': 'rw', 'c': 'rwc', 'n': 'rwc'}


def _blob(text):
    return text.encode('utf-8') if isinstance(text, str) else bytes(text) if isinstance(text, (bytearray, memoryview)) else text


class _Database(MutableMapping):
    def __init__(self, path, /, *, flag, mode):
        if hasattr(self, '_cx'):
            raise error(f'{self!r} is already initialized')
        if flag not in _MODES:
            raise ValueError(f"Flag must be one of 'r', 'w', 'c', or 'n', not {flag!r}")
        path = os.fsdecode(path)
        if flag == 'n':
            with suppress(FileNotFoundError):
                os.remove(path)
        if flag in ('c', 'n'):
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, mode))
        uri = f'{Path(path).absolute().as_uri()}?mode={_MODES[flag]}'
        try:
            self._cx = sqlite3.connect(uri, autocommit=True, uri=True)
            if flag in ('c', 'n'):
                self._execute(_TABLE)
        except sqlite3.Error as failure:
            raise error(str(failure)) from None

    def _execute(self, statement, *values):
        if not self._cx:
            raise error('DBM object has already been closed')
        try:
            return closing(self._cx.execute(statement, values))
        except sqlite3.Error as failure:
            raise error(str(failure)) from None

    def __len__(self):
        with self._execute('SELECT COUNT(*) FROM Dict') as cursor:
            return cursor.fetchone()[0]

    def __getitem__(self, key):
        with self._execute('SELECT value FROM Dict WHERE key = CAST(? AS BLOB)', _blob(key)) as cursor:
            row = cursor.fetchone()
        if not row:
            raise KeyError(key)
        return row[0]

    def __setitem__(self, key, value):
        self._execute('REPLACE INTO Dict (key, value) VALUES (CAST(? AS BLOB), CAST(? AS BLOB))', _blob(key), _blob(value)).__exit__()

    def __delitem__(self, key):
        with self._execute('DELETE FROM Dict WHERE key = CAST(? AS BLOB)', _blob(key)) as cursor:
            if not cursor.rowcount:
                raise KeyError(key)

    def __iter__(self):
        with self._execute('SELECT key FROM Dict') as cursor:
            yield from [row[0] for row in cursor]

    def keys(self):
        return list(super().keys())

    def close(self):
        if self._cx:
            self._cx.close()
            self._cx = None

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.close()


def open(filename, /, flag='r', mode=0o666):
    """Open a dbm.sqlite3 database; `flag` is 'r', 'w', 'c' or 'n'."""
    return _Database(filename, flag=flag, mode=mode)

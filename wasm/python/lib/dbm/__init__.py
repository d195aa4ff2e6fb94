"""Key-value files, as the standard library's dbm: here always SQLite databases (dbm.sqlite3)."""

import os
import struct

__all__ = ['open', 'whichdb', 'error']

_MAGIC = b'SQLite format 3\x00'


class _Error(Exception):
    pass


error = (_Error, OSError)


def open(file, flag='r', mode=0o666):
    """Open or create the database at `file`; `flag` is 'r', 'w', 'c' or 'n'."""
    kind = whichdb(file) if 'n' not in flag else None
    if kind is None and flag not in ('c', 'n'):
        raise error[0]("db file doesn't exist; use 'c' or 'n' flag to create a new db")
    if kind == '':
        raise error[0]('db type could not be determined')
    from . import sqlite3

    return sqlite3.open(file, flag, mode)


def whichdb(filename):
    """The module that can open the file: 'dbm.sqlite3', '' for an unknown kind, None where there is none."""
    try:
        fd = os.open(filename, os.O_RDONLY)
    except OSError:
        return None
    try:
        head = os.read(fd, len(_MAGIC))
    finally:
        os.close(fd)
    return 'dbm.sqlite3' if head in (_MAGIC, b'') else ''

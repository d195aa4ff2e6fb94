"""The cell's users, from /etc/passwd."""

from _tidepool_record import record as _record, rows as _rows

struct_passwd = _record(
    'pwd.struct_passwd',
    'pwd.struct_passwd: Results from getpw*() routines.',
    ('pw_name', 'pw_passwd', 'pw_uid', 'pw_gid', 'pw_gecos', 'pw_dir', 'pw_shell'),
)


def getpwall():
    """Return a list of all available password database entries, in arbitrary order."""
    return [struct_passwd((*row[:2], int(row[2]), int(row[3]), *row[4:])) for row in _rows('/etc/passwd', 7)]


def getpwnam(name, /):
    """Return the password database entry for the given user name."""
    if not isinstance(name, str):
        raise TypeError(f'getpwnam() argument must be str, not {type(name).__name__}')
    for entry in getpwall():
        if entry.pw_name == name:
            return entry
    raise KeyError(f'getpwnam(): name not found: {name!r}')


def getpwuid(uid, /):
    """Return the password database entry for the given numeric user ID."""
    for entry in getpwall():
        if entry.pw_uid == uid:
            return entry
    raise KeyError(f'getpwuid(): uid not found: {uid}')

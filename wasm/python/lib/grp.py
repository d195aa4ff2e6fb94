"""The cell's groups, from /etc/group."""

from _tidepool_record import record as _record, rows as _rows

struct_group = _record(
    'grp.struct_group',
    'grp.struct_group: Results from getgr*() routines.',
    ('gr_name', 'gr_passwd', 'gr_gid', 'gr_mem'),
)


def getgrall():
    """Return a list of all available group entries, in arbitrary order."""
    members = lambda text: [name for name in text.split(',') if name]
    return [struct_group((*row[:2], int(row[2]), members(row[3]))) for row in _rows('/etc/group', 4)]


def getgrnam(name):
    """Return the group database entry for the given name."""
    for entry in getgrall():
        if entry.gr_name == name:
            return entry
    raise KeyError(f'getgrnam(): name not found: {name!r}')


def getgrgid(id):
    """Return the group database entry for the given numeric group ID."""
    for entry in getgrall():
        if entry.gr_gid == id:
            return entry
    raise KeyError(f'getgrgid(): gid not found: {id}')

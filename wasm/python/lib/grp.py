"""The cell's groups, from /etc/group."""


class struct_group(tuple):
    """grp.struct_group: Results from getgr*() routines."""

    n_fields = n_sequence_fields = 4
    n_unnamed_fields = 0
    __match_args__ = ('gr_name', 'gr_passwd', 'gr_gid', 'gr_mem')

    def __repr__(self):
        return f'grp.struct_group({", ".join(f"{name}={value!r}" for name, value in zip(self.__match_args__, self))})'


for _i, _name in enumerate(struct_group.__match_args__):
    setattr(struct_group, _name, property(lambda self, i=_i: self[i]))


def getgrall():
    """Return a list of all available group entries, in arbitrary order."""
    entries = []
    with open('/etc/group', encoding='utf-8', errors='surrogateescape') as file:
        for line in file:
            fields = line.rstrip('\n').split(':')
            if len(fields) == 4:
                entries.append(struct_group((*fields[:2], int(fields[2]), [name for name in fields[3].split(',') if name])))
    return entries


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

"""The cell's users, from /etc/passwd."""



class struct_passwd(tuple):
    """pwd.struct_passwd: Results from getpw*() routines."""

    n_fields = n_sequence_fields = 7
    n_unnamed_fields = 0
    __match_args__ = ('pw_name', 'pw_passwd', 'pw_uid', 'pw_gid', 'pw_gecos', 'pw_dir', 'pw_shell')

    def __repr__(self):
        return f'pwd.struct_passwd({", ".join(f"{name}={value!r}" for name, value in zip(self.__match_args__, self))})'


for _i, _name in enumerate(struct_passwd.__match_args__):
    setattr(struct_passwd, _name, property(lambda self, i=_i: self[i]))


def getpwall():
    """Return a list of all available password database entries, in arbitrary order."""
    entries = []
    with open('/etc/passwd', encoding='utf-8', errors='surrogateescape') as file:
        for line in file:
            fields = line.rstrip('\n').split(':')
            if len(fields) == 7:
                entries.append(struct_passwd((*fields[:2], int(fields[2]), int(fields[3]), *fields[4:])))
    return entries


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

"""Tuples with named fields, as C's structures are in pwd, grp and resource."""


def record(name, doc, fields):
    """A class of tuples whose items have these names, too; `name` is shown by repr."""

    def __repr__(self):
        return f'{name}({", ".join(f"{field}={value!r}" for field, value in zip(fields, self))})'

    body = {'__doc__': doc, '__repr__': __repr__, '__match_args__': fields, 'n_unnamed_fields': 0}
    body.update(n_fields=len(fields), n_sequence_fields=len(fields), __module__=name.partition('.')[0])
    body.update({field: property(lambda self, i=i: self[i]) for i, field in enumerate(fields)})
    return type(name.partition('.')[2], (tuple,), body)


def rows(path, count):
    """The lines of a file of the system's accounts that have so many fields."""
    with open(path, encoding='utf-8', errors='surrogateescape') as file:
        split = [line.rstrip('\n').split(':') for line in file]
    return [fields for fields in split if len(fields) == count]

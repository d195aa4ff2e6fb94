"""pip for a cell: it lists, shows and installs what needs no network.

The packages of the table (docs/python.md) are always there: they appear when they are first imported or installed. Others come as wheel
files, from the file system of the site or from the folder that `tidepool run --wheels` names.
"""

__version__ = '26.0+tidepool'


def main(args=None):
    from ._command import main as run

    return run(args)

"""The command line: each command is a function that prints, and gives an exit status."""

import argparse
import sys

from . import __version__, _wheel

_DESCRIPTION = 'Packages of this cell. Those of its table are always there; others are installed from wheel files.'


class _Failure(Exception):
    pass


def _parser():
    parser = argparse.ArgumentParser(prog='pip', description=_DESCRIPTION)
    parser.add_argument('-V', '--version', action='version', version=f'pip {__version__} (python {sys.version_info.major}.{sys.version_info.minor})')
    commands = parser.add_subparsers(dest='command', metavar='COMMAND', required=True)

    install = commands.add_parser('install', help='install wheel files and packages of the table')
    install.add_argument('requirements', nargs='*', metavar='NAME|NAME==VERSION|FILE.whl')
    install.add_argument('-r', '--requirement', action='append', default=[], metavar='FILE', help='read requirements from a file')
    install.add_argument('-q', '--quiet', action='store_true')
    install.add_argument('--no-deps', action='store_true', help='do not look for what a wheel needs')
    for ignored in ('-U', '--user', '--upgrade', '--break-system-packages', '--no-input', '--no-cache-dir', '--disable-pip-version-check'):
        install.add_argument(ignored, action='store_true', help=argparse.SUPPRESS)
    install.set_defaults(run=_install)

    uninstall = commands.add_parser('uninstall', help='remove packages that were installed from wheel files')
    uninstall.add_argument('names', nargs='+', metavar='NAME')
    uninstall.add_argument('-y', '--yes', action='store_true')
    uninstall.set_defaults(run=_uninstall)

    listing = commands.add_parser('list', help='list packages')
    listing.add_argument('--format', choices=('columns', 'freeze', 'json'), default='columns')
    listing.set_defaults(run=_list)

    freeze = commands.add_parser('freeze', help='list packages as requirements')
    freeze.set_defaults(run=_list, format='freeze')

    show = commands.add_parser('show', help='show what is known of packages')
    show.add_argument('names', nargs='+', metavar='NAME')
    show.add_argument('-f', '--files', action='store_true')
    show.set_defaults(run=_show)
    return parser


def main(args=None):
    options = _parser().parse_args(args)
    try:
        return options.run(options)
    except (_Failure, _wheel.WheelError) as failure:
        print(f'ERROR: {failure}', file=sys.stderr)
        return 1


# --- install
def _install(options):
    wanted = list(options.requirements)
    for path in options.requirement:
        wanted += _read_requirements(path)
    if not wanted:
        raise _Failure('You must give at least one requirement to install (see "pip help install")')
    say = (lambda text: None) if options.quiet else print
    for requirement in wanted:
        _install_one(requirement, say, depends=not options.no_deps)
    return 0


def _read_requirements(path):
    try:
        with open(path, encoding='utf-8') as file:
            lines = [line.split(' #')[0].strip() for line in file]
    except OSError as error:
        raise _Failure(f'Could not open requirements file: {error}') from None
    return [line for line in lines if line and not line.startswith(('#', '-'))]


def _install_one(requirement, say, depends=True):
    if requirement.endswith('.whl') or '/' in requirement:
        return _install_file(requirement, say, depends)
    name, specifier, marker = _wheel.parse_requirement(requirement)
    if marker is False:
        return say(f'Ignoring {name}: its marker does not hold here')
    known = _wheel.installed(name) or _wheel.of_table(name)
    if known and (not specifier or _wheel.satisfies(known.version, specifier)):
        _wheel.provide(known)
        return say(f'Requirement already satisfied: {requirement} in {known.location} ({known.version})')
    path = _wheel.find_file(name, specifier)
    if path:
        return _install_file(path, say, depends)
    if known:
        raise _Failure(f'Could not find a version that satisfies the requirement {requirement} (this cell has {known.name} {known.version})')
    raise _Failure(
        f'Could not find a package "{name}": there is no network here, and it is not in this cell\'s table (pip list).\n'
        f'       In a browser, its user can add the wheel file in the popup of Tidepool (Add a wheel file…); then say this again.\n'
        f'       On the command line, tidepool run --wheels DIR finds wheels in a folder.\n'
        f'       A wheel file that is in the file system: pip install ./NAME-VERSION-py3-none-any.whl'
    )


def _install_file(path, say, depends):
    wheel = _wheel.Wheel(path)
    say(f'Processing {path}')
    if depends:
        for requirement in wheel.requires():
            _install_one(requirement, say)
    old = _wheel.installed(wheel.name)
    if old:
        _wheel.remove(old)
    wheel.install()
    say(f'Successfully installed {wheel.name}-{wheel.version}')


# --- the others
def _uninstall(options):
    for name in options.names:
        known = _wheel.installed(name)
        if known is None:
            if _wheel.of_table(name):
                raise _Failure(f'Cannot uninstall {name}: it belongs to the cell')
            print(f'WARNING: Skipping {name} as it is not installed.', file=sys.stderr)
            continue
        _wheel.remove(known)
        print(f'Successfully uninstalled {known.name}-{known.version}')
    return 0


def _list(options):
    rows = sorted({row.name.lower(): (row.name, row.version) for row in [*_wheel.all_of_table(), *_wheel.all_installed()]}.values(), key=lambda row: row[0].lower())
    if options.format == 'json':
        import json

        print(json.dumps([{'name': name, 'version': version} for name, version in rows]))
    elif options.format == 'freeze':
        for name, version in rows:
            print(f'{name}=={version}')
    else:
        width = max(len('Package'), *(len(name) for name, _ in rows))
        versions = max(len('Version'), *(len(version) for _, version in rows))
        for name, version in [('Package', 'Version'), ('-' * width, '-' * versions), *rows]:
            print(f'{name:{width}} {version}'.rstrip())
    return 0


def _show(options):
    shown = 0
    for name in options.names:
        known = _wheel.installed(name) or _wheel.of_table(name)
        if known is None:
            print(f'WARNING: Package(s) not found: {name}', file=sys.stderr)
            continue
        if shown:
            print('---')
        shown += 1
        _wheel.provide(known)
        for line in _wheel.description(known, options.files):
            print(line)
    return 0 if shown else 1

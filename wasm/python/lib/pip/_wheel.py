"""Wheels (PyPA binary distribution format): what they are called, what they hold, where they go."""

import base64
import csv
import hashlib
import importlib.metadata
import importlib.util
import io
import os
import re
import shutil
import sys
import zipfile
from collections import namedtuple
from email.parser import HeaderParser

SITE = '/usr/lib/python3.14/site-packages'
USER_SITE = os.path.expanduser('~/.local/lib/python3.14/site-packages')
# Where wheels are looked for by name: what `tidepool run --wheels` mounts, and the site's own.
FOLDERS = ('/opt/wheels', os.path.expanduser('~/.local/share/wheels'))

_NAME = re.compile(r'^(?P<name>[^-]+)-(?P<version>[^-]+)(?:-\d[^-]*)?-(?P<python>[^-]+)-(?P<abi>[^-]+)-(?P<platform>[^-]+)\.whl$')
_PLATFORM = 'pyemscripten_2026_0_wasm32'
# A side module may not bring JavaScript with it.
_FORBIDDEN = (b'__em_js__', b'__start_em_asm')

Known = namedtuple('Known', 'name version location')


class WheelError(Exception):
    pass


def normalized(name):
    return re.sub(r'[-_.]+', '-', name).lower()


# --- what there is
def all_of_table():
    finder = sys._tidepool_packages
    finder.table()
    return [Known(row['name'], row['version'], SITE) for row in finder.packages.values()]


def of_table(name):
    return next((row for row in all_of_table() if normalized(row.name) == normalized(name)), None)


def all_installed():
    if not os.path.isdir(USER_SITE):
        return []
    return [Known(one.metadata['Name'], one.version, USER_SITE) for one in importlib.metadata.distributions(path=[USER_SITE])]


def installed(name):
    return next((row for row in all_installed() if normalized(row.name) == normalized(name)), None)


def provide(known):
    """Makes the files of a package of the table appear."""
    if known.location == SITE:
        sys._tidepool_packages.ensure(known.name)


def distribution(known):
    return next(iter(importlib.metadata.distributions(name=known.name, path=[known.location])), None)


def description(known, with_files):
    found = distribution(known)
    meta = found.metadata if found else {}
    requires = sorted({parse_requirement(text)[0] for text in (found.requires or []) if 'extra ==' not in text}) if found else []
    yield f'Name: {meta.get("Name") or known.name}'
    yield f'Version: {known.version}'
    yield f'Summary: {meta.get("Summary") or ""}'
    yield f'Home-page: {meta.get("Home-page") or ""}'
    yield f'Author: {meta.get("Author") or ""}'
    yield f'License-Expression: {meta.get("License-Expression") or meta.get("License") or ""}'.split('\n')[0]
    yield f'Location: {known.location}'
    yield f'Requires: {", ".join(requires)}'
    if with_files:
        yield 'Files:'
        for file in found.files or []:
            yield f'  {file}'


# --- requirements (PEP 508, as far as wheels use it)
def parse_requirement(text):
    """(name, version specifier, whether its marker holds; None where there is none)"""
    requirement, _, marker = text.partition(';')
    match = re.match(r'^\s*([A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?\s*\(?([^)]*)\)?\s*$', requirement)
    if not match:
        raise WheelError(f'Invalid requirement: {text!r}')
    holds = _marker_holds(marker) if marker.strip() else None
    return match[1], match[2].strip(), holds


def _packaging(module):
    sys._tidepool_packages.ensure('packaging')
    import importlib

    importlib.invalidate_caches()
    return importlib.import_module(f'packaging.{module}')


def _marker_holds(marker):
    try:
        return _packaging('markers').Marker(marker.strip()).evaluate({'extra': ''})
    except Exception as error:
        raise WheelError(f'Invalid marker {marker.strip()!r}: {error}') from None


def satisfies(version, specifier):
    try:
        return _packaging('specifiers').SpecifierSet(specifier).contains(version, prereleases=True)
    except Exception as error:
        raise WheelError(f'Invalid version {specifier!r}: {error}') from None


def find_file(name, specifier):
    """The newest wheel of that name in the folders of wheels."""
    found = []
    for folder in FOLDERS:
        for file in os.listdir(folder) if os.path.isdir(folder) else ():
            match = _NAME.match(file)
            if match and normalized(match['name']) == normalized(name) and (not specifier or satisfies(match['version'], specifier)):
                found.append((_packaging('version').Version(match['version']), os.path.join(folder, file)))
    return max(found)[1] if found else None


# --- installing
class Wheel:
    def __init__(self, path):
        match = _NAME.match(os.path.basename(path))
        if not match:
            raise WheelError(f'{path} is not a valid wheel filename.')
        self.path = path
        self.version = match['version']
        self._check_tags(match)
        try:
            self._zip = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile) as error:
            raise WheelError(f'Cannot read {path}: {error}') from None
        self._names = [info.filename for info in self._zip.infolist() if not info.is_dir()]
        self._info = self._find_info(match['name'])
        self._metadata = HeaderParser().parsestr(self._read(f'{self._info}/METADATA').decode('utf-8', 'replace'))
        self.name = self._metadata['Name'] or match['name']

    def _check_tags(self, match):
        pythons = match['python'].split('.')
        pure = match['abi'] == 'none' and match['platform'] == 'any' and any(tag in ('py3', 'py314', 'cp314') for tag in pythons)
        native = 'cp314' in pythons and match['abi'] in ('cp314', 'abi3') and match['platform'] == _PLATFORM
        if not pure and not native:
            raise WheelError(f'{os.path.basename(self.path)} is not a supported wheel here: py3-none-any, or cp314-cp314-{_PLATFORM}')

    def _find_info(self, name):
        folders = {entry.split('/')[0] for entry in self._names if entry.split('/')[0].endswith('.dist-info')}
        wanted = [folder for folder in folders if normalized(folder.split('-')[0]) == normalized(name)]
        if len(wanted) != 1:
            raise WheelError(f'{self.path} has no (or more than one) .dist-info folder')
        return wanted[0]

    def _read(self, name):
        try:
            return self._zip.read(name)
        except (KeyError, zipfile.BadZipFile, EOFError, OSError, RuntimeError) as error:
            raise WheelError(f'{self.path} is damaged: {error}') from None

    def requires(self):
        """What it needs and this cell must have."""
        wanted = []
        for text in self._metadata.get_all('Requires-Dist') or []:
            if parse_requirement(text)[2] is not False:
                wanted.append(text.partition(';')[0].strip())
        return wanted

    def install(self):
        """Checks every file against RECORD before the first is written."""
        hashes = self._hashes()
        files = {}
        for name in self._names:
            target = self._target(name)
            data = self._read(name)
            digest = hashes.get(name)
            if digest and hashlib.sha256(data).digest() != digest:
                raise WheelError(f'{self.path} is damaged: "{name}" is not what its RECORD says')
            if name.endswith('.so') and any(word in data for word in _FORBIDDEN):
                raise WheelError(f'{self.path} brings JavaScript in "{name}", which cannot run here')
            if target in files:
                raise WheelError(f'{self.path} has "{name}" twice')
            files[target] = data
        for target, data in files.items():
            path = os.path.join(USER_SITE, target)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, 'wb') as file:
                file.write(data)
        with open(os.path.join(USER_SITE, self._info, 'INSTALLER'), 'w', encoding='utf-8') as file:
            file.write('pip\n')

    def _hashes(self):
        rows = csv.reader(io.StringIO(self._read(f'{self._info}/RECORD').decode('utf-8', 'replace')))
        found = {}
        for row in rows:
            if len(row) >= 2 and row[1].startswith('sha256='):
                text = row[1][len('sha256=') :]
                found[row[0]] = base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))
        return found

    def _target(self, name):
        parts = name.split('/')
        if name.startswith('/') or '\\' in name or any(part in ('', '.', '..') for part in parts):
            raise WheelError(f'{self.path} holds a file outside of its folder: "{name}"')
        if parts[0].endswith('.data') and len(parts) > 2 and parts[1] in ('purelib', 'platlib'):
            return '/'.join(parts[2:])
        return name


def remove(known):
    """Removes the files that an installed package's RECORD names, and folders that are empty then."""
    found = distribution(known)
    folders = set()
    for file in found.files or []:
        path = os.path.normpath(os.path.join(USER_SITE, str(file)))
        if not path.startswith(USER_SITE + os.sep):
            continue
        for one in (path, importlib.util.cache_from_source(path) if path.endswith('.py') else path):
            if os.path.lexists(one):
                os.remove(one)
            folders.add(os.path.dirname(one))
    info = getattr(found, '_path', None)
    if info is not None and os.path.isdir(info):
        shutil.rmtree(info)
    for folder in sorted(folders, key=len, reverse=True):
        while folder.startswith(USER_SITE + os.sep):
            try:
                os.rmdir(folder)
            except OSError:
                break
            folder = os.path.dirname(folder)

#!/usr/bin/env python3
"""trim-wheel.py IN.whl OUT.whl [--scrub DIR]... [--licence FILE]... [--tests NAME PATTERN...]

Rewrites a wheel into the form that a cell maps straight out of the file: every entry stored (no deflate), fixed order and timestamps,
RECORD renewed; same input, same bytes. Without upstream's tests, static libraries, C and Cython sources, headers and stubs, and with
unchecked-hash bytecode in __pycache__ beside the sources, whose file names lie below SITE. Run it under CPython of the target's minor
version with PYTHONHASHSEED=0.
--scrub DIR    cuts "DIR/" out of .py files (build paths in __config__.py); whatever names DIR after that is an error
--licence FILE    is put among the licences: that of a library which was linked in
--tests NAME PATTERN...    makes a distribution NAME of nothing but the entries that match, without bytecode, to be unpacked over IN's
Prints one line of JSON: name, version, imports, depends, licence (null where the metadata has no SPDX expression)."""
import argparse, base64, csv, email, hashlib, importlib._bootstrap_external as external, io, _imp, json, os, re, sys, zipfile
from packaging.requirements import Requirement

SITE = "/usr/lib/python%d.%d/site-packages/" % sys.version_info[:2]
MAGIC = int.from_bytes(external.MAGIC_NUMBER, "little")
DROP = re.compile(r"(^|/)tests?/|(^|/)conftest\.py$|_tests\.cpython-[^/]*\.so$|\.(a|h|hpp|c|pyi|pyx|pxd|pxd\.in)$|/pkgconfig/|\.data/data/share/man/")
KEEP = re.compile(r"numpy/_core/tests/_natype\.py$|\.dist-info/|unittest/")
SYSTEM = {"sys_platform": "emscripten", "platform_system": "Emscripten", "platform_machine": "wasm32", "os_name": "posix", "extra": ""}


def bytecode(name, source):
    code = compile(source, SITE + name, "exec", dont_inherit=True, optimize=0)
    return bytes(external._code_to_hash_pyc(code, _imp.source_hash(MAGIC, source), False))


def cache_name(name):
    folder, _, file = name.rpartition("/")
    return f"{folder + '/' if folder else ''}__pycache__/{file[:-3]}.{sys.implementation.cache_tag}.pyc"


class Wheel:
    """A wheel under way: stored entries, and the rows of its RECORD."""

    def __init__(self, path):
        self.archive, self.rows, self.names = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED), [], set()

    def put(self, name, data):
        if name.startswith("/") or "\\" in name or ".." in name.split("/") or name in self.names:
            sys.exit(f"{name}: not a name for an entry")
        self.names.add(name)
        info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        info.external_attr = 0o644 << 16
        self.archive.writestr(info, data)

    def add(self, name, data):
        self.put(name, data)
        self.rows.append([name, "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode(), len(data)])

    def close(self, record):
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([*self.rows, [record, "", ""]])
        self.put(record, text.getvalue())
        self.archive.close()


def wanted(names, record, select):
    files = (n for n in names if not n.endswith("/") and n != record)
    if select:
        return [n for n in files if ".dist-info/" not in n and not KEEP.search(n) and any(re.search(s, n) for s in select)]
    return [n for n in files if KEEP.search(n) or not DROP.search(n)]


def imports(names):
    """What stands at the top and can be imported."""
    tops = {n.split("/")[0].split(".")[0] for n in names if re.search(r"\.(py|so)$", n) and ".dist-info/" not in n}
    return sorted(t for t in tops if t.isidentifier())


def depends(metadata):
    required = [Requirement(r) for r in metadata.get_all("Requires-Dist", [])]
    return sorted({re.sub(r"[-_.]+", "-", r.name).lower() for r in required if not r.marker or r.marker.evaluate(SYSTEM)})


def tests_metadata(name, version, of, licence):
    text = f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\nSummary: Parts of the test suite of {of}, to be unpacked over it\n"
    return text + (f"License-Expression: {licence}\n" if licence else "") + "".join(f"Requires-Dist: {r}\n" for r in (f"{of}=={version}", "hypothesis", "pytest"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("source"), parser.add_argument("out")
    parser.add_argument("--scrub", action="append", default=[])
    parser.add_argument("--licence", action="append", default=[])
    parser.add_argument("--tests", nargs="+")
    options = parser.parse_args()
    source = zipfile.ZipFile(options.source)
    scrub = [os.path.abspath(d).encode() for d in options.scrub]
    record = next(n for n in source.namelist() if n.endswith(".dist-info/RECORD"))
    info = record.removesuffix("RECORD")
    metadata = email.message_from_bytes(source.read(info + "METADATA"))
    name, version, licence = metadata["Name"], metadata["Version"], metadata["License-Expression"]
    select = options.tests[1:] if options.tests else []
    names = sorted(wanted(source.namelist(), record, select), key=lambda n: (".dist-info/" in n, n))
    if any(".data/" in n.split("/")[0] + "/" for n in names):
        sys.exit(f"{options.source}: has a .data folder, which nothing here spreads")
    wheel = Wheel(options.out)
    for n in names:
        data = source.read(n)
        if n.endswith(".py"):
            for folder in scrub:
                data = data.replace(folder + b"/", b"")
            if not select:
                wheel.add(cache_name(n), bytecode(n, data))
        if any(folder in data for folder in scrub):
            sys.exit(f"{n}: names the folder it was built in")
        wheel.add(n, data)
    for file in options.licence:
        wheel.add(f"{info}licenses/{os.path.basename(file)}", open(file, "rb").read())
    if select:
        of, name = name, options.tests[0]
        info = f"{name.replace('-', '_')}-{version}.dist-info/"
        text = tests_metadata(name, version, of, licence)
        metadata = email.message_from_string(text)
        wheel.add(info + "METADATA", text.encode())
        wheel.add(info + "WHEEL", source.read(record.removesuffix("RECORD") + "WHEEL"))
    wheel.close(info + "RECORD")
    facts = {"name": re.sub(r"[-_.]+", "-", name).lower(), "version": version, "imports": [] if select else imports(names)}
    print(json.dumps({**facts, "depends": depends(metadata), "licence": licence}))


main()

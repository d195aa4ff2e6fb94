#!/usr/bin/env python3
"""get-source.py DIR PINS FILE...    Downloads the named sdists and wheels into DIR from the package index that pip is configured for and
checks each against its line in PINS (the form of sha256sum). Files that are there already are checked, too. (`pip download --no-binary`
would run a package's build back end only to learn its metadata.)"""
import hashlib, html, os, re, subprocess, sys
from urllib.parse import urljoin
from pip._internal.models.index import PyPI
from pip._vendor import requests


def index():
    if os.environ.get("PIP_INDEX_URL"):
        return os.environ["PIP_INDEX_URL"]
    for key in ("global.index-url", "download.index-url", "install.index-url"):
        answer = subprocess.run([sys.executable, "-m", "pip", "config", "get", key], capture_output=True, text=True)
        if answer.returncode == 0 and answer.stdout.strip():
            return answer.stdout.strip()
    return PyPI.simple_url


def download(base, name):
    verify = os.environ.get("PIP_CERT") or True
    project = name.split("-")[0] if name.endswith(".whl") else name.rpartition("-")[0]
    page = requests.get(f"{base}/{re.sub(r'[-_.]+', '-', project).lower()}/", headers={"Accept": "text/html"}, verify=verify, timeout=180)
    page.raise_for_status()
    for href, text in re.findall(r'<a\s[^>]*?href="([^"]+)"[^>]*>\s*([^<]+?)\s*</a>', page.text):
        if text == name:
            answer = requests.get(urljoin(page.url, html.unescape(href)).partition("#")[0], verify=verify, timeout=600)
            answer.raise_for_status()
            return answer.content
    sys.exit(f"{name}: the package index has no such file")


def main():
    out, pins_file, *names = sys.argv[1:]
    pins = {name: sha for sha, name in (line.split() for line in open(pins_file))}
    os.makedirs(out, exist_ok=True)
    base = index().rstrip("/")
    for name in names:
        path = os.path.join(out, name)
        data = open(path, "rb").read() if os.path.exists(path) else download(base, name)
        sha = hashlib.sha256(data).hexdigest()
        if sha != pins[name]:
            sys.exit(f"{name}: sha256 is {sha}, pinned is {pins[name]}")
        with open(path + ".part", "wb") as file:
            file.write(data)
        os.replace(path + ".part", path)
        print(name, len(data))


main()

#!/bin/sh
# mk-buildtools.sh XENV     build back ends for the build machine's CPython, through the host's pip; exactly those of build-tools.txt
set -eu
H=$(cd "$(dirname "$0")" && pwd); X=$1
PIP=$(python3 -c 'import os, pip; print(os.path.dirname(pip.__file__))')
rm -rf "$X/site"; mkdir -p "$X/site"
"$X/bin/python" "$PIP" install -q --no-deps --require-hashes --root-user-action=ignore --only-binary=:all: --target "$X/site" -r "$H/build-tools.txt"

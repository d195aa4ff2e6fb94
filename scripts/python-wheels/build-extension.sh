#!/bin/sh
# build-extension.sh XENV SRC OUT    one C file as a side module of Pyodide; the module's name is OUT's up to its first dot.
# The file is compiled from its own folder by its bare name, so that no path of this machine can end up in OUT.
set -eu
. "$1/env.sh"; SRC=$(realpath "$2"); OUT=$(realpath -m "$3"); py=$(cd "$XENV/include" && echo python3.*)
cd "$(dirname "$SRC")"
cross cc -shared -O2 -DNDEBUG -g0 -Wall -I"$XENV/include/$py" "$(basename "$SRC")" -o "$OUT"

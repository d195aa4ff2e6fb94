#!/bin/sh
# install-cross-numpy.sh XENV NUMPY-WASM-WHEEL    numpy for the build machine, with the wasm build's config header and static libraries
set -eu
H=$(cd "$(dirname "$0")" && pwd); X=$(realpath "$1"); W=$(realpath "$2"); v=$(basename "$W" | cut -d- -f2)
grep -q "^numpy==$v " "$H/build-tools-numpy.txt" || { echo "build-tools-numpy.txt names another version than $v"; exit 1; }
rm -rf "$X"/site/numpy "$X"/site/numpy.libs "$X"/site/numpy-*.dist-info
"$X/bin/python" -m pip install -q --no-deps --require-hashes --root-user-action=ignore --only-binary=:all: --target "$X/site" -r "$H/build-tools-numpy.txt"
cd "$X/site"; unzip -qo "$W" 'numpy/_core/include/*' 'numpy/_core/lib/*' 'numpy/random/lib/*'
grep SIZEOF_LONG numpy/_core/include/numpy/_numpyconfig.h

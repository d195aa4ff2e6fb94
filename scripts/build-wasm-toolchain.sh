#!/bin/bash
# A private Rust + C toolchain for wasm32-wasip1, made of Debian packages. Called by scripts/build-wasm-toolchain.mjs with the
# pinned packages (wasm/toolchain.sha256); by hand, without --verify, when the pin is to be moved.
set -euo pipefail

usage() {
  cat <<'USAGE'
usage: build-wasm-toolchain.sh [options] PREFIX

Downloads Debian's rustc with the wasm32-wasip1 standard library, lld, clang,
wasi-libc, binaryen and brotli into PREFIX and makes them usable from there
through their own dynamic loader. Nothing outside PREFIX changes; no root, no
chroot. The host supplies cargo, a `cc` (for build scripts), apt and dpkg-deb.

  --suite NAME      Debian suite (default: forky)
  --mirror URI      Debian archive (default: taken from this machine's apt)
  --verify FILE     fail, before anything is unpacked, unless the packages are
                    exactly those of FILE (a packages.sha256 of an earlier run)
  --keep-debs       keep the downloaded .deb files in PREFIX/.apt
  --force           rebuild PREFIX although it is complete
  -h, --help        this text

Afterwards:  . PREFIX/env.sh && cargo build --release --target wasm32-wasip1

PREFIX/bin              rustc wasm-ld clang llvm-ar llvm-ranlib llvm-nm wasm-opt brotli
PREFIX/env.sh           environment for cargo and for the cc crate
PREFIX/packages.sha256  what is installed: sha256, size, package, version
PREFIX/packages.txt     one line a tool: what it says its version is
A second run on a complete PREFIX does nothing (--verify still compares).
USAGE
}
die() { echo "build-wasm-toolchain: $*" >&2; exit 1; }
say() { echo "build-wasm-toolchain: $*" >&2; }

FORMAT=1                       # raise when the layout of PREFIX changes
PACKAGES='rustc libstd-rust-dev libstd-rust-dev-wasm32 lld-22 clang-22 llvm-22 wasi-libc libclang-rt-22-dev-wasm32 binaryen brotli'
LLVM=22
# Pulled in by dependency, not needed here: the host's cc links build scripts, the
# rest is packaging, scripting and other languages' support.
SKIP='^(gcc(-.*)?|g\+\+.*|cpp(-.*)?|binutils(-.*)?|libbinutils|libc6-dev|libc-dev-bin|linux-libc-dev|libcrypt-dev|rpcsvc-proto|libgcc-[0-9]+-dev|libstdc\+\+-[0-9]+-dev|libobjc.*|lib(asan|tsan|lsan|hwasan|ubsan|itm|quadmath|gomp|atomic|cc1|ctf|ctf-nobfd|gprofng|sframe|jansson|mpc|mpfr|isl).*|perl.*|libperl.*|python3.*|libpython3.*|media-types|libncurses.*|libsqlite.*|readline-common|libreadline.*|tzdata|debconf|dpkg|tar|sensible-utils|libllvm.*-dev|llvm-[0-9]+-(dev|tools|runtime)|libpfm4|binfmt-support|init-system-helpers|netbase|ca-certificates|openssl.*|mawk|base-files|libpam.*|libsystemd.*)$'

SUITE=forky MIRROR= VERIFY= KEEP=0 FORCE=0 PREFIX=
while [ $# -gt 0 ]; do
  case $1 in
    --suite) SUITE=${2:?}; shift 2 ;;
    --mirror) MIRROR=${2:?}; shift 2 ;;
    --verify) VERIFY=$(realpath -e -- "${2:?}"); shift 2 ;;
    --keep-debs) KEEP=1; shift ;;
    --force) FORCE=1; shift ;;
    -h|--help) usage; exit 0 ;;
    -*) usage >&2; exit 2 ;;
    *) [ -z "$PREFIX" ] || { usage >&2; exit 2; }; PREFIX=$1; shift ;;
  esac
done
[ -n "$PREFIX" ] || { usage >&2; exit 2; }
P=$(realpath -m -- "$PREFIX")
case $P in *[[:space:]\"\'\$\`\\]*) die "PREFIX may not contain spaces or quotes: $P" ;; esac

same_packages() { diff -u <(sort -k3 "$1") <(sort -k3 "$2") >&2; }

if [ "$FORCE" = 0 ] && [ "$(cat "$P/.complete" 2>/dev/null)" = "$FORMAT $SUITE" ]; then
  [ -z "$VERIFY" ] || same_packages "$VERIFY" "$P/packages.sha256" || die "installed packages differ from $VERIFY"
  exit 0
fi

[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || die 'needs Linux on x86-64'
for t in apt-get dpkg-deb tar sha256sum; do command -v $t >/dev/null || die "needs $t"; done

# The archive this machine already uses: the URI apt would fetch its own release file from.
if [ -z "$MIRROR" ]; then
  code=$(. /etc/os-release; [ "${ID:-}" = debian ] && echo "${VERSION_CODENAME:-[^/]*}") || die 'this machine is not Debian: give --mirror'
  MIRROR=$(apt-get update --print-uris 2>/dev/null |
    sed -nE "s#^'([^']*)/dists/$code/InRelease' .*#\1#p" | head -n 1) || true
  [ -n "$MIRROR" ] || die 'no Debian archive in the apt configuration of this machine: give --mirror'
fi
KEYS=/usr/share/keyrings/debian-archive-keyring.gpg
[ -r $KEYS ] || die "needs $KEYS (package debian-archive-keyring)"

rm -f "$P/.complete"
A=$P/.apt
mkdir -p "$A/none.d" "$A/preferences.d" "$A/lists/partial" "$A/cache/archives/partial" "$A/debs"
: > "$A/none"; : > "$A/status"
echo "deb [signed-by=$KEYS] $MIRROR $SUITE main" > "$A/sources.list"
# The machine's download settings (proxy, timeouts) count here; its hooks must not run.
apt-config dump | { grep '^Acquire::' || true; } | { grep -vE '^Acquire::(Languages|IndexTargets)' || true; } > "$A/apt.conf"
cat >> "$A/apt.conf" <<CONF
Dir::Etc::main "$A/none";
Dir::Etc::parts "$A/none.d";
Dir::Etc::sourcelist "$A/sources.list";
Dir::Etc::sourceparts "-";
Dir::Etc::preferences "-";
Dir::Etc::preferencesparts "$A/preferences.d";
Dir::State "$A";
Dir::State::lists "$A/lists";
Dir::State::status "$A/status";
Dir::Cache "$A/cache";
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Install-Recommends "0";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
Acquire::Retries "3";
CONF
export APT_CONFIG=$A/apt.conf
say "package lists of $SUITE"
apt-get -qq update

# 'URI' file size HASH:...  of everything the packages need, less what SKIP names
# shellcheck disable=SC2086
apt-get -qq --print-uris --yes install $PACKAGES > "$A/uris" || die "$SUITE cannot install: $PACKAGES"
awk '{ f = $2; sub(/_.*/, "", f); print f }' "$A/uris" | grep -vE "$SKIP" | sort -u > "$A/wanted"
say "$(wc -l < "$A/wanted") packages"
( cd "$A/debs" && xargs apt-get -qq download < "$A/wanted" )

# only the wanted ones (an interrupted earlier run may have left others)
: > "$A/packages.sha256"
while read -r n; do
  set -- "$A/debs/${n}"_*.deb
  if [ $# -gt 1 ]; then rm -f "$@"; ( cd "$A/debs" && apt-get -qq download "$n" ); set -- "$A/debs/${n}"_*.deb; fi
  v=${1##*/}; v=${v#*_}; v=${v%_*}
  printf '%s %s %s %s\n' "$(sha256sum < "$1" | cut -d' ' -f1)" "$(stat -c %s "$1")" "$n" "${v//%3a/:}" >> "$A/packages.sha256"
done < "$A/wanted"
[ -z "$VERIFY" ] || same_packages "$VERIFY" "$A/packages.sha256" || die "the packages of $SUITE are not those of $VERIFY"

say 'unpacking'
rm -rf "$P/root" "$P/bin" "$P/wasi-sysroot"
R=$P/root
mkdir -p "$R/usr/bin" "$R/usr/lib" "$R/usr/lib64" "$R/usr/sbin" "$P/bin"
for d in bin sbin lib lib64; do ln -s usr/$d "$R/$d"; done
while read -r n; do
  dpkg-deb --fsys-tarfile "$A/debs/${n}"_*.deb | tar -C "$R" -xf - --no-same-owner --keep-directory-symlink \
    --exclude='./usr/share/doc*' --exclude=./usr/share/man --exclude=./usr/share/locale --exclude=./etc --exclude=./var \
    --exclude='*/llvm-exegesis*' --exclude=./usr/lib/rustlib/wasm32-wasip2
done < "$A/wanted"

# where clang looks for its builtins
C=$R/usr/lib/llvm-$LLVM/lib/clang/$LLVM/lib
for t in wasm32-unknown-wasi wasm32-unknown-wasip1; do
  mkdir -p "$C/$t"; ln -s ../wasi/libclang_rt.builtins-wasm32.a "$C/$t/libclang_rt.builtins.a"
done
# A C sysroot that holds wasi-libc only, so that a missing header is an error and not glibc's.
mkdir -p "$P/wasi-sysroot/lib"
ln -s ../root/usr/include/wasm32-wasi "$P/wasi-sysroot/include"
for t in wasm32-wasi wasm32-wasip1; do ln -s ../../root/usr/lib/wasm32-wasi "$P/wasi-sysroot/lib/$t"; done

# Wrappers: our loader, our libraries.
LD=$R/usr/lib64/ld-linux-x86-64.so.2
LP=$R/usr/lib/x86_64-linux-gnu:$R/usr/lib/llvm-$LLVM/lib
[ -e "$LD" ] || die "no loader at $LD"
wrap() { # NAME PROGRAM [ARGS]
  local name=$1 prog=$2; shift 2
  [ -e "$prog" ] || die "no $prog"
  printf '#!/bin/sh\nexec %s --argv0 %s --library-path %s %s%s "$@"\n' "$LD" "$P/bin/$name" "$LP" "$prog" "${*:+ $*}" > "$P/bin/$name"
  chmod +x "$P/bin/$name"
}
LB=$R/usr/lib/llvm-$LLVM/bin
wrap rustc "$R/usr/bin/rustc" --sysroot "$R/usr"
wrap wasm-ld "$LB/lld"
ln -s wasm-ld "$P/bin/wasm-ld-$LLVM" # the name Debian's clang looks for
wrap llvm-ar "$LB/llvm-ar"; wrap llvm-ranlib "$LB/llvm-ranlib"; wrap llvm-nm "$LB/llvm-nm"
wrap wasm-opt "$R/usr/bin/wasm-opt"
wrap brotli "$R/usr/bin/brotli"
cat > "$P/bin/clang" <<WRAP
#!/bin/sh
case \${1-} in -cc1*) exec $LD --argv0 $P/bin/clang --library-path $LP $LB/clang "\$@" ;; esac
exec $LD --argv0 $P/bin/clang --library-path $LP $LB/clang -no-canonical-prefixes -B$P/bin \\
  -resource-dir $R/usr/lib/llvm-$LLVM/lib/clang/$LLVM --target=wasm32-wasip1 --sysroot=$P/wasi-sysroot "\$@"
WRAP
chmod +x "$P/bin/clang"

cat > "$P/env.sh" <<ENV
# made by wasm-toolchain; to be sourced
export RUSTC=$P/bin/rustc
export CARGO_TARGET_WASM32_WASIP1_LINKER=$P/bin/wasm-ld
export CC_wasm32_wasip1=$P/bin/clang
export AR_wasm32_wasip1=$P/bin/llvm-ar
export RANLIB_wasm32_wasip1=$P/bin/llvm-ranlib
export CFLAGS_wasm32_wasip1="--target=wasm32-wasip1 --sysroot=$P/wasi-sysroot"
# for C code that uses setjmp: add this to CFLAGS_wasm32_wasip1, and link libsetjmp.a from WASI_SYSROOT/lib/wasm32-wasip1
export WASM_SJLJ_CFLAGS="-mllvm -wasm-enable-sjlj -mllvm -wasm-use-legacy-eh=true"
export WASI_SYSROOT=$P/wasi-sysroot
# RUSTC serves native builds of this shell too: source this file in a subshell when that is not wanted
unset CARGO_BUILD_TARGET
case :\$PATH: in *:$P/bin:*) ;; *) export PATH=$P/bin:\$PATH ;; esac
ENV

cp "$A/packages.sha256" "$P/packages.sha256"
{ "$P/bin/rustc" --version; "$P/bin/wasm-ld" --version; "$P/bin/clang" --version | head -n 1
  "$P/bin/wasm-opt" --version; "$P/bin/brotli" --version; "$P/bin/llvm-ar" --version | sed -n 's/^ *LLVM version/llvm-ar/p'; } > "$P/packages.txt" ||
  die 'an installed program does not run'
[ -d "$R/usr/lib/rustlib/wasm32-wasip1/lib" ] || die 'no standard library for wasm32-wasip1'
if [ "$KEEP" = 0 ]; then rm -rf "$A"; fi
echo "$FORMAT $SUITE" > "$P/.complete"
say "$P is ready: $(head -n 1 "$P/packages.txt"), $(du -sm "$P" | cut -f1) MB"

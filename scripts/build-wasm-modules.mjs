// The table of the modules in wasm/dist: one row a module, in the order of wasm/dist/lock.json. To add a program:
//   1. a crate `wasm/NAME` with `tidepool-system.workspace = true`, its line under `members` in wasm/Cargo.toml, and a `main`
//      that calls `tidepool_system::start()` first and chooses its utility by the base name of argv[0];
//   2. a row here: `programs` are the names that /bin lists for it, `licence` the licences of all that is linked in;
//   3. `npm run build:wasm -- NAME`, which builds that module alone and puts its row into the lock, then
//      `npm run build:licences`, which rewrites THIRD_PARTY.md.
// A larger stack than wasm-ld's 1 MiB is the crate's own wish (cargo::rustc-link-arg in its build.rs).

/** The crate's folder is wasm/NAME and its binary NAME; `package` is its Cargo name where that is another.
 * @typedef {{ name: string, package?: string, licence: string, programs: readonly string[] }} Module */

/** @type {readonly Module[]} */
export const MODULES = [
  {
    name: 'utilities',
    licence: 'Apache-2.0 AND MIT',
    programs: words(`
      [ arch b2sum base32 base64 basename cat chgrp chmod chown cksum column comm cp cut date dd df dir dirname du echo env
      expand expr factor false fold groups hd head hexdump hostid hostname id install join kill link ln logname ls md5sum
      mkdir mktemp mv nice nl nohup nproc numfmt od paste pr printenv printf pwd readlink realpath rev rm rmdir seq sha1sum
      sha224sum sha256sum sha384sum sha512sum shuf sleep sort split stat sync tac tail tee test timeout touch tr true
      truncate tsort tty uname unexpand uniq unlink wc which whoami xargs xxd yes
    `),
  },
  {
    name: 'coreutils',
    licence: 'Apache-2.0 AND MIT',
    programs: words(`basenc csplit fmt pathchk ptx sum`),
  },
  {
    name: 'shell',
    package: 'tidepool-shell',
    licence: 'Apache-2.0 AND MIT',
    programs: words(`bash sh`),
  },
  {
    name: 'grep',
    licence: 'Apache-2.0 AND MIT',
    programs: words(`egrep fgrep grep`),
  },
  {
    name: 'sed',
    licence: 'Apache-2.0 AND MIT',
    programs: words(`sed`),
  },
  {
    name: 'find',
    licence: 'Apache-2.0 AND MIT',
    programs: words(`find`),
  },
  {
    name: 'jq',
    licence: 'Apache-2.0 AND MIT',
    programs: words(`jq`),
  },
  {
    name: 'gzip',
    licence: 'Apache-2.0 AND MIT AND Zlib',
    programs: words(`gunzip gzip zcat`),
  },
  {
    name: 'diff',
    licence: 'Apache-2.0 AND MIT',
    programs: words(`cmp diff`),
  },
]

/** @param {string} text */
function words(text) {
  return text.split(/\s+/u).filter((word) => word !== '')
}

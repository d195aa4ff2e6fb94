/** Errors of files as Node words them: `ENOENT: no such file or directory, open 'x'`, with `code`, `syscall`, `path` and `dest`. */
const TEXTS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EBADF: 'bad file descriptor',
  EBUSY: 'resource busy or locked',
  EDQUOT: 'disk quota exceeded',
  EEXIST: 'file already exists',
  EFBIG: 'file too large',
  EINVAL: 'invalid argument',
  EIO: 'i/o error',
  EISDIR: 'illegal operation on a directory',
  ELOOP: 'too many symbolic links encountered',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'name too long',
  ENOENT: 'no such file or directory',
  ENOSPC: 'no space left on device',
  ENOTDIR: 'not a directory',
  ENOTEMPTY: 'directory not empty',
  ENOTSUP: 'operation not supported on socket',
  EPERM: 'operation not permitted',
  EPIPE: 'broken pipe',
  EROFS: 'read-only file system',
  ESPIPE: 'invalid seek',
  EXDEV: 'cross-device link not permitted',
}

export function fileError(code: string, syscall: string, path?: string, dest?: string): Error {
  const names = path === undefined ? '' : ` '${path}'${dest === undefined ? '' : ` -> '${dest}'`}`
  const error = new Error(`${code}: ${TEXTS[code] ?? 'it failed'}, ${syscall}${names}`)
  return Object.assign(error, { code, syscall, ...(path === undefined ? {} : { path }), ...(dest === undefined ? {} : { dest }) })
}

/**
 * Errors of file operations as callers see them: Unix names and texts for the WASI numbers that a cell answers with.
 */
const ERRORS: Readonly<Record<number, readonly [code: string, text: string]>> = {
  2: ['EACCES', 'permission denied'],
  6: ['EAGAIN', 'try again'],
  8: ['EBADF', 'bad file descriptor'],
  10: ['EBUSY', 'in use'],
  20: ['EEXIST', 'exists already'],
  22: ['EFBIG', 'file too large'],
  28: ['EINVAL', 'invalid argument'],
  29: ['EIO', 'input/output error'],
  31: ['EISDIR', 'is a directory'],
  32: ['ELOOP', 'too many symbolic links'],
  34: ['EMLINK', 'too many links'],
  37: ['ENAMETOOLONG', 'name too long'],
  44: ['ENOENT', 'no such file or directory'],
  48: ['ENOMEM', 'out of memory'],
  51: ['ENOSPC', 'no space left (limits fsBytes and fsInodes, or the disk)'],
  54: ['ENOTDIR', 'not a directory'],
  55: ['ENOTEMPTY', 'directory not empty'],
  58: ['ENOTSUP', 'not supported'],
  63: ['EPERM', 'not permitted'],
  69: ['EROFS', 'read-only file system'],
  75: ['EXDEV', 'is on another file system'],
}

export const EIO = 29
export const ENOSPC = 51

/** Why a command could not even be started: nearly always its working directory. */
export function startError(errno: number, program: string, cwd: string | undefined): FileError {
  return cwd === undefined ? new FileError('start', program, errno) : new FileError('run in', cwd, errno)
}

/** `code` is the errno's name as Node has it (`ENOENT`). */
export class FileError extends Error {
  override readonly name = 'FileError'
  readonly code: string
  readonly errno: number
  readonly path: string

  constructor(action: string, path: string, errno: number) {
    const [code, text] = ERRORS[errno] ?? ['EIO', `error ${errno}`]
    super(`Cannot ${action} "${path}": ${text}`)
    this.code = code
    this.errno = errno
    this.path = path
  }
}

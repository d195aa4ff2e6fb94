/**
 * Error numbers as errno(3) names them, with the values of WASI Preview 1 (`errno`), which is what a guest sees.
 * Inside the kernel an error is thrown as a SysError; the system call layer turns it into its number in one place.
 */
import { wasi } from '@bjorn3/browser_wasi_shim'

export const Errno = {
  SUCCESS: wasi.ERRNO_SUCCESS,
  E2BIG: wasi.ERRNO_2BIG,
  EACCES: wasi.ERRNO_ACCES,
  EAGAIN: wasi.ERRNO_AGAIN,
  EBADF: wasi.ERRNO_BADF,
  EBUSY: wasi.ERRNO_BUSY,
  ECANCELED: wasi.ERRNO_CANCELED,
  ECHILD: wasi.ERRNO_CHILD,
  EDEADLK: wasi.ERRNO_DEADLK,
  EDOM: wasi.ERRNO_DOM,
  EDQUOT: wasi.ERRNO_DQUOT,
  EEXIST: wasi.ERRNO_EXIST,
  EFAULT: wasi.ERRNO_FAULT,
  EFBIG: wasi.ERRNO_FBIG,
  EILSEQ: wasi.ERRNO_ILSEQ,
  EINPROGRESS: wasi.ERRNO_INPROGRESS,
  EINTR: wasi.ERRNO_INTR,
  EINVAL: wasi.ERRNO_INVAL,
  EIO: wasi.ERRNO_IO,
  EISDIR: wasi.ERRNO_ISDIR,
  ELOOP: wasi.ERRNO_LOOP,
  EMFILE: wasi.ERRNO_MFILE,
  EMLINK: wasi.ERRNO_MLINK,
  EMSGSIZE: wasi.ERRNO_MSGSIZE,
  ENAMETOOLONG: wasi.ERRNO_NAMETOOLONG,
  ENFILE: wasi.ERRNO_NFILE,
  ENOBUFS: wasi.ERRNO_NOBUFS,
  ENODEV: wasi.ERRNO_NODEV,
  ENOENT: wasi.ERRNO_NOENT,
  ENOEXEC: wasi.ERRNO_NOEXEC,
  ENOLCK: wasi.ERRNO_NOLCK,
  ENOMEM: wasi.ERRNO_NOMEM,
  ENOSPC: wasi.ERRNO_NOSPC,
  ENOSYS: wasi.ERRNO_NOSYS,
  ENOTCONN: wasi.ERRNO_NOTCONN,
  ENOTDIR: wasi.ERRNO_NOTDIR,
  ENOTEMPTY: wasi.ERRNO_NOTEMPTY,
  ENOTSOCK: wasi.ERRNO_NOTSOCK,
  ENOTSUP: wasi.ERRNO_NOTSUP,
  ENOTTY: wasi.ERRNO_NOTTY,
  ENXIO: wasi.ERRNO_NXIO,
  EOVERFLOW: wasi.ERRNO_OVERFLOW,
  EPERM: wasi.ERRNO_PERM,
  EPIPE: wasi.ERRNO_PIPE,
  ERANGE: wasi.ERRNO_RANGE,
  EROFS: wasi.ERRNO_ROFS,
  ESPIPE: wasi.ERRNO_SPIPE,
  ESRCH: wasi.ERRNO_SRCH,
  ESTALE: wasi.ERRNO_STALE,
  ETIMEDOUT: wasi.ERRNO_TIMEDOUT,
  ETXTBSY: wasi.ERRNO_TXTBSY,
  EXDEV: wasi.ERRNO_XDEV,
  ENOTCAPABLE: wasi.ERRNO_NOTCAPABLE,
} as const
export type Errno = (typeof Errno)[keyof typeof Errno]

const names = new Map<number, string>(Object.entries(Errno).map(([name, errno]) => [errno, name]))
/** "ENOENT" for 44; "E99" for a number that has no name here. */
export const errnoName = (errno: number): string => names.get(errno) ?? `E${errno}`

/** An operation failed with `errno`. There is one instance an errno, made at first use, so throwing captures no stack. */
export class SysError extends Error {
  override readonly name = 'SysError'
  readonly errno: number

  private constructor(errno: number) {
    super(errnoName(errno))
    this.errno = errno
  }

  static readonly #instances: SysError[] = []

  /** `throw SysError.of(Errno.ENOENT)` */
  static of(errno: number): SysError {
    return (SysError.#instances[errno] ??= new SysError(errno))
  }
}

/** What `read`, `write` and their like return when the caller would have to wait. */
export const AGAIN = -1

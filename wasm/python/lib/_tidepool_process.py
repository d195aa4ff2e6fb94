"""Processes of the cell's kernel for os and subprocess: what CPython does elsewhere by fork(2) and execve(2) is one spawn here."""

import errno
import os
import posix
import struct

import _tidepool

_DUP2, _CLOSE = 0, 1
_NEW_GROUP, _IGNORE_INTERRUPTS = 1, 2
_DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin'


def _strings(values):
    """Strings as the kernel takes a list of them: each ends with NUL."""
    encoded = [os.fsencode(value) for value in values]
    for value in encoded:
        if b'\0' in value:
            raise ValueError('embedded null byte')
    return b''.join(value + b'\0' for value in encoded)


def _environment(env):
    if env is None:
        # Also what os.putenv has changed behind os.environ's back.
        env = posix._create_environ()
    return _strings(os.fsencode(key) + b'=' + os.fsencode(value) for key, value in env.items())


def _arguments(args):
    args = list(args)
    if not args:
        raise ValueError('arg must not be empty')
    return _strings(args)


def _spawn(path, args, env, cwd=b'', actions=(), flags=0, pgid=0):
    packed = b''.join(struct.pack('<iii', *action) for action in actions)
    return _tidepool.spawn(os.fsencode(path), _arguments(args), env, os.fsencode(cwd), packed, flags, pgid)


def _along_path(name, env):
    """Where execvp(3) would look for a program."""
    name = os.fsencode(name)
    if b'/' in name:
        return [name]
    path = (env if env is not None else os.environ).get('PATH', _DEFAULT_PATH)
    return [os.path.join(os.fsencode(directory or '.'), name) for directory in os.fsdecode(path).split(os.pathsep)]


def _spawn_first(candidates, args, env, **options):
    failure = None
    for candidate in candidates:
        try:
            return _spawn(candidate, args, env, **options)
        except IsADirectoryError:
            # The kernel says it as a shell would; execve(2) says EACCES.
            failure = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except (FileNotFoundError, NotADirectoryError) as error:
            failure = failure or error
        except PermissionError as error:
            failure = error
    raise failure


# --- what subprocess calls
def fork_exec(
    args, executables, close_fds, keep, cwd, env, p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite,
    errpipe_read, errpipe_write, restore_signals, start_new_session, process_group, gid, extra_groups, uid, umask, preexec_fn,
):  # fmt: skip
    """As _posixsubprocess.fork_exec; a program that cannot be started is reported on `errpipe_write`, as a child would."""
    if preexec_fn is not None:
        raise ValueError('preexec_fn is not supported here: a process is not forked')
    flags = _NEW_GROUP if start_new_session or process_group >= 0 else 0
    pgid = process_group if process_group > 0 and not start_new_session else 0
    environment = b''.join(entry + b'\0' for entry in env) if env is not None else _environment(None)
    actions, spares = _redirections(p2cread, c2pwrite, errwrite)
    actions += [(_DUP2, fd, fd) for fd in keep if fd != errpipe_write]
    if close_fds:
        actions += [(_CLOSE, fd, 0) for fd in _open_above_two() if fd not in keep]
    old_umask = os.umask(umask) if umask >= 0 else None
    try:
        directory = _child_directory(cwd)
    except OSError as error:
        return _report(errpipe_write, error, 'noexec:chdir')
    try:
        candidates = [os.path.join(directory, path) if b'/' in path else path for path in executables]
        return _spawn_first(candidates, args, environment, cwd=directory, actions=actions, flags=flags, pgid=pgid)
    except OSError as error:
        return _report(errpipe_write, error, '')
    finally:
        for fd in spares:
            os.close(fd)
        if old_umask is not None:
            os.umask(old_umask)


def _child_directory(cwd):
    """Absolute; empty for this process's own."""
    if cwd is None:
        return b''
    with os.scandir(cwd):
        return os.path.join(os.getcwdb(), os.fsencode(cwd))


def _redirections(stdin, stdout, stderr):
    """File actions that make these descriptors 0, 1 and 2 (-1 leaves one as it is), and what to close after the spawn."""
    wanted = {0: stdin, 1: stdout, 2: stderr}
    moved = {}
    for target, source in wanted.items():
        # One that stands where another goes is saved first.
        if 0 <= source <= 2 and source != target and source not in moved:
            moved[source] = os.dup(source)
    actions = [(_DUP2, target, moved.get(source, source)) for target, source in wanted.items() if source >= 0]
    return actions, list(moved.values())


def _open_above_two():
    return [fd for fd in map(int, os.listdir('/proc/self/fd')) if fd > 2]


_NO_PROCESS = 0x7FFFFFF


def _report(errpipe_write, error, where):
    """Tells subprocess in the words of its own child; the process that it then waits for is none."""
    os.write(errpipe_write, f'OSError:{error.errno:X}:{where}'.encode())
    return _NO_PROCESS


# --- os
def set_inheritable(fd, inheritable, /):
    import fcntl

    fcntl.fcntl(fd, fcntl.F_SETFD, 0 if inheritable else fcntl.FD_CLOEXEC)


def execve(path, argv, env):
    _tidepool.execve(os.fsencode(path), _arguments(argv), _environment(env))


def execv(path, argv):
    execve(path, argv, None)


def system(command):
    """Runs a command in the shell; its wait status, as system(3)."""
    pid = _spawn('/bin/sh', ['sh', '-c', command], _environment(None))
    return _tidepool.waitpid(pid, 0)[1]


def _spawn_mode(mode, path, args, env, search):
    if mode not in (os.P_WAIT, os.P_NOWAIT):
        raise ValueError(f'invalid mode {mode!r}')
    candidates = _along_path(path, env) if search else [path]
    try:
        pid = _spawn_first(candidates, args, _environment(env))
    except OSError:
        # The child of a fork would end so.
        pid = _tidepool.spawn(b'/bin/sh', b'sh\0-c\0exit 127\0', b'', b'', b'', 0, 0)
    if mode == os.P_NOWAIT:
        return pid
    return os.waitstatus_to_exitcode(_tidepool.waitpid(pid, 0)[1])


def spawnv(mode, file, args):
    return _spawn_mode(mode, file, args, None, False)


def spawnve(mode, file, args, env):
    return _spawn_mode(mode, file, args, env, False)


def spawnvp(mode, file, args):
    return _spawn_mode(mode, file, args, None, True)


def spawnvpe(mode, file, args, env):
    return _spawn_mode(mode, file, args, env, True)


def spawnl(mode, file, *args):
    return spawnv(mode, file, args)


def spawnle(mode, file, *args):
    return spawnve(mode, file, args[:-1], args[-1])


def spawnlp(mode, file, *args):
    return spawnvp(mode, file, args)


def spawnlpe(mode, file, *args):
    return spawnvpe(mode, file, args[:-1], args[-1])


def _posix_spawn(candidates, argv, env, file_actions, setpgroup):
    actions = []
    opened = []
    try:
        for action in file_actions or ():
            if action[0] == os.POSIX_SPAWN_DUP2:
                actions.append((_DUP2, action[2], action[1]))
            elif action[0] == os.POSIX_SPAWN_CLOSE:
                actions.append((_CLOSE, action[1], 0))
            elif action[0] == os.POSIX_SPAWN_OPEN:
                fd = os.open(action[2], action[3], action[4])
                os.set_inheritable(fd, True)
                opened.append(fd)
                actions += [(_DUP2, action[1], fd), (_CLOSE, fd, 0)] if fd != action[1] else []
            else:
                raise TypeError('Unknown file_actions identifier')
        flags = 0 if setpgroup is None else _NEW_GROUP
        return _spawn_first(candidates, argv, _environment(env), actions=actions, flags=flags, pgid=setpgroup or 0)
    finally:
        for fd in opened:
            os.close(fd)


def posix_spawn(path, argv, env, /, *, file_actions=None, setpgroup=None, resetids=False, setsid=False, setsigmask=(), setsigdef=(), scheduler=None):
    return _posix_spawn([path], argv, env, file_actions, 0 if setsid else setpgroup)


def posix_spawnp(path, argv, env, /, *, file_actions=None, setpgroup=None, resetids=False, setsid=False, setsigmask=(), setsigdef=(), scheduler=None):
    return _posix_spawn(_along_path(path, None), argv, env, file_actions, 0 if setsid else setpgroup)


def killpg(pgid, signal):
    _tidepool.kill(-pgid, signal)


def getpgrp():
    return _tidepool.getpgid(0)


def getsid(pid):
    return _tidepool.getpgid(pid)


def setsid():
    _tidepool.setpgid(0, 0)


def wait():
    return _tidepool.waitpid(-1, 0)


def link(src, dst, *, src_dir_fd=None, dst_dir_fd=None, follow_symlinks=True):
    if src_dir_fd is not None or dst_dir_fd is not None:
        raise NotImplementedError('link: dir_fd unavailable on this platform')
    try:
        _tidepool.link(os.fsencode(src), os.fsencode(dst), 0x400 if follow_symlinks else 0)
    except OSError as error:
        raise type(error)(error.errno, error.strerror, src, None, dst) from None


def times():
    import time

    return os.times_result((*_tidepool.times(), time.monotonic()))


def uname():
    return os.uname_result(('Linux', 'tidepool', '6.1.0', '#1 Tidepool', 'wasm32'))

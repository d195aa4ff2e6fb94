"""Puts the calls of the cell's kernel where the standard library expects them, and packages where `import` looks.

CPython imports this module after `site` at each start, so it imports nothing that is not there already or built in.
"""

import _signal
import _tidepool
import _tidepool_network  # noqa: F401
import errno
import os
import posix
import sys
import time

SITE = '/usr/lib/python3.14/site-packages'
TABLE = '/usr/lib/python3.14/tidepool-packages.json'


def _number_errors():
    """errno and os.strerror as on Linux, whose numbers an OSError carries."""
    errno.errorcode.clear()
    texts = {}
    for name, number, text in _tidepool.errors():
        setattr(errno, name, number)
        errno.errorcode[number] = name
        texts[number] = text
    errno.EWOULDBLOCK = errno.EAGAIN
    errno.ENOTSUP = errno.EOPNOTSUPP
    errno.EDEADLOCK = errno.EDEADLK

    def strerror(code, /):
        """Translate an error code to a message string."""
        return texts.get(code) or ('Success' if code == 0 else f'Unknown error {code}')

    os.strerror = posix.strerror = strerror


def _unavailable(name, instead):
    def refuse(*args, **kwargs):
        raise OSError(errno.ENOSYS, f'Function not implemented: there is no {name} here; {instead}')

    refuse.__name__ = refuse.__qualname__ = name
    return refuse


def _lazy(name):
    """A function of _tidepool_process, which is imported when it is called first."""

    def call(*args, **kwargs):
        import _tidepool_process

        return getattr(_tidepool_process, name)(*args, **kwargs)

    call.__name__ = call.__qualname__ = name
    return call


def _install_processes():
    for name in ('getpid', 'getppid', 'getpgid', 'setpgid', 'kill', 'waitpid'):
        setattr(os, name, getattr(_tidepool, name))
        setattr(posix, name, getattr(_tidepool, name))
    for name in (
        'execv execve killpg getpgrp getsid setsid wait system posix_spawn posix_spawnp '
        'spawnv spawnve spawnvp spawnvpe spawnl spawnle spawnlp spawnlpe link set_inheritable times uname'
    ).split():
        setattr(os, name, _lazy(name))
        if name in ('execv', 'execve', 'link', 'posix_spawn', 'posix_spawnp', 'system', 'times', 'uname'):
            setattr(posix, name, getattr(os, name))
    instead = 'use subprocess, which starts programs of the cell'
    for name in ('fork', 'forkpty', 'openpty', 'wait3', 'wait4', 'waitid'):
        setattr(os, name, _unavailable(name, instead))
    for name in ('getuid', 'geteuid', 'getgid', 'getegid'):
        setattr(os, name, lambda: 1000)
    os.getlogin = lambda: 'user'
    os.getgroups = lambda: [1000]
    os.cpu_count = os.process_cpu_count = lambda: 1
    os.utime = posix.utime = _utime
    os.P_WAIT, os.P_NOWAIT, os.P_NOWAITO = 0, 1, 1
    os.POSIX_SPAWN_OPEN, os.POSIX_SPAWN_CLOSE, os.POSIX_SPAWN_DUP2 = 0, 1, 2
    os.supports_follow_symlinks.update({os.link, os.stat, os.chown, os.utime, os.access})


def _install_signals():
    default, ignore = 0, 1
    set_handler = _signal.signal

    def signal(signalnum, handler, /):
        """Set the action for the given signal."""
        old = set_handler(signalnum, handler)
        number = int(signalnum)
        caught = 0 if handler == default else 1 if handler == ignore else 2
        # CPython ignores SIGPIPE itself, in a way that its children do not inherit.
        _tidepool.sigaction(number, caught)
        return old

    def alarm(seconds, /):
        """Arrange for SIGALRM to arrive after the given number of seconds."""
        left, _ = _tidepool.alarm(0, seconds, 0)
        return -int(-left // 1)

    def setitimer(which, seconds, interval=0.0, /):
        """Sets given itimer (one of ITIMER_REAL, ITIMER_VIRTUAL or ITIMER_PROF)."""
        try:
            return _tidepool.alarm(which, seconds, interval)
        except OSError as error:
            raise _signal.ItimerError(*error.args) from None

    def getitimer(which, /):
        """Returns current value of given itimer."""
        left = _tidepool.alarm(which, 0, 0)
        if left[0]:
            _tidepool.alarm(which, *left)
        return left

    def raise_signal(signalnum, /):
        """Send a signal to the executing process."""
        _tidepool.kill(_tidepool.getpid(), int(signalnum))

    _signal.signal, _signal.alarm, _signal.raise_signal = signal, alarm, raise_signal
    _signal.setitimer, _signal.getitimer, _signal.pause = setitimer, getitimer, _tidepool.pause


def _install_threads():
    import _thread

    message = "can't start new thread: there are no threads here; use asyncio, or subprocess for another process"

    def refuse(*args, **kwargs):
        raise RuntimeError(message)

    _thread.start_new_thread = _thread.start_new = _thread.start_joinable_thread = refuse


class PackageFinder:
    """Makes a package of the table appear in site-packages when it is imported first."""

    def __init__(self):
        self.wheels = None
        self.present = set()

    def table(self):
        if self.wheels is None:
            import json

            with open(TABLE, encoding='utf-8') as file:
                self.packages = {package['name']: package for package in json.load(file)}
            self.wheels = {top: name for name, package in self.packages.items() for top in package['imports']}
        return self.wheels

    def ensure(self, name):
        """Installs a package of the table and what it depends on. Raises ImportError that says why it cannot be."""
        self.table()
        if name in self.present:
            return
        self.present.add(name)
        package = self.packages[name]
        for depend in package['depends']:
            self.ensure(depend)
        import json

        answer = json.loads(_tidepool.request(json.dumps({'package': package['wheel']}).encode()))
        if not answer['ok']:
            self.present.discard(name)
            raise ImportError(f'Cannot install {name} {package["version"]}: {answer["reason"]}')
        if name == 'matplotlib':
            # Else it keeps its list of fonts in ~/.matplotlib on this platform.
            os.environ.setdefault('MPLCONFIGDIR', os.path.expanduser('~/.cache/matplotlib'))
        if name == 'urllib3':
            # On this platform it would send by JavaScript, which there is none of.
            bridge = type(sys)('urllib3.contrib.emscripten')
            bridge.inject_into_urllib3 = lambda: None
            sys.modules[bridge.__name__] = bridge

    def find_distributions(self, context):
        """importlib.metadata asks for a package that was not imported yet."""
        self.table()
        wanted = (context.name or '').lower().replace('_', '-').replace('.', '-')
        name = next((name for name in self.packages if name.lower().replace('_', '-').replace('.', '-') == wanted), None)
        if name is None or name in self.present or SITE not in context.path:
            return ()
        self.ensure(name)
        from importlib.metadata import MetadataPathFinder

        MetadataPathFinder.invalidate_caches()
        return MetadataPathFinder.find_distributions(type(context)(name=context.name, path=[SITE]))

    def find_spec(self, fullname, path=None, target=None):
        if path is not None or fullname.startswith('_'):
            return None
        name = self.table().get(fullname)
        if name is None or name in self.present:
            return None
        self.ensure(name)
        import importlib.machinery as machinery

        machinery.PathFinder.invalidate_caches()
        return machinery.PathFinder.find_spec(fullname, [SITE])


def _check_script():
    """A script that cannot be read, in CPython's words but with Linux's error number."""
    arguments = iter(sys.orig_argv[1:])
    for argument in arguments:
        if not argument.startswith('-') or argument == '-':
            break
        if argument.startswith('--'):
            return
        letters = argument[1:]
        at = min((letters.find(letter) for letter in 'cmWX' if letter in letters), default=-1)
        if at >= 0 and letters[at] in 'cm':
            return
        if at == len(letters) - 1:
            next(arguments, None)
    else:
        return
    if argument == '-':
        return
    try:
        os.close(os.open(argument, os.O_RDONLY))
    except OSError as error:
        path = os.path.abspath(argument) if os.path.isabs(argument) else os.path.join(os.getcwd(), argument)
        os.write(2, f"{sys.orig_argv[0]}: can't open file {path!r}: [Errno {error.errno}] {error.strerror}\n".encode())
        os._exit(2)


def _utime(path, times=None, *, ns=None, dir_fd=None, follow_symlinks=True):
    """Set the access and modified time of path, to the nanosecond."""
    if times is not None and ns is not None:
        raise ValueError("utime: you may specify either 'times' or 'ns' but not both")
    if dir_fd is not None:
        raise NotImplementedError('utime: dir_fd unavailable on this platform')
    if times is not None:
        if not isinstance(times, tuple) or len(times) != 2:
            raise TypeError("utime: 'times' must be either a tuple of two ints or None")
        ns = tuple(int(value) * 1_000_000_000 + round(value % 1 * 1_000_000_000) if isinstance(value, float) else value * 1_000_000_000 for value in times)
    elif ns is not None and (not isinstance(ns, tuple) or len(ns) != 2):
        raise TypeError("utime: 'ns' must be a tuple of two ints")
    try:
        _tidepool.utime(path if isinstance(path, int) else os.fsencode(path), ns, 0 if follow_symlinks else 0x100)
    except OSError as error:
        raise type(error)(error.errno, error.strerror, path) from None


def _tzset():
    """Initialize, or reinitialize, the local timezone to the value stored in os.environ['TZ']."""
    year = time.gmtime().tm_year
    days = [time.localtime(((year - 1970) * 365.2425 + day) * 86400) for day in (10, 190)]
    winter, summer = sorted(days, key=lambda day: day.tm_gmtoff)
    time.timezone, time.altzone = -winter.tm_gmtoff, -summer.tm_gmtoff
    time.daylight = int(winter.tm_gmtoff != summer.tm_gmtoff)
    time.tzname = (winter.tm_zone, summer.tm_zone)


def _add_paths():
    user = os.path.expanduser('~/.local/lib/python3.14/site-packages')
    if not sys.flags.isolated and not sys.flags.no_user_site and os.path.isdir(user):
        sys.path.insert(-1 if sys.path and sys.path[-1] == SITE else len(sys.path), user)
    if SITE not in sys.path:
        sys.path.append(SITE)
    finder = PackageFinder()
    sys.meta_path.append(finder)
    sys._tidepool_packages = finder


_number_errors()
_check_script()
_install_processes()
_install_signals()
_install_threads()
_add_paths()
time.sleep, time.tzset = _tidepool.sleep, _tzset

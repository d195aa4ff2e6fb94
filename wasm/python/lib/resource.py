"""Use and limits of resources, as far as the kernel of the cell counts them."""

import _tidepool
from _tidepool_record import record as _record

error = OSError
RUSAGE_SELF, RUSAGE_CHILDREN = 0, -1
RLIM_INFINITY = -1
RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_CORE, RLIMIT_RSS = range(6)
RLIMIT_NPROC, RLIMIT_NOFILE, RLIMIT_MEMLOCK, RLIMIT_AS = 6, 7, 8, 9

_DESCRIPTORS = 256
_MEMORY = 512 * 1024 * 1024
_PAGE = 4096


struct_rusage = _record(
    'resource.struct_rusage',
    'resource.struct_rusage: Result from getrusage.',
    tuple(
        (
            'ru_utime ru_stime ru_maxrss ru_ixrss ru_idrss ru_isrss ru_minflt ru_majflt ru_nswap ru_inblock ru_oublock '
            'ru_msgsnd ru_msgrcv ru_nsignals ru_nvcsw ru_nivcsw'
        ).split()
    ),
)


def _resident():
    """KiB that this process has; it never gives any back."""
    with open('/proc/self/status', encoding='ascii') as file:
        for line in file:
            if line.startswith('VmRSS:'):
                return int(line.split()[1])
    return 0


def getrusage(who, /):
    if who not in (RUSAGE_SELF, RUSAGE_CHILDREN):
        raise ValueError('invalid who parameter')
    user, system, children_user, children_system = _tidepool.times()
    times = (user, system, _resident()) if who == RUSAGE_SELF else (children_user, children_system, 0)
    return struct_rusage(times + (0,) * 13)


def getrlimit(resource, /):
    if not 0 <= resource <= 15:
        raise ValueError('invalid resource specified')
    limit = {RLIMIT_NOFILE: _DESCRIPTORS, RLIMIT_AS: _MEMORY, RLIMIT_DATA: _MEMORY, RLIMIT_CORE: 0}.get(resource, RLIM_INFINITY)
    return (limit, limit)


def setrlimit(resource, limits, /):
    """Nothing follows from a limit that is not lower than the cell's own."""
    _, most = getrlimit(resource)
    soft, hard = limits
    if most != RLIM_INFINITY and (hard == RLIM_INFINITY or hard > most):
        raise ValueError('not allowed to raise maximum limit')
    if (soft, hard) != (most, most):
        raise OSError(38, 'Function not implemented: limits are those of the cell')


def getpagesize():
    return _PAGE

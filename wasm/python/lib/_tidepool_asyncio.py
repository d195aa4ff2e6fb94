"""What asyncio's selector event loop takes from sockets and threads elsewhere: a pipe that wakes it, and a wait for child processes."""

import os
from asyncio import events


class _PipeEnd:
    """As much of a socket as the loop asks of its self-pipe."""

    def __init__(self, fd):
        self._fd = fd

    def fileno(self):
        return self._fd

    def setblocking(self, on):
        os.set_blocking(self._fd, on)

    def recv(self, size):
        return os.read(self._fd, size)

    def send(self, data):
        return os.write(self._fd, data)

    def close(self):
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def wake_pipe():
    reader, writer = os.pipe()
    return _PipeEnd(reader), _PipeEnd(writer)


class ChildWatcher:
    """Looks again and again whether a child has ended, at first often, then less."""

    _SHORTEST, _LONGEST = 0.001, 0.02

    def add_child_handler(self, pid, callback, *args):
        self._look(events.get_running_loop(), self._SHORTEST, pid, callback, args)

    def _look(self, loop, delay, pid, callback, args):
        try:
            ended, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            # Somebody else has taken its status.
            return callback(pid, 255, *args)
        if ended:
            return callback(pid, os.waitstatus_to_exitcode(status), *args)
        loop.call_later(delay, self._look, loop, min(delay * 2, self._LONGEST), pid, callback, args)

"""There is no network: whoever reaches for it hears which capability is missing, and for which host.

Modules that would reach for it are changed when they are imported; imported at each start, this imports nothing by itself.
"""

import errno
import sys

CAPABILITY = 'network:fetch:cross-origin'


def refusal(host):
    """The error of reaching for a host."""
    if isinstance(host, (bytes, bytearray)):
        host = host.decode('ascii', 'replace')
    return PermissionError(errno.EACCES, f'Cannot reach "{host}": capability "{CAPABILITY}" is not granted')


def _change_socket(socket):
    resolve = socket.getaddrinfo

    def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):
        if host is None or _is_number(socket, host):
            return resolve(host, port, family, type, proto, flags)
        raise refusal(host)

    def refuse_name(name, *_):
        raise refusal(name)

    def refuse_connection(address, *args, **kwargs):
        raise refusal(address[0])

    def refuse_socket(self, *args, **kwargs):
        raise PermissionError(errno.EACCES, f'Cannot open a socket: capability "{CAPABILITY}" is not granted')

    socket.getaddrinfo = getaddrinfo
    socket.gethostbyname = socket.gethostbyname_ex = socket.gethostbyaddr = refuse_name
    socket.create_connection = refuse_connection
    socket.gethostname = lambda: 'tidepool'
    socket.getfqdn = lambda name='': name or 'tidepool'
    socket.socket.__init__ = refuse_socket


def _is_number(socket, host):
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
            return True
        except (OSError, TypeError, ValueError, AttributeError):
            continue
    return False


def _change_asyncio(events):
    async def getaddrinfo(self, host, port, **hints):
        raise refusal(host)

    events.BaseEventLoop.getaddrinfo = getaddrinfo


def _change_urllib(request):
    def do_open(self, http_class, req, **options):
        raise refusal(req.host)

    request.AbstractHTTPHandler.do_open = do_open


def _change_urllib3(connection):
    def _new_conn(self):
        raise refusal(self.host)

    connection.HTTPConnection._new_conn = _new_conn


def _change_requests(adapters):
    def send(self, request, *args, **options):
        from urllib.parse import urlsplit

        raise refusal(urlsplit(request.url).hostname)

    adapters.HTTPAdapter.send = send


_CHANGES = {
    'asyncio.base_events': _change_asyncio,
    'socket': _change_socket,
    'urllib.request': _change_urllib,
    'urllib3.connection': _change_urllib3,
    'requests.adapters': _change_requests,
}


class _Finder:
    """Finds a module as the others do, and changes it after it has run."""

    @staticmethod
    def find_spec(fullname, path=None, target=None):
        change = _CHANGES.get(fullname)
        if change is None:
            return None
        for finder in sys.meta_path:
            spec = None if finder is _Finder else finder.find_spec(fullname, path, target)
            if spec is not None:
                _extend(spec.loader, change)
                return spec
        return None


def _extend(loader, change):
    run = loader.exec_module

    def exec_module(module):
        run(module)
        change(module)

    loader.exec_module = exec_module


sys.meta_path.insert(0, _Finder)

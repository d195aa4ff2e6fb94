"""pyodide.http, without a network."""

from urllib.parse import urlsplit

from _tidepool_network import refusal

__all__ = ['open_url', 'pyfetch', 'pyxhr']


def open_url(url):
    raise refusal(_host(url))


async def pyfetch(url, /, **options):
    raise refusal(_host(url))


class pyxhr:
    """Each of its methods would send a request."""

    @staticmethod
    def _request(url, **options):
        raise refusal(_host(url))

    get = post = put = delete = head = patch = options = _request


def _host(url):
    return urlsplit(str(url)).hostname or str(url)

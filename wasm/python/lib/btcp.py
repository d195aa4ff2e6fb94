"""Tools of Tidepool from Python: what the one that runs this code may use, this code may use.

    import btcp
    text = btcp.call('page_text', selector='table')['text']
    names = [tool['name'] for tool in btcp.tools()]
"""

import json

import _tidepool

__all__ = ['BtcpError', 'call', 'tools']


class BtcpError(Exception):
    """A call that failed: `code` is BTCP's name (CAPABILITY_DENIED), `number` JSON-RPC's or None, `data` what else is known."""

    def __init__(self, code, message, data=None, number=None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data or {}
        self.number = number

    def __reduce__(self):
        return type(self), (self.code, self.message, self.data, self.number)


def call(name, args=None, /, **more):
    """Calls a tool with arguments as a dict, by name, or both; its structured result. Raises BtcpError."""
    if not isinstance(name, str):
        raise TypeError(f'the name of a tool must be str, not {type(name).__name__}')
    return _ask({'tool': name, 'args': {**(args or {}), **more}})['structuredContent']


def tools():
    """The tools that may be called now: dicts with name, title, description, inputSchema and capabilities."""
    return _ask({'tools': True})['tools']


def _ask(request):
    answer = json.loads(_tidepool.request(json.dumps(request, allow_nan=False).encode()))
    if 'ok' in answer:
        return answer['ok']
    error = answer['error']
    raise BtcpError(error['btcpCode'], error['message'], error.get('data'), error.get('number'))

"""Runs code for the tool python_run: as a script would be run, and tells on descriptor 3 what came of it.

`main()` is called with sys.argv = [_tidepool_start.py, settings (JSON), the code or the path, arguments …]. One line of JSON is told a run:
{exitCode, value, valueText?, error, rich, leftOut, ends?}. With settings['session'] requests come as lines of JSON on standard input
until it ends, and the interpreter's variables stay.
"""

import binascii
import builtins
import linecache
import json
import os
import sys

import _ast
import _signal

_RESULT = 3
_CO_COROUTINE = 0x80
_ONLY_AST = 0x400
_MAIN = '__main__'
_DEPTH = 32
_NODES = 50_000
_TEXT = 64 * 1024
_SAFE = 2**53
_NAMED = (
    ('_repr_png_', 'image/png'),
    ('_repr_jpeg_', 'image/jpeg'),
    ('_repr_svg_', 'image/svg+xml'),
    ('_repr_html_', 'text/html'),
)
_MIMES = tuple(mime for _, mime in _NAMED)
_SHOW_WARNING = 'FigureCanvasAgg is non-interactive'


class _Outcome:
    """What one run came to."""

    def __init__(self):
        self.exit_code = 0
        self.value = None
        self.error = None
        self.ends = False


class _NotJson(Exception):
    pass


def main():
    settings, source, *args = sys.argv[1:]
    settings = json.loads(os.fsencode(settings))
    sys.path[0] = ''
    os.environ.setdefault('MPLBACKEND', 'Agg')
    # What was printed before a deadline is seen.
    sys.stdout.reconfigure(line_buffering=True)
    _quiet_show()
    del sys.orig_argv[1:]
    module = _fresh_main()
    if settings.get('session'):
        return _serve(settings, module)
    if settings['quiet']:
        # One output, in the order in which it was printed.
        os.dup2(1, 2)
    source = os.fsencode(source)
    name = os.fsdecode(source) if settings['isPath'] else '<code>'
    outcome = _run(settings, module, source, name, args)
    _tell(_record(settings, outcome))
    _end(outcome)


def _fresh_main():
    module = type(sys)(_MAIN)
    module.__builtins__ = builtins
    sys.modules[_MAIN] = module
    return module


def _quiet_show():
    """plt.show() needs no window: what is open at the end is shown."""
    import warnings

    warnings.filterwarnings('ignore', _SHOW_WARNING, UserWarning)


def _end(outcome):
    if outcome.error is not None and issubclass(outcome.error[0], KeyboardInterrupt):
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
        os.kill(os.getpid(), _signal.SIGINT)
    sys.exit(outcome.exit_code)


# --- one run
def _run(settings, module, source, name, args):
    outcome = _Outcome()
    sys.argv = [name, *args]
    try:
        if settings['isPath']:
            source = _read(name)
            module.__file__ = name
            sys.path[0] = os.path.dirname(os.path.abspath(name))
        outcome.value = _execute(source, name, module.__dict__)
    except SystemExit as error:
        outcome.exit_code = _exit_code(error.code)
        outcome.ends = True
    except BaseException as error:
        outcome.exit_code = 1
        outcome.error = _user_error(error)
        if not settings.get('quiet') or sys.excepthook is not sys.__excepthook__:
            _print_error(outcome.error)
    return outcome


def _read(path):
    with open(path, 'rb') as file:
        return file.read()


def _execute(source, name, variables):
    """The value of the last statement, if it is an expression."""
    text = source.decode('utf-8', 'replace')
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    tree = compile(source, name, 'exec', _ONLY_AST, dont_inherit=True)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], _ast.Expr) else None
    _evaluate(tree, 'exec', name, variables)
    return None if last is None else _evaluate(_ast.Expression(last.value), 'eval', name, variables)


def _evaluate(tree, mode, name, variables):
    """Runs a part of the code; an `await` of its own makes it a coroutine, which runs to its end."""
    code = compile(tree, name, mode, _ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    if not code.co_flags & _CO_COROUTINE:
        return eval(code, variables)
    import asyncio

    return asyncio.run(eval(code, variables))


def _exit_code(code):
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)
    return 1


def _user_error(error):
    """Its type, itself and its traceback without the frames of this module."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_globals is globals():
        frames = frames.tb_next
    error.__traceback__ = frames
    return type(error), error, frames


def _print_error(error):
    try:
        sys.excepthook(*error)
    except BaseException:
        sys.__excepthook__(*error)


# --- what is told
def _record(settings, outcome):
    items, left_out = _rich(settings, outcome.value)
    record = {'exitCode': outcome.exit_code, 'value': None, 'error': _error(outcome.error)}
    if outcome.value is not None:
        record.update(_value(settings, outcome.value))
    if outcome.ends:
        record['ends'] = True
    return _fitted(settings, record, items, left_out)


def _fitted(settings, record, items, left_out):
    room = settings['resultBytes'] - len(json.dumps(record)) - 4 * _TEXT
    kept = []
    for item in items:
        size = len(json.dumps(item))
        if len(kept) >= settings['richItems']:
            left_out.append(f'{item["mime"]}: there are more than {settings["richItems"]} results (limit richItems)')
        elif size > room:
            left_out.append(f'{item["mime"]} of {size} bytes: the whole result would be too large (limit resultBytes)')
        else:
            kept.append(item)
            room -= size
    record['rich'] = kept
    record['leftOut'] = [text[:500] for text in left_out[:32]]
    return record


def _error(error):
    if error is None:
        return None
    kind, value, frames = error
    try:
        import traceback

        text = ''.join(traceback.format_exception(kind, value, frames))
        message = str(value)
    except BaseException:
        text = message = '<the exception cannot be printed>'
    name = kind.__qualname__ if kind.__module__ in ('builtins', _MAIN) else f'{kind.__module__}.{kind.__qualname__}'
    if len(text) > _TEXT:
        text = text[: _TEXT // 2] + '\n[…]\n' + text[-_TEXT // 2 :]
    return {'type': name[:500], 'message': message[:_TEXT], 'traceback': text, 'line': _line(value, frames)}


def _line(value, frames):
    """The line of the code that ran, counted from 1, or None."""
    if frames is None:
        return value.lineno if isinstance(value, SyntaxError) else None
    return frames.tb_lineno


def _value(settings, value):
    most = settings['valueBytes']
    try:
        plain = _plain(value, _DEPTH, [_NODES])
        if len(json.dumps(plain)) <= most:
            return {'value': plain}
    except _NotJson, RecursionError, ValueError:
        pass
    try:
        text = repr(value)
    except BaseException as error:
        text = f'<{type(value).__name__} whose repr failed: {type(error).__name__}>'
    return {'valueText': text if len(text) <= most else text[:most] + '…'}


def _plain(value, depth, nodes):
    """The value as JSON has it without loss, or _NotJson."""
    nodes[0] -= 1
    if depth == 0 or nodes[0] < 0:
        raise _NotJson
    kind = type(value)
    if kind.__module__ == 'numpy' and getattr(value, 'ndim', None) == 0 and hasattr(value, 'item'):
        value = value.item()
        kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is str:
        return _whole_text(value)
    if kind is int and -_SAFE < value < _SAFE:
        return value
    if kind is float and value - value == 0:
        return value
    if kind is list or kind is tuple:
        return [_plain(item, depth - 1, nodes) for item in value]
    if kind is dict and all(type(key) is str for key in value):
        return {_whole_text(key): _plain(item, depth - 1, nodes) for key, item in value.items()}
    raise _NotJson


def _whole_text(text):
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _NotJson from None
    return text


# --- figures and the like
def _rich(settings, value):
    items, left_out = [], []
    if value is not None and not isinstance(value, type):
        _add_representations(settings, value, items, left_out)
    _add_figures(settings, value, items, left_out)
    return items, left_out


def _add_representations(settings, value, items, left_out):
    try:
        found = _representations(value)
    except Exception as error:
        left_out.append(f'the representation of the value: {type(error).__name__}: {error}')
        return
    for mime, data in found.items():
        _add(settings, mime, data, items, left_out)


def _representations(value):
    bundle = getattr(type(value), '_repr_mimebundle_', None)
    found = {}
    if bundle is not None:
        answer = bundle(value, include=None, exclude=None)
        if isinstance(answer, tuple):
            answer = answer[0]
        found = {mime: data for mime, data in (answer or {}).items() if mime in _MIMES}
    for name, mime in _NAMED:
        method = getattr(type(value), name, None)
        if mime in found or method is None or (mime == 'image/jpeg' and 'image/png' in found):
            continue
        data = method(value)
        if isinstance(data, tuple):
            data = data[0]
        if data is not None:
            found[mime] = data
    return found


def _add(settings, mime, data, items, left_out):
    binary = mime in ('image/png', 'image/jpeg')
    if binary and isinstance(data, (bytes, bytearray, memoryview)):
        size, text = len(data), binascii.b2a_base64(data, newline=False).decode()
    elif isinstance(data, str):
        text = ''.join(data.split()) if binary else data.encode('utf-8', 'replace').decode()
        size = len(text) * 3 // 4 if binary else len(text.encode())
    else:
        left_out.append(f'{mime}: it is {type(data).__name__}')
        return
    if size > settings['richBytes']:
        left_out.append(f'{mime} of {size} bytes: more than {settings["richBytes"]} (limit richBytes)')
    else:
        items.append({'mime': mime, 'data': text})


def _add_figures(settings, value, items, left_out):
    """The figures that pyplot holds, each once, then closed; and a figure that is the value."""
    figures = []
    pyplot = sys.modules.get('matplotlib.pyplot')
    if pyplot is not None and hasattr(pyplot, 'get_fignums'):
        figures = [pyplot.figure(number) for number in pyplot.get_fignums()]
    figure_type = getattr(sys.modules.get('matplotlib.figure'), 'Figure', None)
    if figure_type is not None and isinstance(value, figure_type) and value not in figures:
        figures.append(value)
    for figure in figures:
        if len(items) > settings['richItems']:
            items.append({'mime': 'image/png', 'data': ''})
        else:
            _add_figure(settings, figure, items, left_out)
    if figures and pyplot is not None:
        pyplot.close('all')


def _add_figure(settings, figure, items, left_out):
    import io

    image = io.BytesIO()
    try:
        figure.savefig(image, format='png', bbox_inches='tight')
    except Exception as error:
        left_out.append(f'a figure: {type(error).__name__}: {error}')
        return
    _add(settings, 'image/png', image.getvalue(), items, left_out)


def _tell(record):
    """After everything that was printed."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        try:
            stream.flush()
        except Exception:
            pass
    data = json.dumps(record).encode() + b'\n'
    try:
        while data:
            data = data[os.write(_RESULT, data) :]
    except OSError:
        pass


# --- sessions
def _serve(settings, module):
    """Runs what is asked for, line by line, until there is no more or the code ends the interpreter."""
    requests = os.fdopen(os.dup(0), 'rb')
    handler = _signal.default_int_handler
    count = 0
    while True:
        _signal.signal(_signal.SIGINT, _signal.SIG_IGN)
        line = requests.readline()
        if not line:
            sys.exit(0)
        request = json.loads(line)
        count += 1
        outcome, handler = _answer({**settings, **request}, module, count, handler)
        _tell(_record(settings, outcome))
        if outcome.ends:
            sys.exit(outcome.exit_code)


def _answer(request, module, count, handler):
    name = request['source'] if request['isPath'] else '<code>' if count == 1 else f'<code {count}>'
    _set_stdin(request['stdin'])
    try:
        if request.get('cwd') is not None:
            os.chdir(request['cwd'])
        os.environ.update(request['env'])
        _signal.signal(_signal.SIGINT, handler)
        outcome = _run(request, module, request['source'].encode(), name, request['args'])
        handler = _signal.getsignal(_signal.SIGINT)
        _signal.signal(_signal.SIGINT, _signal.SIG_IGN)
    except BaseException as error:
        _signal.signal(_signal.SIGINT, _signal.SIG_IGN)
        outcome = _Outcome()
        outcome.exit_code = 1
        outcome.error = _user_error(error)
    return outcome, handler


def _set_stdin(text):
    """Standard input of one call: a file that nobody else sees."""
    path = f'/tmp/.stdin-{os.getpid()}' if text else '/dev/null'
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    if text:
        os.unlink(path)
        data = text.encode('utf-8', 'surrogatepass')
        while data:
            data = data[os.write(fd, data) :]
        os.lseek(fd, 0, os.SEEK_SET)
    os.dup2(fd, 0)
    os.close(fd)
    sys.stdin = sys.__stdin__ = open(0, encoding='utf-8', closefd=False)

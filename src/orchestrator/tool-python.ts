/**
 * How Python is started for a tool: what is to be run goes as JSON in one argument, never pasted into code. A function of a module is called
 * as an installer's script calls it, except that a value which it gives back and which is no exit status is printed as JSON. A traceback
 * begins with the tool's own frames.
 */
import { type Implementation, PACKAGE_ROOT } from '../protocol/installed-tool.ts'

const START = `\
import json, os, sys
def tell(kind, error, trace):
    import traceback
    while trace and trace.tb_frame.f_code.co_filename in ("<string>", "<frozen runpy>"):
        trace = trace.tb_next
    if kind is ModuleNotFoundError:
        error.add_note("What a tool imports is in its package: beside the program, or as a wheel under dist/ (py3-none-any).")
    traceback.print_exception(kind, error, trace)
sys.excepthook = tell
what = json.loads(sys.argv[1])
sys.path[:1] = what["path"]
name = what.get("file") or what["module"]
sys.argv = [name]
if "file" in what:
    import runpy
    sys.path.insert(0, os.path.dirname(name))
    runpy.run_path(name, run_name="__main__")
elif "call" in what:
    import functools, importlib, inspect
    value = functools.reduce(getattr, what["call"].split("."), importlib.import_module(name))()
    if inspect.iscoroutine(value):
        import asyncio
        value = asyncio.run(value)
    if value is None or isinstance(value, int):
        sys.exit(value)
    print(json.dumps(value))
else:
    import runpy, warnings
    # Published packages import main from their __main__.
    warnings.filterwarnings("ignore", "'.*' found in sys.modules", RuntimeWarning)
    runpy.run_module(name, run_name="__main__", alter_sys=True)
`

export function toolPythonArgv({ start, path }: Extract<Implementation, { type: 'python' }>): string[] {
  const what =
    start.run === 'file'
      ? { file: inPackage(start.file) }
      : { module: start.module, ...(start.call === undefined ? {} : { call: start.call }) }
  return ['python3', '-c', START, JSON.stringify({ ...what, path: path.map(inPackage) })]
}

const inPackage = (path: string): string => (path === '' || path === '.' ? PACKAGE_ROOT : `${PACKAGE_ROOT}/${path}`)

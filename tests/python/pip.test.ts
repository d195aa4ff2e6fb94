/** pip in a cell: the table's packages, wheel files of the user's own, and what is refused. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Sandbox } from '../../src/node/index.ts'

let sandbox: Sandbox
beforeAll(async () => void (sandbox = await Sandbox.create()))
afterAll(() => sandbox.destroy())

const run = async (command: string) => {
  const { stdout, stderr, exitCode } = await sandbox.run(command, { timeoutMs: 120_000 })
  return { stdout, stderr, exitCode }
}

/** Writes a wheel; RECORD has every file's hash, or what `record` says instead. */
const MAKE_WHEEL = `
import base64, hashlib, sys, zipfile
def make(path, name, version, files, requires=(), record=None):
    info = f'{name}-{version}.dist-info'
    files = {**files, f'{info}/METADATA': f'Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\nSummary: A test\\n' + ''.join(f'Requires-Dist: {r}\\n' for r in requires), f'{info}/WHEEL': 'Wheel-Version: 1.0\\n'}
    rows = [f'{n},sha256=' + base64.urlsafe_b64encode(hashlib.sha256(b.encode()).digest()).rstrip(b'=').decode() + f',{len(b)}' for n, b in files.items()]
    with zipfile.ZipFile(path, 'w') as z:
        for n, b in files.items(): z.writestr(n, b)
        z.writestr(f'{info}/RECORD', record or '\\n'.join(rows) + f'\\n{info}/RECORD,,\\n')
`
const makeWheel = (call: string): Promise<unknown> => run(`cat > make.py <<'EOF'\n${MAKE_WHEEL}\n${call}\nEOF\npython3 make.py`)

describe('packages of the table', () => {
  test('are there from the first import, and one that needs others brings them', async () => {
    expect(await run(`python3 -c 'import pandas; print(pandas.Series([1, 2]).sum())'`)).toEqual({ stdout: '3\n', stderr: '', exitCode: 0 })
  })

  test('are found by importlib.metadata before they are imported', async () => {
    expect((await run(`python3 -c 'import importlib.metadata as m; print(m.version("PyYAML"))'`)).stdout).toBe('6.0.3\n')
  })

  test('are satisfied requirements, with a version that is the right one', async () => {
    expect(await run('pip install six "packaging>=20"')).toEqual({
      stdout:
        'Requirement already satisfied: six in /usr/lib/python3.14/site-packages (1.17.0)\n' +
        'Requirement already satisfied: packaging>=20 in /usr/lib/python3.14/site-packages (26.4)\n',
      stderr: '',
      exitCode: 0,
    })
    expect(await run('pip install six==1.0')).toEqual({
      stdout: '',
      stderr: 'ERROR: Could not find a version that satisfies the requirement six==1.0 (this cell has six 1.17.0)\n',
      exitCode: 1,
    })
  })

  test('are listed and shown', async () => {
    expect((await run('pip list | grep -w six; pip freeze | grep six=')).stdout).toBe('six                1.17.0\nsix==1.17.0\n')
    expect((await run('pip show six | head -n 2')).stdout).toBe('Name: six\nVersion: 1.17.0\n')
    expect(await run('pip show nothing-like-it')).toEqual({
      stdout: '',
      stderr: 'WARNING: Package(s) not found: nothing-like-it\n',
      exitCode: 1,
    })
  })

  test('a name that nobody has says how to add a wheel', async () => {
    const { stderr, exitCode } = await run('python3 -m pip install nothing-like-it')
    expect(exitCode).toBe(1)
    expect(stderr).toContain('pip install ./NAME-VERSION-py3-none-any.whl')
    expect(stderr).toContain('in the popup of Tidepool (Add a wheel file…)')
  })
})

describe('wheel files', () => {
  test('are installed for the user, kept, listed and removed', async () => {
    await makeWheel("make('greet-1.2-py3-none-any.whl', 'greet', '1.2', {'greet/__init__.py': 'def hi(): return \"hi\"\\n'}, ['six'])")
    expect(await run('pip install ./greet-1.2-py3-none-any.whl')).toEqual({
      stdout:
        'Processing ./greet-1.2-py3-none-any.whl\n' +
        'Requirement already satisfied: six in /usr/lib/python3.14/site-packages (1.17.0)\n' +
        'Successfully installed greet-1.2\n',
      stderr: '',
      exitCode: 0,
    })
    expect((await run("python3 -c 'import greet; print(greet.hi(), greet.__file__)'; pip freeze | grep greet")).stdout).toBe(
      'hi /home/user/.local/lib/python3.14/site-packages/greet/__init__.py\ngreet==1.2\n',
    )
    expect(
      (await run('pip uninstall -y greet; python3 -c "import greet" 2>&1 | tail -n 1; ls .local/lib/python3.14/site-packages')).stdout,
    ).toBe("Successfully uninstalled greet-1.2\nModuleNotFoundError: No module named 'greet'\n")
  })

  test('are found by name in the folder of wheels', async () => {
    await makeWheel(
      "import os; os.makedirs('.local/share/wheels', exist_ok=True)\nfor v in ('1.9', '1.10'): make(f'.local/share/wheels/late-{v}-py3-none-any.whl', 'late', v, {'late.py': ''})",
    )
    expect((await run('pip install late | tail -n 1; pip install "late<1.10" | tail -n 1')).stdout).toBe(
      'Successfully installed late-1.10\nSuccessfully installed late-1.9\n',
    )
  })

  test.each([
    ['a file that its RECORD does not name so', "record='bad.py,sha256=AAAA,1\\n'", 'is damaged: "bad.py" is not what its RECORD says'],
    ['a name that leaves the folder', "files={'../evil.py': ''}", 'holds a file outside of its folder: "../evil.py"'],
    ['an absolute name', "files={'/evil.py': ''}", 'holds a file outside of its folder: "/evil.py"'],
    ['JavaScript in a side module', "files={'bad.so': '__em_js__x'}", 'brings JavaScript in "bad.so", which cannot run here'],
  ])('%s is refused, and nothing is installed (T114)', async (_, argument, message) => {
    const files = argument.startsWith('files') ? argument.slice(6) : "{'bad.py': ''}"
    const record = argument.startsWith('record') ? `, ${argument}` : ''
    await makeWheel(`make('bad-1-py3-none-any.whl', 'bad', '1', ${files}${record})`)
    const { stderr, exitCode } = await run('pip install ./bad-1-py3-none-any.whl')
    expect({ exitCode, refused: stderr.includes(message) }).toEqual({ exitCode: 1, refused: true })
    expect((await run('pip freeze | grep -c bad==; ls evil.py ../evil.py 2>/dev/null')).stdout).toBe('0\n')
  })

  test.each([
    ['x-1-cp313-cp313-manylinux_2_17_x86_64.whl', 'is not a supported wheel here: py3-none-any, or cp314-cp314-pyemscripten_2026_0_wasm32'],
    ['x.whl', 'is not a valid wheel filename.'],
    ['x-1-py3-none-any.whl', 'Cannot read ./x-1-py3-none-any.whl: File is not a zip file'],
  ])('%s is refused', async (name, message) => {
    const { stderr, exitCode } = await run(`echo '<html>404</html>' > ${name}; pip install ./${name}`)
    expect({ exitCode, refused: stderr.includes(message) }).toEqual({ exitCode: 1, refused: true })
  })
})

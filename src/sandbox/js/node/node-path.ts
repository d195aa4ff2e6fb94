/** `path` of a program for Node: the part of POSIX paths that needs no file system. */
const parts = (path: string): string[] => path.split('/').filter((part) => part !== '' && part !== '.')

export function normalize(path: string): string {
  const isAbsolute = path.startsWith('/')
  const out: string[] = []
  for (const part of parts(path)) {
    if (part !== '..') out.push(part)
    else if (out.length > 0 && out.at(-1) !== '..') out.pop()
    else if (!isAbsolute) out.push('..')
  }
  const end = path.endsWith('/') && out.length > 0 ? '/' : ''
  return `${isAbsolute ? '/' : ''}${out.join('/')}${end}` || '.'
}

function dirname(path: string): string {
  const trimmed = path.replace(/(?<=.)\/+$/, '')
  const at = trimmed.lastIndexOf('/')
  return at < 0 ? '.' : trimmed.slice(0, at).replace(/\/+$/, '') || '/'
}

function basename(path: string, suffix = ''): string {
  const name = path.replace(/\/+$/, '').split('/').at(-1)!
  return suffix !== '' && name.endsWith(suffix) && name !== suffix ? name.slice(0, -suffix.length) : name
}

function extname(path: string): string {
  const name = basename(path)
  const at = name.lastIndexOf('.')
  return at > 0 ? name.slice(at) : ''
}

export function makePath(cwd: string): Readonly<Record<string, unknown>> {
  const resolve = (...given: string[]): string => {
    let path = ''
    for (const part of [cwd, ...given]) path = part.startsWith('/') ? part : `${path}/${part}`
    return normalize(path).replace(/(?<=.)\/$/, '')
  }
  const relative = (from: string, to: string): string => {
    const [above, below] = [parts(resolve(from)), parts(resolve(to))]
    let same = 0
    while (same < above.length && above[same] === below[same]) same++
    return [...above.slice(same).map(() => '..'), ...below.slice(same)].join('/')
  }
  const path = {
    sep: '/',
    delimiter: ':',
    normalize,
    dirname,
    basename,
    extname,
    resolve,
    relative,
    join: (...given: string[]) => normalize(given.filter((part) => part !== '').join('/')),
    isAbsolute: (given: string) => given.startsWith('/'),
    parse: (given: string) => {
      const [base, ext] = [basename(given), extname(given)]
      const root = given.startsWith('/') ? '/' : ''
      return { root, dir: given.includes('/') ? dirname(given) : '', base, ext, name: basename(base, ext) }
    },
  }
  return { ...path, posix: path }
}

/** ctypes in the kernel's own python3: what C gets and gives back, each as a line of Python and what it prints. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { TestKernel } from '../../support/kernel.ts'
import { pythonKernel } from '../../support/python-kernel.ts'

const PRELUDE = `
import sys
from ctypes import *
libc = CDLL(None)
def fn(name, result, *parameters):
    f = getattr(libc, name)
    f.restype, f.argtypes = result, parameters
    return f
def text(format, *values):
    f = fn('snprintf', c_int, c_char_p, c_size_t, c_char_p)
    b = create_string_buffer(200)
    f(b, 200, format, *values)
    return b.value.decode()
class Pair(Structure): _fields_ = [('a', c_int), ('b', c_int)]
class Wide(Structure): _fields_ = [('quot', c_longlong), ('rem', c_longlong)]
class One(Structure): _fields_ = [('value', c_uint32)]
class Real(Structure): _fields_ = [('value', c_double)]
class Complex(Structure): _fields_ = [('re', c_double), ('im', c_double)]
class Byte(Structure): _fields_ = [('value', c_int8)]
class Empty(Structure): _fields_ = []
class Mixed(Structure): _fields_ = [('a', c_int8), ('b', c_double), ('c', c_int16), ('d', Pair)]
class Both(Union): _fields_ = [('i', c_uint32), ('f', c_float)]
`

/** [what, expression, what print says of it] */
type Case = readonly [what: string, code: string, printed: string]

let tests: TestKernel
beforeAll(() => {
  tests = pythonKernel()
})

/** Evaluates all expressions in one python3; a line each. */
async function evaluate(cases: readonly Case[]): Promise<string[]> {
  const lines = cases.map(([, code]) => `try: print(eval(${JSON.stringify(code)}))\nexcept BaseException as e: print(type(e).__name__, e)`)
  const { stdout, stderr } = await tests.run(['python3', '-c', [PRELUDE, ...lines].join('\n')])
  return `${stdout}${stderr}`.trimEnd().split('\n')
}
function table(name: string, cases: readonly Case[]): void {
  test(name, async () => {
    expect((await evaluate(cases)).map((line, i) => [cases[i]?.[0], line])).toEqual(cases.map(([what, , printed]) => [what, printed]))
  })
}

describe('ctypes', () => {
  table('calls functions of C', [
    ['int', "fn('abs', c_int, c_int)(-2**31 + 1)", '2147483647'],
    ['the least int', "fn('abs', c_int, c_int)(-2**31)", '-2147483648'],
    ['unsigned', "fn('htonl', c_uint32, c_uint32)(0x12345678)", String(0x7856_3412)],
    ['unsigned above 2^31', "fn('ntohl', c_uint32, c_uint32)(0x000000ff)", String(0xff00_0000)],
    ['16 bits', "fn('htons', c_uint16, c_uint16)(0x80ff)", String(0xff80)],
    ['16 bits as signed', "fn('htons', c_int16, c_int16)(0x80ff - 65536)", String(0xff80 - 65_536)],
    ['8 bits', "fn('toupper', c_int8, c_int8)(97)", '65'],
    ['8 bits as signed', "fn('abs', c_int8, c_int)(200)", '-56'],
    ['8 bits as unsigned', "fn('abs', c_uint8, c_int)(456)", '200'],
    ['bool', "fn('isdigit', c_bool, c_int)(53), fn('isdigit', c_bool, c_int)(97)", '(True, False)'],
    ['char', "fn('toupper', c_char, c_char)(b'q')", "b'Q'"],
    ['long', "fn('labs', c_long, c_long)(-123456789)", '123456789'],
    ['64 bits', "fn('llabs', c_longlong, c_longlong)(-2**62 - 1)", String(2n ** 62n + 1n)],
    ['64 bits unsigned', "fn('strtoull', c_ulonglong, c_char_p, c_void_p, c_int)(b'ffffffffffffffff', None, 16)", String(2n ** 64n - 1n)],
    ['float', "fn('sqrtf', c_float, c_float)(2.25)", '1.5'],
    ['double', "fn('pow', c_double, c_double, c_double)(2, 0.5)", '1.4142135623730951'],
    ['double and int', "fn('ldexp', c_double, c_double, c_int)(0.75, 4)", '12.0'],
    ['a pointer to a result', "(lambda e: (fn('frexp', c_double, c_double, POINTER(c_int))(12, byref(e)), e.value))(c_int())", '(0.75, 4)'],
    ['long double', "fn('sqrtl', c_longdouble, c_longdouble)(6.25)", '2.5'],
    ['two long doubles', "fn('copysignl', c_longdouble, c_longdouble, c_longdouble)(3.5, -0.0)", '-3.5'],
    ['a string', "fn('strlen', c_size_t, c_char_p)(b'hello')", '5'],
    ['a string back', "fn('strchr', c_char_p, c_char_p, c_int)(b'a=b', 61)", "b'=b'"],
    ['null', "fn('strchr', c_void_p, c_char_p, c_int)(b'a', 98)", 'None'],
    ['no result', "fn('srand', None, c_uint)(1)", 'None'],
    ['a buffer', '(lambda b: (memset(b, 120, 3), b.raw))(create_string_buffer(4))[1]', "b'xxx\\x00'"],
    ['an array', "fn('memcmp', c_int, c_void_p, c_void_p, c_size_t)((c_int * 3)(1, 2, 3), (c_int * 3)(1, 2, 3), 12)", '0'],
    ['Python itself', 'pythonapi.PyLong_AsLong(py_object(42))', '42'],
    [
      'an object back',
      "(setattr(pythonapi.PyUnicode_FromString, 'restype', py_object), pythonapi.PyUnicode_FromString(b'made by C'))[1]",
      'made by C',
    ],
    [
      'an exception of C',
      "pythonapi.PyNumber_Add(py_object(1), py_object('a'))",
      "TypeError unsupported operand type(s) for +: 'int' and 'str'",
    ],
  ])

  table('passes structures', [
    ['a result of two ints', "(lambda p: (p.a, p.b))(fn('div', Pair, c_int, c_int)(17, 5))", '(3, 2)'],
    [
      'a result of two 64-bit ints',
      "(lambda p: (p.quot, p.rem))(fn('lldiv', Wide, c_longlong, c_longlong)(-(2**40) - 1, 16))",
      `(${-(2 ** 36)}, -1)`,
    ],
    ['a result of one field', "fn('inet_makeaddr', One, c_uint32, c_uint32)(10, 1).value", String(0x0a00_0001)],
    ['one field as argument', "fn('inet_ntoa', c_char_p, One)(One(0x0100007f))", "b'127.0.0.1'"],
    ['one double as argument', "fn('fabs', c_double, Real)(Real(-2.5))", '2.5'],
    ['one double as result', "fn('fabs', Real, Real)(Real(-2.5)).value", '2.5'],
    ['two doubles both ways', "(lambda z: (z.re, z.im))(fn('conj', Complex, Complex)(Complex(1.5, 2)))", '(1.5, -2.0)'],
    [
      'two structs',
      "(lambda z: (round(z.re, 9), round(z.im, 9)))(fn('cpow', Complex, Complex, Complex)(Complex(0, 1), Complex(2, 0)))",
      '(-1.0, 0.0)',
    ],
    ['one small field', 'CFUNCTYPE(c_int, Byte)(lambda b: b.value * 2)(Byte(-5))', '-10'],
    [
      'several fields',
      'CFUNCTYPE(c_double, Mixed, c_int)(lambda m, n: m.a + m.b + m.c + m.d.a + m.d.b + n)(Mixed(-1, 0.5, -300, Pair(1000, 7)), 1)',
      '707.5',
    ],
    ['a union', 'CFUNCTYPE(c_float, Both)(lambda u: u.f)(Both(i=0x3fc00000))', '1.5'],
    [
      'what the callee changes stays its own',
      "(lambda p: (CFUNCTYPE(c_int, Pair)(lambda q: setattr(q, 'a', 9) or q.a)(p), p.a))(Pair(1, 2))",
      '(9, 1)',
    ],
  ])

  table('is called by C', [
    [
      'qsort',
      '(lambda a: (libc.qsort(a, len(a), 4, CFUNCTYPE(c_int, POINTER(c_int), POINTER(c_int))(lambda x, y: x[0] - y[0])), list(a))[1])((c_int * 6)(5, -3, 9, 0, 7, 1))',
      '[-3, 0, 1, 5, 7, 9]',
    ],
    [
      'bsearch',
      "(lambda a: (setattr(libc.bsearch, 'restype', c_void_p), libc.bsearch(byref(c_int(7)), a, 4, 4, CFUNCTYPE(c_int, POINTER(c_int), POINTER(c_int))(lambda x, y: x[0] - y[0])) - addressof(a))[1])((c_int * 4)(1, 3, 7, 9))",
      '8',
    ],
    ['no arguments', 'CFUNCTYPE(c_int)(lambda: 42)()', '42'],
    ['no result', 'CFUNCTYPE(None, c_int)(lambda x: None)(1)', 'None'],
    [
      'each size',
      '(lambda seen: (CFUNCTYPE(c_int8, c_int8, c_uint8, c_int16, c_uint16)(lambda *a: seen.append(a) or -7)(-1, 255, -2, 65535), seen))([])',
      '(-7, [(-1, 255, -2, 65535)])',
    ],
    [
      'unsigned results',
      '(CFUNCTYPE(c_uint8)(lambda: 200)(), CFUNCTYPE(c_uint16)(lambda: 60000)(), CFUNCTYPE(c_uint32)(lambda: 2**32 - 1)())',
      '(200, 60000, 4294967295)',
    ],
    ['64 bits', 'CFUNCTYPE(c_longlong, c_longlong, c_ulonglong)(lambda a, b: a + (b >> 1))(-2**62, 2**63)', '0'],
    ['floats', 'CFUNCTYPE(c_float, c_float, c_double)(lambda a, b: a + b)(1.5, 2.25)', '3.75'],
    ['long doubles', 'CFUNCTYPE(c_longdouble, c_longdouble, c_int)(lambda a, n: a * n)(2.5, 3)', '7.5'],
    ['pointers', 'CFUNCTYPE(c_void_p, c_void_p)(lambda p: p and p + 4)(1000)', '1004'],
    ['null', 'CFUNCTYPE(c_void_p, c_void_p)(lambda p: p)(None)', 'None'],
    ['strings', "CFUNCTYPE(c_int, c_char_p)(lambda s: len(s))(b'hello')", '5'],
    ['nine parameters', 'CFUNCTYPE(c_int, *[c_int] * 9)(lambda *a: sum(a))(*range(9))', '36'],
    ['in itself', '(lambda f: f(f, 5))(lambda f, n: 1 if n == 0 else CFUNCTYPE(c_int, c_int)(lambda k: k * f(f, n - 1))(n))', '120'],
    ['and as often as one likes', 'sum(CFUNCTYPE(c_int, c_int)(lambda x, i=i: x + i)(1) for i in range(2000))', '2001000'],
  ])

  table('passes any number of arguments', [
    ['an int', "text(b'%d', 5)", '5'],
    ['a string', "text(b'%s', b'hi')", 'hi'],
    ['a double', "text(b'%.2f', c_double(2.5))", '2.50'],
    ['64 bits', "text(b'%lld', c_longlong(-2**40))", String(-(2 ** 40))],
    ['a long double', "text(b'%.1Lf', c_longdouble(7.5))", '7.5'],
    [
      'all of them',
      "text(b'%d %lld %s %.1f %c %Lg %d', 1, c_longlong(2), b'three', c_double(4), 53, c_longdouble(6), 7)",
      '1 2 three 4.0 5 6 7',
    ],
    ['none', "text(b'plain')", 'plain'],
  ])

  test('an exception in a function that C calls is told and does not end the process', async () => {
    const code = `${PRELUDE}\nprint(CFUNCTYPE(c_int)(lambda: 1 // 0)())`
    const { status, stdout, stderr } = await tests.run(['python3', '-c', code])
    expect([status, stdout]).toEqual([0, '0\n'])
    expect(stderr).toContain('ZeroDivisionError')
  })
  test('a wait in a function that C calls, which nothing can suspend, ends the process only', async () => {
    const { status, stdout } = await tests.run([
      'python3',
      '-c',
      `${PRELUDE}\nimport time\nCFUNCTYPE(None)(lambda: time.sleep(0.01))(); print('after')`,
    ])
    expect([status, stdout]).toEqual([134, ''])
  })
  test('a call of what is no function ends the process only', async () => {
    const { status } = await tests.run(['python3', '-c', `${PRELUDE}\nCFUNCTYPE(c_int)(99999999)()`])
    expect(status).toBe(134)
    expect((await tests.run(['python3', '-c', 'print(1)'])).stdout).toBe('1\n')
  })
})

// JSON (RFC 8259) as a tree of values. Small, and nothing else: numbers are f64, keys keep their order, and the last of two equal keys counts.

export enum Kind {
  Null,
  Bool,
  Number,
  Text,
  List,
  Object,
}

export class Json {
  private number: f64 = 0
  private text: string = ''
  private items: Json[] = []
  private keys: string[] = []

  private constructor(readonly kind: Kind) {}

  static null(): Json {
    return new Json(Kind.Null)
  }

  static bool(value: bool): Json {
    const json = new Json(Kind.Bool)
    json.number = value ? 1 : 0
    return json
  }

  static number(value: f64): Json {
    const json = new Json(Kind.Number)
    json.number = value
    return json
  }

  static text(value: string): Json {
    const json = new Json(Kind.Text)
    json.text = value
    return json
  }

  static list(): Json {
    return new Json(Kind.List)
  }

  static object(): Json {
    return new Json(Kind.Object)
  }

  /** Throws where the text is no JSON. */
  static parse(text: string): Json {
    const reader = new Reader(text)
    const value = reader.value(0)
    reader.end()
    return value
  }

  /** The member of an object; null (of JSON) if there is none. */
  get(key: string): Json {
    const index = this.keys.lastIndexOf(key)
    return index < 0 ? Json.null() : this.items[index]
  }

  has(key: string): bool {
    return this.keys.includes(key)
  }

  /** Of an object: sets a member. */
  set(key: string, value: Json): Json {
    const index = this.keys.lastIndexOf(key)
    if (index < 0) {
      this.keys.push(key)
      this.items.push(value)
    } else this.items[index] = value
    return this
  }

  /** Of a list: adds an item. */
  push(value: Json): Json {
    this.items.push(value)
    return this
  }

  /** How many items a list or members an object has. */
  get length(): i32 {
    return this.items.length
  }

  at(index: i32): Json {
    return this.items[index]
  }

  key(index: i32): string {
    return this.keys[index]
  }

  asText(otherwise: string = ''): string {
    return this.kind == Kind.Text ? this.text : otherwise
  }

  asNumber(otherwise: f64 = 0): f64 {
    return this.kind == Kind.Number ? this.number : otherwise
  }

  asInt(otherwise: i32 = 0): i32 {
    return this.kind == Kind.Number ? i32(this.number) : otherwise
  }

  asBool(otherwise: bool = false): bool {
    return this.kind == Kind.Bool ? this.number != 0 : otherwise
  }

  toString(): string {
    const out: string[] = []
    this.write(out)
    return out.join('')
  }

  private write(out: string[]): void {
    switch (this.kind) {
      case Kind.Null:
        out.push('null')
        break
      case Kind.Bool:
        out.push(this.number != 0 ? 'true' : 'false')
        break
      case Kind.Number:
        out.push(written(this.number))
        break
      case Kind.Text:
        out.push(quoted(this.text))
        break
      default:
        this.writeItems(out)
    }
  }

  private writeItems(out: string[]): void {
    const isObject = this.kind == Kind.Object
    out.push(isObject ? '{' : '[')
    for (let i = 0; i < this.items.length; i++) {
      if (i > 0) out.push(',')
      if (isObject) {
        out.push(quoted(this.keys[i]))
        out.push(':')
      }
      this.items[i].write(out)
    }
    out.push(isObject ? '}' : ']')
  }
}

/** Whole numbers without a fraction; what JSON has no number for is null. */
function written(value: f64): string {
  if (!isFinite(value)) return 'null'
  if (Math.floor(value) == value && Math.abs(value) < 9007199254740992) return i64(value).toString()
  return value.toString()
}

/** Half of a surrogate pair, which is no text in UTF-8, becomes U+FFFD. */
function quoted(text: string): string {
  let out = '"'
  let begin = 0
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (isPair(text, i)) {
      i++
      continue
    }
    const isHalf = (unit & 0xf800) == 0xd800
    if (unit >= 0x20 && unit != 0x22 && unit != 0x5c && !isHalf) continue
    out += text.substring(begin, i) + escaped(isHalf ? 0xfffd : unit)
    begin = i + 1
  }
  return out + text.substring(begin) + '"'
}

function isPair(text: string, at: i32): bool {
  return (text.charCodeAt(at) & 0xfc00) == 0xd800 && at + 1 < text.length && (text.charCodeAt(at + 1) & 0xfc00) == 0xdc00
}

function escaped(unit: i32): string {
  if (unit == 0x22) return '\\"'
  if (unit == 0x5c) return '\\\\'
  if (unit == 0x0a) return '\\n'
  if (unit == 0xfffd) return '\ufffd'
  return '\\u00' + (unit < 16 ? '0' : '') + unit.toString(16)
}

/** As many digits as fit, and where the point is. AssemblyScript's own parseFloat is wrong by a power of ten for some of 16 digits. */
class Decimal {
  private mantissa: u64 = 0
  private dropped: i32 = 0
  exponent: i32 = 0

  add(digit: i32): void {
    if (this.mantissa < 100000000000000000) this.mantissa = this.mantissa * 10 + digit
    else this.dropped++
  }

  /** To about 15 digits. */
  value(): f64 {
    let value = f64(this.mantissa)
    let exponent = this.exponent + this.dropped
    if (value == 0) return 0
    while (exponent > 0 && isFinite(value)) {
      const step = min(exponent, 22)
      value *= power(step)
      exponent -= step
    }
    while (exponent < 0 && value > 0) {
      const step = min(-exponent, 22)
      value /= power(step)
      exponent += step
    }
    return value
  }
}

/** Of ten, exact up to 22. */
function power(exponent: i32): f64 {
  let value: f64 = 1
  for (let i = 0; i < exponent; i++) value *= 10
  return value
}

const DEPTH: i32 = 256

class Reader {
  private at: i32 = 0

  constructor(private text: string) {}

  value(depth: i32): Json {
    if (depth > DEPTH) throw new Error('JSON: nested deeper than ' + DEPTH.toString())
    const unit = this.next()
    if (unit == 0x7b) return this.object(depth)
    if (unit == 0x5b) return this.list(depth)
    if (unit == 0x22) return Json.text(this.string())
    if (this.takes('null')) return Json.null()
    if (this.takes('true')) return Json.bool(true)
    if (this.takes('false')) return Json.bool(false)
    return Json.number(this.number())
  }

  end(): void {
    if (this.next() != -1) this.fail('something after the value')
  }

  private object(depth: i32): Json {
    const object = Json.object()
    this.at++
    if (this.skips(0x7d)) return object
    do {
      if (this.next() != 0x22) this.fail('a key is no text')
      const key = this.string()
      if (!this.skips(0x3a)) this.fail('no colon after a key')
      object.set(key, this.value(depth + 1))
    } while (this.skips(0x2c))
    if (!this.skips(0x7d)) this.fail('an object is not closed')
    return object
  }

  private list(depth: i32): Json {
    const list = Json.list()
    this.at++
    if (this.skips(0x5d)) return list
    do list.push(this.value(depth + 1))
    while (this.skips(0x2c))
    if (!this.skips(0x5d)) this.fail('a list is not closed')
    return list
  }

  private string(): string {
    let out = ''
    let begin = ++this.at
    for (;;) {
      const unit = this.peek()
      if (unit == 0x22) break
      if (unit < 0x20) this.fail('a text is not closed')
      this.at++
      if (unit != 0x5c) continue
      out += this.text.substring(begin, this.at - 1) + this.escape()
      begin = this.at
    }
    return out + this.text.substring(begin, this.at++)
  }

  private escape(): string {
    const unit = this.peek()
    this.at++
    if (unit == 0x22 || unit == 0x5c || unit == 0x2f) return String.fromCharCode(unit)
    if (unit == 0x6e) return '\n'
    if (unit == 0x74) return '\t'
    if (unit == 0x72) return '\r'
    if (unit == 0x62) return '\b'
    if (unit == 0x66) return '\f'
    if (unit != 0x75) this.fail('an unknown escape')
    let code = 0
    for (let i = 0; i < 4; i++) code = code * 16 + this.digit()
    return String.fromCharCode(code)
  }

  /** A hexadecimal one. */
  private digit(): i32 {
    const unit = this.peek()
    this.at++
    if (unit >= 0x30 && unit <= 0x39) return unit - 0x30
    const letter = unit | 0x20
    if (letter < 0x61 || letter > 0x66) this.fail('no hexadecimal digit')
    return letter - 0x57
  }

  private number(): f64 {
    const isNegative = this.peek() == 0x2d
    if (isNegative) this.at++
    const begin = this.at
    const decimal = new Decimal()
    this.digits(decimal)
    if (this.text.charCodeAt(begin) == 0x30 && this.at > begin + 1) this.fail('a number begins with 0')
    if (this.peek() == 0x2e) {
      this.at++
      const whole = this.at
      this.digits(decimal)
      decimal.exponent -= this.at - whole
    }
    if ((this.peek() | 0x20) == 0x65) decimal.exponent += this.exponent()
    const value = decimal.value()
    return isNegative ? -value : value
  }

  private exponent(): i32 {
    this.at++
    const sign = this.peek()
    if (sign == 0x2b || sign == 0x2d) this.at++
    const decimal = new Decimal()
    this.digits(decimal)
    const exponent = i32(Math.min(decimal.value(), 10000))
    return sign == 0x2d ? -exponent : exponent
  }

  private digits(decimal: Decimal): void {
    const begin = this.at
    while (this.peek() >= 0x30 && this.peek() <= 0x39) {
      decimal.add(this.peek() - 0x30)
      this.at++
    }
    if (this.at == begin) this.fail('no value')
  }

  private takes(word: string): bool {
    if (!this.text.startsWith(word, this.at)) return false
    this.at += word.length
    return true
  }

  /** Goes past white space and then, if it comes, past the character. */
  private skips(unit: i32): bool {
    if (this.next() != unit) return false
    this.at++
    return true
  }

  /** What comes after white space, -1 at the end. */
  private next(): i32 {
    let unit = this.peek()
    while (unit == 0x20 || unit == 0x0a || unit == 0x0d || unit == 0x09) {
      this.at++
      unit = this.peek()
    }
    return unit
  }

  private peek(): i32 {
    return this.at < this.text.length ? this.text.charCodeAt(this.at) : -1
  }

  private fail(reason: string): void {
    throw new Error('JSON: ' + reason + ' at ' + this.at.toString())
  }
}

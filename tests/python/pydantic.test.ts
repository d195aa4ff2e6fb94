/**
 * pydantic in a cell: the one package whose side module is its own project's, not ours. What tools use of it, in its own words, and that calls
 * go through its Rust in both directions: exceptions, waiting, depth.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Sandbox } from '../../src/node/index.ts'

let sandbox: Sandbox
beforeAll(async () => void (sandbox = await Sandbox.create()))
afterAll(() => sandbox.destroy())

const MODEL = `
from pydantic import BaseModel, Field, ValidationError
class Trade(BaseModel):
    pair: str = Field(..., description='Two currencies', min_length=3, pattern=r'^[A-Z]+$')
    volume: float = Field(default=1, gt=0, le=10)
    tags: list[str] = []
`

/** What the code prints after the model; it must end well. */
async function python(code: string): Promise<string> {
  const { stdout, stderr, exitCode } = await sandbox.run('python3 -', { stdin: MODEL + code, timeoutMs: 120_000 })
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  return stdout.trimEnd()
}

test('a model takes what fits, turns what can be turned, and fills in what is missing', async () => {
  const code = `
trade = Trade.model_validate({'pair': 'XBT', 'volume': '2.5', 'unknown': 1})
print(repr(trade), trade.model_dump(), trade.model_dump_json(exclude_defaults=True))
print(Trade.model_validate_json('{"pair": "ETH", "tags": ["ü"]}').model_dump_json())`
  expect(await python(code)).toBe(
    `Trade(pair='XBT', volume=2.5, tags=[]) {'pair': 'XBT', 'volume': 2.5, 'tags': []} {"pair":"XBT","volume":2.5}\n` +
      '{"pair":"ETH","volume":1.0,"tags":["ü"]}',
  )
})

test('what does not fit is an error that names each field and why', async () => {
  const code = `
try:
    Trade.model_validate({'pair': 'x', 'volume': 99, 'tags': ['a', 5]})
except ValidationError as error:
    print(error)
    print(error.error_count(), error.errors(include_url=False)[1])`
  expect(await python(code)).toBe(`3 validation errors for Trade
pair
  String should have at least 3 characters [type=string_too_short, input_value='x', input_type=str]
    For further information visit https://errors.pydantic.dev/2.14/v/string_too_short
volume
  Input should be less than or equal to 10 [type=less_than_equal, input_value=99, input_type=int]
    For further information visit https://errors.pydantic.dev/2.14/v/less_than_equal
tags.1
  Input should be a valid string [type=string_type, input_value=5, input_type=int]
    For further information visit https://errors.pydantic.dev/2.14/v/string_type
3 {'type': 'less_than_equal', 'loc': ('volume',), 'msg': 'Input should be less than or equal to 10', 'input': 99, 'ctx': {'le': 10.0}}`)
})

test('a model says its JSON Schema', async () => {
  const schema: unknown = JSON.parse(await python('import json\nprint(json.dumps(Trade.model_json_schema()))'))
  expect(schema).toEqual({
    title: 'Trade',
    type: 'object',
    properties: {
      pair: { title: 'Pair', type: 'string', description: 'Two currencies', minLength: 3, pattern: '^[A-Z]+$' },
      volume: { title: 'Volume', type: 'number', default: 1, exclusiveMinimum: 0, maximum: 10 },
      tags: { title: 'Tags', type: 'array', items: { type: 'string' }, default: [] },
    },
    required: ['pair'],
  })
})

test('the types of the standard library go through JSON and back', async () => {
  const code = `
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Literal, Optional, Union
from uuid import UUID
from pydantic import ConfigDict, HttpUrl, TypeAdapter, computed_field, validate_call
class Side(str, Enum):
    buy = 'buy'
class Order(BaseModel):
    model_config = ConfigDict(extra='forbid')
    at: datetime
    id: UUID
    price: Decimal
    site: HttpUrl
    side: Side
    kind: Literal['limit', 'market'] = 'limit'
    parts: dict[str, Union[int, str]] = {}
    within: Optional[timedelta] = None
    @computed_field
    @property
    def twice(self) -> Decimal: return self.price * 2
text = Order(at='2026-01-02T03:04:05Z', id='12345678-1234-5678-1234-567812345678', price='1.20', site='https://bücher.example', side='buy', parts={'a': 2**70}, within=90).model_dump_json()
print(text)
print(Order.model_validate_json(text.replace(',"twice":"2.40"', '')).model_dump_json() == text)
print(TypeAdapter(list[tuple[int, bool]]).validate_python([('1', 'yes')]), validate_call(lambda n: n)(3))`
  expect(await python(code)).toBe(
    '{"at":"2026-01-02T03:04:05Z","id":"12345678-1234-5678-1234-567812345678","price":"1.20","site":"https://xn--bcher-kva.example/",' +
      '"side":"buy","kind":"limit","parts":{"a":1180591620717411303424},"within":"PT1M30S","twice":"2.40"}\nTrue\n[(1, True)] 3',
  )
})

test('a validator in Python raises through Rust, and may wait there for a process', async () => {
  const code = `
import subprocess, time
from pydantic import field_validator
class Asks(BaseModel):
    name: str
    @field_validator('name')
    @classmethod
    def ask(cls, value):
        time.sleep(0.02)
        if value == 'zero': 1 / 0
        if value == 'none': raise ValueError('nobody has it')
        return subprocess.run(['tr', 'a-z', 'A-Z'], input=value, capture_output=True, text=True).stdout
print([Asks(name=name).name for name in ('sea', 'wind')])
for name in ('zero', 'none'):
    try: Asks(name=name)
    except Exception as error: print(type(error).__name__, str(error).splitlines()[-2 if name == 'none' else 0])`
  expect(await python(code)).toBe(
    `['SEA', 'WIND']\nZeroDivisionError division by zero\nValidationError   Value error, nobody has it [type=value_error, input_value='none', input_type=str]`,
  )
})

test('input of any depth, and one that contains itself, is an error and no end of the interpreter', async () => {
  const code = `
from typing import Optional
class Node(BaseModel):
    child: Optional['Node'] = None
deep, loop, node = {}, {}, Node()
loop['child'] = loop
for _ in range(1000):
    deep, node = {'child': deep}, Node.model_construct(child=node)
for attempt in (
    lambda: Node.model_validate(deep),
    lambda: Node.model_validate(loop),
    lambda: Node.model_validate_json('{"child":' * 5000 + '{}' + '}' * 5000),
    lambda: node.model_dump(),
    lambda: node.model_dump_json(),
):
    try: print('no error', attempt())
    except Exception as error: print(type(error).__name__, str(error).splitlines()[-2:][0].split(' [')[0].strip())`
  expect((await python(code)).split('\n')).toEqual([
    'ValidationError Recursion error - maximum validation depth exceeded',
    'ValidationError Recursion error - cyclic reference detected',
    'ValidationError Invalid JSON: recursion limit exceeded at line 1 column 1810',
    'ValueError Maximum serialization depth exceeded',
    'PydanticSerializationError Error serializing to JSON: ValueError: Maximum serialization depth exceeded',
  ])
})

test('the distribution says which version it is, and pip is satisfied with it', async () => {
  const { stdout } = await sandbox.run('pip install pydantic "pydantic-core>=2" annotated-types && pip show pydantic | head -n 2')
  expect(stdout).toBe(
    ['pydantic in /usr/lib/python3.14/site-packages (2.14.4)', 'pydantic-core>=2 in /usr/lib/python3.14/site-packages (2.50.5)']
      .concat('annotated-types in /usr/lib/python3.14/site-packages (0.8.0)')
      .map((line) => `Requirement already satisfied: ${line}\n`)
      .join('') + 'Name: pydantic\nVersion: 2.14.4\n',
  )
})

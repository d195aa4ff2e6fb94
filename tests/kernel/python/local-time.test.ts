/** struct tm in the zones of the world, as glibc has it for the same instants. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { localTimeCalls } from '../../../src/kernel/python/local-time.ts'
import { GuestMemory } from '../../../src/kernel/wasi/memory.ts'

const TM = 64
/** sec, min, hour, mday, mon, year, wday, yday, isdst, gmtoff */
const FIELDS = 10
/** 2026-01-15 12:00:00 UTC */
const JANUARY = 1_768_478_400
/** 2026-07-15 12:00:00 UTC */
const JULY = 1_784_116_800

function calls(tz: string) {
  const guest = new GuestMemory(new WebAssembly.Memory({ initial: 1 }), () => {})
  const time = localTimeCalls({ guest: () => guest, zone: () => tz, now: () => JANUARY * 1000 })
  const fields = (): number[] => Array.from({ length: FIELDS }, (_, i) => guest.view.getInt32(TM + 4 * i, true))
  return { guest, time, fields }
}
/** "2026-07-15 14:00:00 wday yday isdst gmtoff" */
function show([sec, min, hour, mday, mon, year, wday, yday, isdst, gmtoff]: readonly number[]): string {
  const two = (n: number): string => String(n).padStart(2, '0')
  return `${year! + 1900}-${two(mon! + 1)}-${two(mday!)} ${two(hour!)}:${two(min!)}:${two(sec!)} ${wday} ${yday} ${isdst} ${gmtoff}`
}
function local(tz: string, seconds: number): string {
  const { time, fields } = calls(tz)
  time._localtime_js(BigInt(seconds), TM)
  return show(fields())
}
/** What mktime answers for year, month from 1, day, hour, minute, second and isdst, with the fields that it leaves. */
function made(tz: string, [year, mon, ...rest]: readonly number[], isdst: number, call: '_mktime_js' | '_timegm_js' = '_mktime_js') {
  const { guest, time, fields } = calls(tz)
  const [mday = 1, hour = 0, min = 0, sec = 0] = rest
  const values = [sec, min, hour, mday, mon! - 1, year! - 1900, 0, 0, isdst, 0]
  for (const [i, value] of values.entries()) guest.view.setInt32(TM + 4 * i, value, true)
  return { at: Number(time[call](TM)), local: show(fields()) }
}

describe('localtime', () => {
  test.each([
    ['UTC', 0, '1970-01-01 00:00:00 4 0 0 0'],
    ['', 0, '1970-01-01 00:00:00 4 0 0 0'],
    ['Europe/Berlin', JANUARY, '2026-01-15 13:00:00 4 14 0 3600'],
    ['Europe/Berlin', JULY, '2026-07-15 14:00:00 3 195 1 7200'],
    [':Europe/Berlin', JULY, '2026-07-15 14:00:00 3 195 1 7200'],
    ['Europe/Berlin', 1_774_745_999, '2026-03-29 01:59:59 0 87 0 3600'],
    ['Europe/Berlin', 1_774_746_000, '2026-03-29 03:00:00 0 87 1 7200'],
    ['Europe/Berlin', 1_792_889_999, '2026-10-25 02:59:59 0 297 1 7200'],
    ['Europe/Berlin', 1_792_890_000, '2026-10-25 02:00:00 0 297 0 3600'],
    ['Europe/Berlin', -2_208_988_800, '1900-01-01 01:00:00 1 0 0 3600'],
    ['America/New_York', JANUARY, '2026-01-15 07:00:00 4 14 0 -18000'],
    ['America/New_York', JULY, '2026-07-15 08:00:00 3 195 1 -14400'],
    ['America/St_Johns', JULY, '2026-07-15 09:30:00 3 195 1 -9000'],
    ['Asia/Kolkata', JANUARY, '2026-01-15 17:30:00 4 14 0 19800'],
    ['Australia/Sydney', JANUARY, '2026-01-15 23:00:00 4 14 1 39600'],
    ['Pacific/Apia', 1_325_239_199, '2011-12-29 23:59:59 4 362 1 -36000'],
    ['Pacific/Apia', 1_325_239_200, '2011-12-31 00:00:00 6 364 1 50400'],
    ['Pacific/Apia', JULY, '2026-07-16 01:00:00 4 196 0 46800'],
    ['Etc/GMT+5', 0, '1969-12-31 19:00:00 3 364 0 -18000'],
    ['UTC-3', 0, '1970-01-01 03:00:00 4 0 0 10800'],
    ['<+0330>-3:30', 0, '1970-01-01 03:30:00 4 0 0 12600'],
    ['EST5EDT', JULY, '2026-07-15 08:00:00 3 195 1 -14400'],
    ['Nonsense/Zone', JULY, '2026-07-15 12:00:00 3 195 0 0'],
    ['../../etc/passwd', JULY, '2026-07-15 12:00:00 3 195 0 0'],
  ])('in %j at %i', (tz, seconds, expected) => {
    expect(local(tz, seconds)).toBe(expected)
  })
  test.each([
    ['the year 1', -62_135_596_800, '1-01-01 00:00:00 1 0 0 0'],
    ['a second before the year 1', -62_135_596_801, '0-12-31 23:59:59 0 365 0 0'],
    ['the year 1900', -2_208_988_800, '1900-01-01 00:00:00 1 0 0 0'],
    ['a second before 1970', -1, '1969-12-31 23:59:59 3 364 0 0'],
    ['after 32 bits', 2_147_483_648, '2038-01-19 03:14:08 2 18 0 0'],
    ['the end of the year 9999', 253_402_300_799, '9999-12-31 23:59:59 5 364 0 0'],
    ['what no Date of JavaScript holds', 1e14, '3170843-11-07 09:46:40 6 310 0 0'],
  ])('at %s', (_what, seconds, expected) => {
    expect(local('UTC', seconds)).toBe(expected)
    const { time, fields } = calls('Europe/Berlin')
    time._gmtime_js(BigInt(seconds), TM)
    expect(show(fields())).toBe(expected)
  })
  test('of a zone of the world in a far year goes by the rules of today', () => {
    expect(local('Europe/Berlin', 1e14)).toBe('3170843-11-07 10:46:40 6 310 0 3600')
  })
  test('T72 never fails, whatever the instant', () => {
    const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'Pacific/Apia', 'UTC-3')
    fc.assert(
      fc.property(zones, fc.bigInt(-(1n << 63n), (1n << 63n) - 1n), (tz, seconds) => {
        calls(tz).time._localtime_js(seconds, TM)
      }),
    )
  })
})

describe('mktime', () => {
  const BERLIN = 'Europe/Berlin'
  test.each<[what: string, fields: readonly number[], unknown: number, standard: number, summer: number]>([
    ['winter', [2026, 1, 15, 12], 1_768_474_800, 1_768_474_800, 1_768_471_200],
    ['summer', [2026, 7, 15, 12], 1_784_109_600, 1_784_113_200, 1_784_109_600],
    ['the hour that is skipped', [2026, 3, 29, 2, 30], 1_774_747_800, 1_774_747_800, 1_774_744_200],
    ['the hour that comes twice', [2026, 10, 25, 2, 30], 1_792_891_800, 1_792_891_800, 1_792_888_200],
    ['the last second of winter', [2026, 3, 29, 1, 59, 59], 1_774_745_999, 1_774_745_999, 1_774_742_399],
    ['the first second of summer', [2026, 3, 29, 3], 1_774_746_000, 1_774_749_600, 1_774_746_000],
    ['the last second that is surely summer', [2026, 10, 25, 1, 59, 59], 1_792_886_399, 1_792_889_999, 1_792_886_399],
    ['the first second that is surely winter', [2026, 10, 25, 3], 1_792_893_600, 1_792_893_600, 1_792_890_000],
  ])('in %s, with isdst −1, 0 and 1', (_what, fields, unknown, standard, summer) => {
    expect([-1, 0, 1].map((isdst) => made(BERLIN, fields, isdst).at)).toEqual([unknown, standard, summer])
  })
  test('leaves the fields as they are in truth', () => {
    expect(made(BERLIN, [2026, 3, 29, 2, 30], -1).local).toBe('2026-03-29 03:30:00 0 87 1 7200')
    expect(made(BERLIN, [2026, 1, 15, 12], 1).local).toBe('2026-01-15 11:00:00 4 14 0 3600')
    expect(made('UTC', [2026, 14, -3, 25, 61, 61], -1)).toEqual({ at: 1_801_188_121, local: '2027-01-29 02:02:01 5 28 0 0' })
  })
  test.each([
    ['the year 1', [1, 1, 1], -62_135_596_800],
    ['the end of the year 9999', [9999, 12, 31, 23, 59, 59], 253_402_300_799],
    ['a far year', [1_000_000, 1, 1], 31_494_784_780_800],
    ['months below the first', [2026, -11, 1], 1_735_689_600],
  ])('in %s', (_what, fields, at) => {
    expect([made('UTC', fields, -1).at, made('UTC', fields, 0, '_timegm_js').at]).toEqual([at, at])
  })
  test('is the inverse of localtime where no hour comes twice', () => {
    fc.assert(
      fc.property(fc.constantFrom(BERLIN, 'America/New_York', 'Asia/Kolkata', 'Etc/GMT+5'), fc.integer({ min: 0, max: 4e9 }), (tz, at) => {
        const { time, fields } = calls(tz)
        time._localtime_js(BigInt(at), TM)
        const [sec, min, hour, mday, mon, year, , , isdst] = fields() as [
          number,
          number,
          number,
          number,
          number,
          number,
          number,
          number,
          number,
        ]
        expect(made(tz, [year + 1900, mon + 1, mday, hour, min, sec], isdst).at).toBe(at)
      }),
      { numRuns: 300 },
    )
  })
  test('T72 never fails, whatever the fields', () => {
    const field = fc.oneof(fc.integer(), fc.constantFrom(-(2 ** 31), 2 ** 31 - 1))
    fc.assert(
      fc.property(fc.constantFrom('UTC', BERLIN), fc.array(field, { minLength: FIELDS, maxLength: FIELDS }), (tz, values) => {
        for (const call of ['_mktime_js', '_timegm_js'] as const) {
          const { guest, time } = calls(tz)
          for (const [i, value] of values.entries()) guest.view.setInt32(TM + 4 * i, value, true)
          expect(typeof time[call](TM)).toBe('bigint')
        }
      }),
    )
  })
})

describe('tzset', () => {
  /** timezone, daylight, both names */
  function zone(tz: string): [number, number, string, string] {
    const { guest, time } = calls(tz)
    time._tzset_js(0, 4, 16, 48)
    return [guest.view.getInt32(0, true), guest.view.getInt32(4, true), guest.text(16), guest.text(48)]
  }
  test.each<[string, number, number, string, string]>([
    ['UTC', 0, 0, 'UTC', 'UTC'],
    ['Europe/Berlin', -3600, 1, 'CET', 'CEST'],
    ['Europe/London', 0, 1, 'GMT', 'BST'],
    ['America/New_York', 18_000, 1, 'EST', 'EDT'],
    ['Asia/Kolkata', -19_800, 0, 'IST', 'IST'],
    ['Australia/Sydney', -36_000, 1, 'AEST', 'AEDT'],
    ['Pacific/Apia', -46_800, 0, '+13', '+13'],
    ['Etc/GMT+5', 18_000, 0, '-05', '-05'],
    ['Asia/Kathmandu', -20_700, 0, '+0545', '+0545'],
    ['UTC-3', -10_800, 0, 'UTC', 'UTC'],
    ['Nonsense/Zone', 0, 0, 'UTC', 'UTC'],
  ])('of %s', (tz, ...expected) => {
    expect(zone(tz)).toEqual(expected)
  })
  test('is told anew when TZ is another one at the next localtime', () => {
    const guest = new GuestMemory(new WebAssembly.Memory({ initial: 1 }), () => {})
    let tz = 'UTC'
    const time = localTimeCalls({ guest: () => guest, zone: () => tz, now: () => JANUARY * 1000 })
    time._tzset_js(0, 4, 16, 48)
    tz = 'Europe/Berlin'
    time._localtime_js(0n, 128)
    expect([guest.text(16), guest.text(48), guest.view.getInt32(0, true)]).toEqual(['CET', 'CEST', -3600])
  })
  test('cuts a name that is too long for its place', () => {
    expect(zone('A'.repeat(40) + '5')[2]).toBe('A'.repeat(16))
  })
})

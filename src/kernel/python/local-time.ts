/**
 * Civil time as C's library asks for it (`_localtime_js` …): struct tm of an instant in the zone that TZ names, and back. Zones are
 * Intl's; a POSIX TZ with a fixed offset ("UTC-3") is understood, and what is neither counts as UTC, as in glibc.
 */
import type { GuestMemory } from '../wasi/memory.ts'

/** Instants are seconds since the epoch. */
interface Zone {
  /** seconds east of Greenwich */
  offset(at: number): number
  name(at: number): string
}

/** The calendar repeats after so many seconds, 400 years: an instant that no Date holds is moved by so many times as much. */
const CYCLE = 146_097 * 86_400
const DATE_SECONDS = 8.64e12 - 2 * CYCLE

interface Moved {
  readonly date: Date
  readonly cycles: number
}
function dateOf(seconds: number): Moved {
  const cycles = Math.abs(seconds) <= DATE_SECONDS ? 0 : Math.floor(seconds / CYCLE) - 1
  return { date: new Date((seconds - cycles * CYCLE) * 1000), cycles }
}

/** The first second of a month, which may be one of another year. */
function secondsOf(year: number, month: number): number {
  const inYear = year + Math.floor(month / 12)
  const cycles = Math.floor(inYear / 400)
  return new Date(0).setUTCFullYear(inYear - cycles * 400, month - Math.floor(month / 12) * 12, 1) / 1000 + cycles * CYCLE
}

const UTC: Zone = { offset: () => 0, name: () => 'UTC' }
const zones = new Map<string, Zone>()

function zoneOf(tz: string): Zone {
  let zone = zones.get(tz)
  if (!zone) zones.set(tz, (zone = tz === '' || tz === 'UTC' ? UTC : makeZone(tz.replace(/^:/, ''))))
  return zone
}

function makeZone(tz: string): Zone {
  const fixed = /^(?:([A-Za-z]{3,})|<([^>]+)>)([+-]?\d{1,2})(?::(\d{2}))?$/.exec(tz)
  if (fixed) {
    const [, plain, quoted, hours, minutes = '0'] = fixed
    const west = Number(hours) * 3600 + (hours!.startsWith('-') ? -60 : 60) * Number(minutes)
    return { offset: () => -west, name: () => plain ?? quoted ?? 'UTC' }
  }
  try {
    return intlZone(tz)
  } catch {
    return UTC
  }
}

function intlZone(timeZone: string): Zone {
  const fields = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' } as const
  const civil = new Intl.DateTimeFormat('en-US', { timeZone, hourCycle: 'h23', era: 'short', ...fields })
  const part = (format: Intl.DateTimeFormat, date: Date): Map<string, string> =>
    new Map(format.formatToParts(date).map(({ type, value }) => [type, value]))
  const zone: Zone = {
    offset(at) {
      const instant = dateOf(at).date
      const parts = part(civil, instant)
      const number = (name: string): number => Number(parts.get(name))
      const year = parts.get('era') === 'BC' ? 1 - number('year') : number('year')
      const date = new Date(Date.UTC(2000, number('month') - 1, number('day'), number('hour'), number('minute'), number('second')))
      date.setUTCFullYear(year, number('month') - 1, number('day'))
      return (date.getTime() - instant.getTime()) / 1000
    },
    name(at) {
      for (const locale of LOCALES) {
        const format = new Intl.DateTimeFormat(locale, { timeZone, timeZoneName: 'short' })
        const name = part(format, dateOf(at).date).get('timeZoneName')
        if (name && !/^(?:GMT|UTC)[-+\u2212]/.test(name)) return name
      }
      return numericName(zone.offset(at))
    },
  }
  return zone
}

/** A zone has a short name only in the English of where it is in use. */
const LOCALES = ['en-US', 'en-GB', 'en-AU', 'en-IN', 'en-NZ', 'en-ZA', 'en-IE']

/** What the tz database has where there is no abbreviation: "+13", "-0330". */
function numericName(offset: number): string {
  const minutes = Math.round(Math.abs(offset) / 60)
  const two = (n: number): string => String(n).padStart(2, '0')
  return (offset < 0 ? '-' : '+') + two(Math.floor(minutes / 60)) + (minutes % 60 === 0 ? '' : two(minutes % 60))
}

/** Offsets in January and July of a year, in seconds east. */
function seasons(zone: Zone, year: number): { readonly standard: number; readonly summer: number; readonly january: number } {
  const january = zone.offset(secondsOf(year, 0))
  const july = zone.offset(secondsOf(year, 6))
  return { standard: Math.min(january, july), summer: Math.max(january, july), january }
}

const DAY = 86_400
const Tm = { sec: 0, min: 4, hour: 8, mday: 12, mon: 16, year: 20, wday: 24, yday: 28, isdst: 32, gmtoff: 36 } as const
const TM_BYTES = 40
const NAME_BYTES = 17

function yearOf(seconds: number): number {
  const { date, cycles } = dateOf(seconds)
  return date.getUTCFullYear() + 400 * cycles
}

export interface LocalTimeHost {
  guest(): GuestMemory
  /** the value of TZ now */
  zone(): string
  now(): number
}

export function localTimeCalls(host: LocalTimeHost) {
  const view = (): DataView => host.guest().view
  /** Where C's library keeps what tzset(3) finds, and the zone that it was found for. */
  let kept:
    { readonly at: readonly [timezone: number, daylight: number, standardName: number, summerName: number]; zone: string } | undefined

  /** `local`: seconds as a clock in the zone shows them. A year that no struct tm holds is the last one that it does. */
  function write(tm: number, local: number, offset: number, isdst: number): void {
    const at = host.guest().at(tm, TM_BYTES)
    const v = view()
    const { date, cycles } = dateOf(local)
    const inCycle = date.getUTCFullYear()
    const year = inCycle + 400 * cycles
    const set = (field: keyof typeof Tm, value: number): void =>
      v.setInt32(at + Tm[field], Math.max(-0x8000_0000, Math.min(0x7fff_ffff, value)), true)
    set('sec', date.getUTCSeconds())
    set('min', date.getUTCMinutes())
    set('hour', date.getUTCHours())
    set('mday', date.getUTCDate())
    set('mon', date.getUTCMonth())
    set('year', year - 1900)
    set('wday', date.getUTCDay())
    set('yday', Math.floor((date.getTime() / 1000 - secondsOf(inCycle, 0)) / DAY))
    set('isdst', isdst)
    set('gmtoff', offset)
  }

  /** The fields as an instant of UTC; fields out of range carry over. */
  function read(tm: number): number {
    const at = host.guest().at(tm, TM_BYTES)
    const v = view()
    const get = (field: keyof typeof Tm): number => v.getInt32(at + Tm[field], true)
    const midnight = secondsOf(get('year') + 1900, get('mon')) + (get('mday') - 1) * DAY
    return midnight + (get('hour') * 60 + get('min')) * 60 + get('sec')
  }

  function setZone(): void {
    if (!kept) return
    const [timezone, daylight, standardName, summerName] = kept.at
    const zone = zoneOf((kept.zone = host.zone()))
    const year = new Date(host.now()).getUTCFullYear()
    const { standard, summer, january } = seasons(zone, year)
    const guest = host.guest()
    const [winterAt, summerAt] = (january === standard ? [0, 6] : [6, 0]).map((month) => secondsOf(year, month)) as [number, number]
    guest.view.setInt32(guest.at(timezone, 4), -standard, true)
    guest.view.setInt32(guest.at(daylight, 4), standard === summer ? 0 : 1, true)
    writeName(guest, standardName, zone.name(winterAt))
    writeName(guest, summerName, zone.name(summerAt))
  }

  function writeLocal(tm: number, at: number): void {
    const tz = host.zone()
    // tm_zone points to these names, and C's library calls tzset once only.
    if (kept && kept.zone !== tz) setZone()
    const zone = zoneOf(tz)
    const offset = zone.offset(at)
    write(tm, at + offset, offset, offset > seasons(zone, yearOf(at + offset)).standard ? 1 : 0)
  }

  return {
    _gmtime_js(seconds: bigint, tm: number): void {
      write(tm, Number(seconds), 0, 0)
    },
    _localtime_js(seconds: bigint, tm: number): void {
      writeLocal(tm, Number(seconds))
    },
    _timegm_js(tm: number): bigint {
      const at = read(tm)
      write(tm, at, 0, 0)
      return BigInt(at)
    },
    /** As glibc: a time that summer time skips is one of standard time, one that comes twice is the second; tm_isdst says otherwise. */
    _mktime_js(tm: number): bigint {
      const zone = zoneOf(host.zone())
      const civil = read(tm)
      const wanted = host.guest().view.getInt32(tm + Tm.isdst, true)
      const { standard, summer } = seasons(zone, yearOf(civil))
      const first = civil - (wanted > 0 ? summer : standard)
      const guess = civil - zone.offset(first)
      const isSaid = wanted >= 0 && standard !== summer
      const at = !isSaid && zone.offset(guess) === zone.offset(first) ? guess : first
      writeLocal(tm, at)
      return BigInt(at)
    },
    _tzset_js(timezone: number, daylight: number, standardName: number, summerName: number): void {
      kept = { at: [timezone, daylight, standardName, summerName], zone: '' }
      setZone()
    },
  }
}

function writeName(guest: GuestMemory, pointer: number, name: string): void {
  const at = guest.at(pointer, NAME_BYTES)
  const text = name.slice(0, NAME_BYTES - 1)
  for (let i = 0; i < NAME_BYTES; i++) guest.u8[at + i] = i < text.length ? text.charCodeAt(i) & 0x7f : 0
}

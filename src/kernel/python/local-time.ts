/**
 * Civil time as C's library asks for it (`_localtime_js` …): struct tm of an instant in the zone that TZ names, and back. Zones are
 * Intl's; a POSIX TZ with a fixed offset ("UTC-3") is understood, and what is neither counts as UTC, as in glibc.
 */
import type { GuestMemory } from '../wasi/memory.ts'

interface Zone {
  /** seconds east of Greenwich at that instant (milliseconds since the epoch) */
  offset(at: number): number
  name(at: number): string
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
  const named = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'short' })
  const part = (format: Intl.DateTimeFormat, at: number): Map<string, string> =>
    new Map(format.formatToParts(at).map(({ type, value }) => [type, value]))
  return {
    offset(at) {
      const parts = part(civil, at)
      const number = (name: string): number => Number(parts.get(name))
      const year = parts.get('era') === 'BC' ? 1 - number('year') : number('year')
      const date = new Date(Date.UTC(2000, number('month') - 1, number('day'), number('hour'), number('minute'), number('second')))
      date.setUTCFullYear(year, number('month') - 1, number('day'))
      return Math.round((date.getTime() - Math.floor(at / 1000) * 1000) / 1000)
    },
    name: (at) => part(named, at).get('timeZoneName') ?? 'UTC',
  }
}

/** Offsets in January and July of a year, in seconds east. */
function seasons(zone: Zone, year: number): { readonly standard: number; readonly summer: number; readonly january: number } {
  const january = zone.offset(Date.UTC(year, 0, 1))
  const july = zone.offset(Date.UTC(year, 6, 1))
  return { standard: Math.min(january, july), summer: Math.max(january, july), january }
}

const DAY_MS = 86_400_000
const Tm = { sec: 0, min: 4, hour: 8, mday: 12, mon: 16, year: 20, wday: 24, yday: 28, isdst: 32, gmtoff: 36 } as const
const TM_BYTES = 40
const NAME_BYTES = 17

export interface LocalTimeHost {
  guest(): GuestMemory
  /** the value of TZ now */
  zone(): string
  now(): number
}

export function localTimeCalls(host: LocalTimeHost) {
  const view = (): DataView => host.guest().view

  function write(tm: number, date: Date, offset: number, isdst: number): void {
    const at = host.guest().at(tm, TM_BYTES)
    const v = view()
    const year = date.getUTCFullYear()
    const set = (field: keyof typeof Tm, value: number): void => v.setInt32(at + Tm[field], value, true)
    set('sec', date.getUTCSeconds())
    set('min', date.getUTCMinutes())
    set('hour', date.getUTCHours())
    set('mday', date.getUTCDate())
    set('mon', date.getUTCMonth())
    set('year', year - 1900)
    set('wday', date.getUTCDay())
    const newYear = new Date(0).setUTCFullYear(year, 0, 1)
    set('yday', Math.floor((date.getTime() - newYear) / DAY_MS))
    set('isdst', isdst)
    set('gmtoff', offset)
  }

  /** The fields as an instant of UTC, in milliseconds; fields out of range carry over. */
  function read(tm: number): number {
    const at = host.guest().at(tm, TM_BYTES)
    const v = view()
    const get = (field: keyof typeof Tm): number => v.getInt32(at + Tm[field], true)
    const midnight = new Date(0).setUTCFullYear(get('year') + 1900, get('mon'), get('mday'))
    return midnight + ((get('hour') * 60 + get('min')) * 60 + get('sec')) * 1000
  }

  function writeLocal(tm: number, at: number): void {
    const zone = zoneOf(host.zone())
    const offset = zone.offset(at)
    const local = new Date(at + offset * 1000)
    write(tm, local, offset, offset > seasons(zone, local.getUTCFullYear()).standard ? 1 : 0)
  }

  return {
    _gmtime_js(seconds: bigint, tm: number): void {
      write(tm, new Date(Number(seconds) * 1000), 0, 0)
    },
    _localtime_js(seconds: bigint, tm: number): void {
      writeLocal(tm, Number(seconds) * 1000)
    },
    _timegm_js(tm: number): bigint {
      const at = read(tm)
      write(tm, new Date(at), 0, 0)
      return BigInt(Math.floor(at / 1000))
    },
    _mktime_js(tm: number): bigint {
      const zone = zoneOf(host.zone())
      const civil = read(tm)
      const wanted = host.guest().view.getInt32(tm + Tm.isdst, true)
      const { standard, summer } = seasons(zone, new Date(civil).getUTCFullYear())
      const first = civil - (wanted > 0 ? summer : standard) * 1000
      const guess = civil - zone.offset(first) * 1000
      const at = zone.offset(guess) === zone.offset(first) ? guess : first
      writeLocal(tm, at)
      return BigInt(Math.floor(at / 1000))
    },
    _tzset_js(timezone: number, daylight: number, standardName: number, summerName: number): void {
      const zone = zoneOf(host.zone())
      const year = new Date(host.now()).getUTCFullYear()
      const { standard, summer, january } = seasons(zone, year)
      const guest = host.guest()
      const [winterAt, summerAt] =
        january === standard ? [Date.UTC(year, 0, 1), Date.UTC(year, 6, 1)] : [Date.UTC(year, 6, 1), Date.UTC(year, 0, 1)]
      guest.view.setInt32(guest.at(timezone, 4), -standard, true)
      guest.view.setInt32(guest.at(daylight, 4), standard === summer ? 0 : 1, true)
      writeName(guest, standardName, zone.name(winterAt))
      writeName(guest, summerName, zone.name(summerAt))
    },
  }
}

function writeName(guest: GuestMemory, pointer: number, name: string): void {
  const at = guest.at(pointer, NAME_BYTES)
  const text = name.slice(0, NAME_BYTES - 1)
  for (let i = 0; i < NAME_BYTES; i++) guest.u8[at + i] = i < text.length ? text.charCodeAt(i) & 0x7f : 0
}

/** Text that a stranger wrote, for a terminal: what a terminal would obey, or would show in another order, is shown as an escape (T96). */
const OBEYED = /[\0-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g

export const printable = (text: string): string =>
  text.replaceAll(OBEYED, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** A line of our own on standard error, which may hold a stranger's words. */
export const complain = (line: string): void => void process.stderr.write(`tidepool: ${printable(line)}\n`)

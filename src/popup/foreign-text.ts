/**
 * Words of a site or of a tool's author on our own pages, without characters that turn a line around, hide, or could pass for ours. They are
 * set as text all the same: this is about what is seen, not about what is run.
 */
const LOOSE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu
/** Marks above and below a letter: a few are writing, a pile covers what stands around it. */
const PILE = /(\p{M}{4})\p{M}+/gu

/** In one line. */
export const harmless = (text: string): string => text.replaceAll(LOOSE, ' ').replaceAll(PILE, '$1')

/** With its own lines. */
export const harmlessLines = (text: string): string =>
  text
    .split(/\r\n|\n|\r/)
    .map((line) => harmless(line.replaceAll('\t', '  ')))
    .join('\n')

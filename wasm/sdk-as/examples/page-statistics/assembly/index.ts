// Counts words, links and headings of a page, and those of its words that the page keeps as `statistics:words` in its localStorage (a list
// with commas between). Remembers nothing.
import { domCount, domQuery, domText, Json, run, storageGet } from '../../../assembly'

export { alloc, dealloc } from '../../../assembly'

export function execute(args: usize): usize {
  return run(args, count)
}

function count(args: Json): Json {
  const selector = args.get('selector').asText('body')
  if (!domQuery(selector)) throw new Error('no element matches "' + selector + '"')
  const words = wordsOf(domText(selector))
  return Json.object()
    .set('words', Json.number(words.length))
    .set('links', Json.number(domCount(selector + ' a[href]')))
    .set('headings', Json.number(domCount(selector + ' :is(h1, h2, h3, h4, h5, h6)')))
    .set('kept', kept(words))
}

/** What stands between white space. */
function wordsOf(text: string | null): string[] {
  const words: string[] = []
  if (text == null) return words
  let begin = 0
  for (let i = 0; i <= text.length; i++) {
    if (i < text.length && text.charCodeAt(i) > 0x20 && text.charCodeAt(i) != 0xa0) continue
    if (i > begin) words.push(text.substring(begin, i))
    begin = i + 1
  }
  return words
}

/** How often each of the words that the page keeps occurs, whatever its case. */
function kept(words: string[]): Json {
  const counts = Json.object()
  const list = storageGet('statistics:words')
  if (list == null) return counts
  const wanted = list.split(',')
  for (let i = 0; i < wanted.length; i++) {
    const word = wanted[i].trim()
    if (word != '') counts.set(word, Json.number(occurrences(words, word.toLowerCase())))
  }
  return counts
}

function occurrences(words: string[], word: string): i32 {
  let count = 0
  for (let i = 0; i < words.length; i++) if (words[i].toLowerCase() == word) count++
  return count
}

// Greets with the title of the page.
import { domText, Json, run } from '__SDK__/assembly'

export { alloc, dealloc } from '__SDK__/assembly'

export function execute(args: usize): usize {
  return run(args, greet)
}

/** From what `inputSchema` of manifest.json says to what `outputSchema` says. */
function greet(args: Json): Json {
  const greeting = args.get('greeting').asText('Hello')
  const title = domText('h1')
  if (title == null) throw new Error('the page has no h1')
  return Json.object().set('text', Json.text(greeting + ', ' + title.trim() + '!'))
}

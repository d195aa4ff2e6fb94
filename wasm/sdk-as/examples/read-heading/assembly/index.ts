// Reads the page's first h1, as often as it is told to.
import { domText, Json, run } from '../../../assembly'

export { alloc, dealloc } from '../../../assembly'

export function execute(args: usize): usize {
  return run(args, readHeading)
}

function readHeading(args: Json): Json {
  const texts = Json.list()
  for (let i = args.get('times').asInt(1); i > 0; i--) {
    const text = domText('h1')
    if (text == null) throw new Error('the page has no h1')
    texts.push(Json.text(text))
  }
  return Json.object().set('texts', texts)
}

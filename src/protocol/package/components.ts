/**
 * Strongly connected components of a graph (Kosaraju): two places have the same number if each can be reached from the other. No recursion,
 * for a stranger's graph may be as deep as it is large.
 */
export function componentsOf(edges: ReadonlyMap<string, readonly string[]>): Map<string, number> {
  const back = new Map<string, string[]>()
  for (const [from, targets] of edges)
    for (const to of targets) {
      const sources = back.get(to)
      if (sources) sources.push(from)
      else back.set(to, [from])
    }
  const component = new Map<string, number>()
  for (const start of finished(edges).toReversed()) {
    const open = component.has(start) ? [] : [start]
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (component.has(at)) continue
      component.set(at, component.get(start) ?? component.size)
      open.push(...(back.get(at) ?? []))
    }
  }
  return component
}

/** All places in the order in which a depth-first walk leaves them. */
function finished(edges: ReadonlyMap<string, readonly string[]>): string[] {
  const order: string[] = []
  const seen = new Set<string>()
  for (const start of edges.keys()) {
    if (seen.has(start)) continue
    seen.add(start)
    const path = [{ at: start, next: 0 }]
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const to = edges.get(top.at)?.[top.next++]
      if (to === undefined) {
        order.push(top.at)
        path.pop()
      } else if (!seen.has(to)) {
        seen.add(to)
        path.push({ at: to, next: 0 })
      }
    }
  }
  return order
}

/**
 * Entry of a cell's worker (one classic script). Its frame gives it two ports, once: the broker's and the one on which modules come.
 * What the cell needs of the browser is taken here, before `prove` has taken everything else away. Invariant: no guest code runs before that.
 */
import { parseToWorker } from '../../protocol/frame.ts'
import { type CellHost, type CellModule, startCell } from '../cell/cell.ts'
import { brokerPort } from './broker-port.ts'
import { collectGarbage } from './garbage.ts'
import { clock, macrotask, random, report, timer } from './host.ts'
import { ModuleFeed } from './module-feed.ts'
import { removePowers } from './powers.ts'
import { selfTest } from './self-test.ts'

/** The worker must be where it should be, and then has nothing of it. */
async function prove(): Promise<readonly string[]> {
  const passed = await selfTest()
  removePowers()
  return [...passed, 'no powers left']
}

function hostOf(modules: readonly CellModule[], feed: ModuleFeed): CellHost {
  return {
    prove,
    clock,
    random,
    macrotask,
    timer,
    modules,
    loadModule: (name) => feed.load(name),
    readModule: (name) => feed.read(name),
    toolModules: feed,
    startSnippet: () => feed.startSnippet(),
    collect: collectGarbage,
    report,
  }
}

function begin(event: MessageEvent): void {
  const message = parseToWorker(event.data)
  const [broker, feed] = event.ports
  if (message?.t !== 'start' || !broker || !feed) return
  removeEventListener('message', begin)
  startCell(brokerPort(broker), hostOf(message.modules, new ModuleFeed(feed)))
}
addEventListener('message', begin)

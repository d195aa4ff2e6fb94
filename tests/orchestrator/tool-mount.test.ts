/** A tool's package as a mount: the tree that the kernel sees of it, and that no other bytes than the installed ones are ever served. */
import { describe, expect, test } from 'vitest'
import { toolMount } from '../../src/orchestrator/tool-mount.ts'
import { BtcpError } from '../../src/protocol/error.ts'
import type { ToolPrincipal } from '../../src/protocol/principal.ts'
import { file, keepPackage, OWNER } from '../support/installed-tools.ts'
import { Tree } from '../support/tree.ts'
import { testPlatform } from './scripted-cell.ts'

const principal = (sha256: string): ToolPrincipal => ({ kind: 'tool', owner: OWNER, tool: 'probe', sha256 })

describe('the mount of a package', () => {
  test('has its files and directories, programs that may be run and files that may be read', async () => {
    const platform = testPlatform()
    const files = [file('tool.wasm', 'module'), file('lib/deep/a.py', 'a'), file('lib/b.txt', 'b'), file('ünicode.md', '')]
    const mount = await toolMount(platform, principal(await keepPackage(platform, files)))
    expect(mount).toMatchObject({ target: '/opt/tool', readOnly: true })
    const tree = new Tree({ mounts: [{ mount: 1, target: mount.target, readOnly: true, metadata: mount.metadata }] })
    const modes = ['', 'tool.wasm', 'lib', 'lib/deep', 'lib/deep/a.py', 'lib/b.txt', 'ünicode.md'].map((path) => {
      const { mode } = tree.stat(`/opt/tool/${path}`)
      return `${path} ${(mode & 0o777).toString(8)}`
    })
    expect(modes).toEqual([' 755', 'tool.wasm 755', 'lib 755', 'lib/deep 755', 'lib/deep/a.py 644', 'lib/b.txt 644', 'ünicode.md 644'])
    expect(tree.list('/opt/tool/lib')).toEqual(['b.txt', 'deep'])
  })

  test('serves content chunk by chunk', async () => {
    const platform = testPlatform()
    const bytes = new Uint8Array(600_000).map((_, i) => i % 251)
    const mount = await toolMount(platform, principal(await keepPackage(platform, [file('big.wasm', bytes)])))
    const served: number[] = []
    for (let index = 0; served.length < bytes.length; index++) served.push(...(await mount.content(2, index)))
    expect(new Uint8Array(served)).toEqual(bytes)
    await expect(mount.content(3, 0)).rejects.toThrow('no such file')
  })

  test('T91: is refused when a byte of the package has changed, or it is gone', async () => {
    const platform = testPlatform()
    const files = [file('tool.wasm', 'module'), file('manifest.json', '{}')]
    const sha256 = await keepPackage(platform, files)
    files[0]!.bytes[3]! ^= 1
    const refused = (reason: string): BtcpError =>
      new BtcpError('SANDBOX_ERROR', `Cannot start the tool "probe": ${reason}`, { effects: 'none' })
    await expect(toolMount(platform, principal(sha256))).rejects.toEqual(refused('its package has been changed since it was installed'))
    files[0]!.bytes[3]! ^= 1
    await expect(toolMount(platform, principal(sha256))).resolves.toBeDefined()
    files.push(file('more.py', ''))
    await expect(toolMount(platform, principal(sha256))).rejects.toThrow('has been changed')
    await platform.packages.forget(sha256)
    await expect(toolMount(platform, principal(sha256))).rejects.toEqual(refused('its package is gone'))
  })
})

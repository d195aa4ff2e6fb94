/** `btcp` in the shell of a sandbox of one's own: its tools, the installed ones too, in pipelines with other programs. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Sandbox } from '../../src/node/index.ts'
import type { PackageFile } from '../../src/protocol/installed-tool.ts'

const file = (path: string, content: string): PackageFile => ({ path, bytes: new Uint8Array(Buffer.from(content)) })
const SHOUT = [
  file(
    'manifest.json',
    JSON.stringify({
      btcp: '1.0',
      name: 'shouting',
      version: '1.0.0',
      description: 'Shouts.',
      capabilities: ['vfs:read'],
      tools: [
        {
          name: 'shout',
          description: 'Gives a text in capitals.',
          inputSchema: {
            type: 'object',
            properties: { text: { type: 'string' } },
            required: ['text'],
            additionalProperties: false,
          },
          capabilities: ['vfs:read'],
          implementation: { type: 'js', module: 'shout.js' },
        },
      ],
    }),
  ),
  file('shout.js', `export default ({ text }) => text.toUpperCase()`),
]

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await Sandbox.create()
  await sandbox.registerTool(SHOUT, { grants: ['vfs:read'] })
}, 60_000)
afterAll(() => sandbox.destroy())

async function sh(command: string, stdin?: string): Promise<unknown[]> {
  const { stdout, stderr, exitCode } = await sandbox.run(command, stdin === undefined ? {} : { stdin })
  return [stdout, stderr, exitCode]
}

describe('btcp call', () => {
  test('calls a tool of the cell, for jq to read', async () => {
    expect(await sh(`btcp call fs_list '{"path":"/"}' | jq -r '.entries[].name' | grep -x -e home -e tmp`)).toEqual(['home\ntmp\n', '', 0])
  })

  test('takes its arguments from a pipe that another program writes', async () => {
    expect(await sh(`jq -n '{path: "note.txt", content: "grüße"}' | btcp call fs_write && cat note.txt`)).toEqual([
      '{"path":"/home/user/note.txt","bytes":7,"size":7}\ngrüße',
      '',
      0,
    ])
    expect(await sh('btcp call fs_stat -', '{"path":"note.txt"}')).toEqual([expect.stringContaining('"size":7'), '', 0])
  })

  test('calls an installed tool, and prints a text as it is', async () => {
    expect(await sh(`btcp call shout '{"text":"hey"}'; btcp call shout --text '{"text":"hey"}'`)).toEqual(['"HEY"\nHEY\n', '', 0])
  })

  test('says code and reason', async () => {
    expect(await sh(`btcp call fs_read '{"path":"none"}'`)).toEqual([
      '',
      'btcp: ENOENT: Cannot read "none": no such file or directory\n',
      1,
    ])
    expect(await sh('btcp call nothing')).toEqual([
      '',
      'btcp: TOOL_NOT_FOUND: Cannot call "nothing": no such tool\nWhat there is: btcp tools\n',
      1,
    ])
    expect(await sh(`btcp call page_text '{}'`)).toEqual(['', 'btcp: UNSUPPORTED: Cannot call "page_text": there is no page here\n', 1])
    expect(await sh(`btcp call shout '{"texts":"hey"}'`)).toEqual([
      '',
      expect.stringMatching(/^btcp: INVALID_PARAMS: Cannot call "shout": .*\n(?: {2}\S.*\n)+Its arguments: btcp describe shout\n$/),
      1,
    ])
  })

  test('is denied what the tool was not granted', async () => {
    await sandbox.revoke('shout')
    expect(await sh(`btcp call shout '{"text":"hey"}'`)).toEqual([
      '',
      expect.stringMatching(/^btcp: CAPABILITY_DENIED: Cannot call "shout": .*vfs:read.*\nA person has to allow it/),
      1,
    ])
    await sandbox.grant('shout', ['vfs:read'])
    expect(await sh(`btcp call shout '{"text":"hey"}'`)).toEqual(['"HEY"\n', '', 0])
  })

  test('goes so deep and no deeper', async () => {
    await sandbox.writeFile('deep.sh', `btcp call shell_run '{"command":"bash deep.sh"}' | jq -r .stdout; echo -n +`)
    const [stdout] = await sh('bash deep.sh 2>&1')
    expect(stdout).toMatch(/^[\s+]*$/)
    expect(await sh(`btcp call shell_run '{"command":"bash deep.sh"}' | jq -r .stderr`)).toMatchObject([expect.any(String), '', 0])
  })

  test('ends when it is killed while its tool runs', async () => {
    const began = performance.now()
    expect(await sh(`timeout 0.3 btcp call shell_run '{"command":"sleep 20"}'; echo $?`)).toEqual(['124\n', '', 0])
    expect(performance.now() - began).toBeLessThan(5_000)
  })

  test('gives a big result whole, and stops where nobody reads on', async () => {
    await sandbox.writeFile('big.txt', 'x'.repeat(900_000))
    expect(await sh(`btcp call fs_read '{"path":"big.txt"}' | jq '.content | length'`)).toEqual(['900000\n', '', 0])
    expect(await sh(`btcp call fs_read '{"path":"big.txt"}' | head -c 10; echo " \${PIPESTATUS[0]}"`)).toEqual(['{"content" 141\n', '', 0])
  })
})

describe('btcp tools and describe', () => {
  test('name what may be called, installed tools too', async () => {
    const [listed] = await sh('btcp tools')
    expect(listed).toMatch(/^shell_run +shell:run +\S/)
    expect(listed).toMatch(/\nshout +vfs:read +Gives a text in capitals\.\n/)
    expect(await sh(`btcp tools --json | jq -r '.[].name' | grep -c .`)).toMatchObject([expect.stringMatching(/^1[0-9]\n$/), '', 0])
  })

  test('describe gives the schema', async () => {
    expect(await sh(`btcp describe shout | jq -c '[.name, .capabilities, .inputSchema.required]'`)).toEqual([
      '["shout",["vfs:read"],["text"]]\n',
      '',
      0,
    ])
  })

  test('it is a program like others', async () => {
    expect(await sh('command -v btcp; cat /usr/bin/btcp; btcp --help | head -1')).toEqual([
      '/usr/bin/btcp\nTools from the shell, run by the host: see "btcp --help"\nUsage: btcp call NAME [--text] [JSON | -]\n',
      '',
      0,
    ])
  })
})

describe('btcp in Python', () => {
  test('calls and lists installed tools', async () => {
    const code = `import btcp\n[btcp.call('shout', text='hey'), 'shout' in [tool['name'] for tool in btcp.tools()]]`
    expect((await sandbox.python(code)).value).toEqual(['HEY', true])
  })
})

/** There are no sockets: every call is refused, whatever its arguments. */
import { beforeEach, describe, expect, test } from 'vitest'
import { Errno } from '../../../src/kernel/errno.ts'
import { linuxKernel, type Puppet, startLinuxPuppet } from '../../support/puppet.ts'

let p: Puppet

beforeEach(async () => {
  p = await startLinuxPuppet(linuxKernel())
})

async function refused(call: string): Promise<void> {
  for (const argument of [0, 1, -1, 0x7fff_0000])
    expect(await p.call(call, argument, argument, argument, argument, argument, argument)).toBe(-Errno.EACCES)
}

describe('accept4', () => {
  test('is refused', () => refused('accept4'))
})
describe('bind', () => {
  test('is refused', () => refused('bind'))
})
describe('connect', () => {
  test('is refused', () => refused('connect'))
})
describe('getpeername', () => {
  test('is refused', () => refused('getpeername'))
})
describe('getsockname', () => {
  test('is refused', () => refused('getsockname'))
})
describe('getsockopt', () => {
  test('is refused', () => refused('getsockopt'))
})
describe('listen', () => {
  test('is refused', () => refused('listen'))
})
describe('recvfrom', () => {
  test('is refused', () => refused('recvfrom'))
})
describe('recvmsg', () => {
  test('is refused', () => refused('recvmsg'))
})
describe('sendmsg', () => {
  test('is refused', () => refused('sendmsg'))
})
describe('sendto', () => {
  test('is refused', () => refused('sendto'))
})
describe('socket', () => {
  test('is refused', () => refused('socket'))
})

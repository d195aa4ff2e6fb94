/** All of Linux's calls that table.ts lists, over one kernel. */
import { Errno, SysError } from '../errno.ts'
import type { System } from '../wasi/system.ts'
import { alarmCall } from './alarm.ts'
import { descriptorCalls } from './descriptors.ts'
import { memoryMapCalls } from './memory-map.ts'
import { pathCalls } from './paths.ts'
import { pollCall } from './poll.ts'

/** There are no sockets. EACCES is PermissionError in CPython. */
const refuse = (): number => {
  throw SysError.of(Errno.EACCES)
}

export const linux = (system: System) => ({
  ...pathCalls(system),
  ...descriptorCalls(system),
  ...pollCall(system),
  ...memoryMapCalls(system),
  ...alarmCall(system),
  accept4: refuse,
  bind: refuse,
  connect: refuse,
  getpeername: refuse,
  getsockname: refuse,
  getsockopt: refuse,
  listen: refuse,
  recvfrom: refuse,
  recvmsg: refuse,
  sendmsg: refuse,
  sendto: refuse,
  socket: refuse,
})

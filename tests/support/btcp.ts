/** `window.btcp` as a test's page uses it, and calls whose failures come back as data. */
import type { Page } from '@playwright/test'
import type { BtcpErrorData } from '../../src/protocol/error.ts'
import type { Tool, ToolResult } from '../../src/protocol/tool.ts'

export interface Btcp {
  readonly isBtcp: true
  readonly version: string
  readonly protocolVersion: '1.0'
  readonly ready: Promise<void>
  listTools(filter?: object): Promise<Tool[]>
  getTool(name: string): Promise<Tool>
  callTool(name: string, args?: unknown, options?: object): Promise<ToolResult>
  call(name: string, args?: unknown, options?: object): Promise<unknown>
  requestCapabilities(
    capabilities: unknown,
    options?: object,
  ): Promise<{ granted: boolean; approved: string[]; denied: string[]; duration?: string }>
  preflightCapabilities(capabilities: unknown, options?: object): Promise<Record<string, string>>
  getGrantedCapabilities(options?: object): Promise<{ capability: string; duration: string }[]>
  revokeCapabilities(capabilities?: unknown, options?: object): Promise<void>
  request(message: object, options?: object): Promise<unknown>
  on(event: string, listener: (value: unknown) => void): void
  off(event: string, listener: (value: unknown) => void): void
}

declare global {
  interface Window {
    readonly btcp: Btcp
    readonly btcpReady?: true
  }
}

export interface Failure {
  readonly name: string
  readonly code: number
  readonly message: string
  readonly data: BtcpErrorData
}
export type Outcome<T> = { readonly value: T; readonly failure?: undefined } | { readonly value?: undefined; readonly failure: Failure }

/** Calls the method of `window.btcp` in the page and settles either way. */
export async function ask<T>(page: Page, method: keyof Btcp, ...args: unknown[]): Promise<Outcome<T>> {
  return (await page.evaluate(
    async ([name, given]) => {
      try {
        return { value: await (window.btcp[name] as (...given: unknown[]) => Promise<unknown>)(...given) }
      } catch (error) {
        const { name: kind, code, message, data } = error as Failure
        return { failure: { name: kind, code, message, data } }
      }
    },
    [method, args] as const,
  )) as Outcome<T>
}

export const callTool = async (page: Page, name: string, args: unknown = {}, options: object = {}): Promise<Outcome<ToolResult>> =>
  await ask(page, 'callTool', name, args, options)

interface Ran {
  readonly stdout: string
  readonly stderr: string
  readonly exitCode: number
  readonly durationMs: number
}

/** Runs a command line; fails where the call does. */
export async function run(page: Page, command: string, args: object = {}): Promise<Ran> {
  const { value, failure } = await callTool(page, 'shell_run', { command, ...args })
  if (failure) throw new Error(`${failure.data.btcpCode}: ${failure.message}`)
  return value.structuredContent as unknown as Ran
}

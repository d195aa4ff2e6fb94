import browser from 'webextension-polyfill'
import type { PanelRequest } from '../protocol/panel.ts'

/** Asks the service worker. Its refusals are texts for the person, and reject. */
export async function ask<T extends object>(request: PanelRequest): Promise<T> {
  const answer: T | { error: string } = await browser.runtime.sendMessage(request)
  if ('error' in answer) throw new Error(answer.error)
  return answer
}

export const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

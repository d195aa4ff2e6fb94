import type { Page } from '@playwright/test'

/** Drops a file onto a page, as from a desktop. */
export async function dropFile(page: Page, name: string, bytes: Iterable<number>): Promise<void> {
  const dataTransfer = await page.evaluateHandle(
    ([file, content]) => {
      const transfer = new DataTransfer()
      transfer.items.add(new File([Uint8Array.from(content)], file))
      return transfer
    },
    [name, [...bytes]] as const,
  )
  await page.dispatchEvent('header', 'drop', { dataTransfer })
}

import { byId } from './element.ts'

/** Files that are dropped anywhere on this page are `take`n; the browser would else open them. The element `drop` shows where they would go. */
export function acceptDrops(take: (files: readonly File[]) => void): void {
  const target = byId('drop')
  document.addEventListener('dragover', (event) => {
    event.preventDefault()
    target.classList.add('over')
  })
  document.addEventListener('dragleave', () => target.classList.remove('over'))
  document.addEventListener('drop', (event) => {
    event.preventDefault()
    target.classList.remove('over')
    take([...(event.dataTransfer?.files ?? [])])
  })
}

// Counts the words of a text. The arguments are what inputSchema of manifest.json says, the result is what outputSchema says.
export default function count({ text }) {
  const words = text.split(/\s+/).filter((word) => word !== '')
  const longest = words.reduce((best, word) => (word.length > best.length ? word : best), '')
  return { words: words.length, longest }
}

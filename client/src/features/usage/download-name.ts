/** downloadName reads a file's name from Content-Disposition (RFC 6266); `otherwise` where it has none. No path gets through. */
export function downloadName(header: string | null, otherwise: string): string {
  const encoded = /filename\*\s*=\s*UTF-8''([^;]+)/i.exec(header ?? '')?.[1]
  const plain = /filename\s*=\s*(?:"([^"]*)"|([^;\s]+))/i.exec(header ?? '')
  const name = (decoded(encoded) ?? plain?.[1] ?? plain?.[2] ?? '').split(/[/\\]/).at(-1)
  return name === undefined || name === '' ? otherwise : name
}

function decoded(text: string | undefined): string | null {
  if (text === undefined) return null
  try {
    return decodeURIComponent(text.trim())
  } catch {
    return null
  }
}

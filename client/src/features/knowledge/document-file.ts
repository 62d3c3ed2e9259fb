import { DOCUMENT_BYTES_LIMIT } from '../../../../server/src/contract/documents.ts'

/** DOCUMENT_ENDINGS are the file names Parley reads. */
export const DOCUMENT_ENDINGS = ['.txt', '.text', '.md', '.markdown', '.pdf'] as const

/** refusalOfFile says why a file can never be read here, whatever the plan; null where it may be. Nothing is sent to know it. */
export function refusalOfFile({ name, size }: { name: string; size: number }): string | null {
  const lower = name.toLowerCase()
  const isRead = DOCUMENT_ENDINGS.some((ending) => lower.endsWith(ending))
  if (!isRead) return 'This type is not read here. Choose a .txt, .md or .pdf file.'
  if (size === 0) return 'The file is empty.'
  if (size > DOCUMENT_BYTES_LIMIT) return 'The file is larger than 10 MB, the most for one document. Split it into smaller ones.'
  return null
}

/** textFile makes the file of a pasted text. A name without an ending that is read becomes a Markdown one. */
export function textFile(name: string, text: string): File {
  const trimmed = name.trim() === '' ? 'Pasted text' : name.trim()
  const hasEnding = ['.txt', '.text', '.md', '.markdown'].some((ending) => trimmed.toLowerCase().endsWith(ending))
  return new File([text], hasEnding ? trimmed : `${trimmed}.md`, { type: 'text/markdown' })
}

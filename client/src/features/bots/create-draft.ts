/** CreateDraft is what was typed and chosen for a new chatbot; both sources are kept while one is chosen. */
export type CreateDraft = { name: string; source: 'file' | 'text'; file: File | null; text: string }

/** EMPTY_DRAFT is where every new chatbot starts. */
export const EMPTY_DRAFT: CreateDraft = { name: '', source: 'file', file: null, text: '' }

/** sourceBytesOf is the storage the chosen source would take, in bytes; 0 without one. */
export function sourceBytesOf({ source, file, text }: CreateDraft): number {
  if (source === 'file') return file?.size ?? 0
  return text.trim() === '' ? 0 : new TextEncoder().encode(text).byteLength
}

import { InvalidDocument } from './invalid-document.ts'
import { readPdfText } from './pdf-text.ts'

/** MediaType is what Parley reads: plain text, Markdown, and PDFs that carry text. */
export type MediaType = 'text/plain' | 'text/markdown' | 'application/pdf'

/** TEXT_LIMIT is the longest text one document may hold, in UTF-16 units. */
export const TEXT_LIMIT = 2_000_000

const MEDIA_TYPES: ReadonlyMap<string, MediaType> = new Map([
  ['txt', 'text/plain'],
  ['text', 'text/plain'],
  ['md', 'text/markdown'],
  ['markdown', 'text/markdown'],
  ['pdf', 'application/pdf']
])

/** Upload is a document as it arrived; `mediaType` is null when only its name can tell. */
export type Upload = { name: string; bytes: Uint8Array; mediaType: MediaType | null }

/**
 * readDocument answers the type and the text of an upload, line ends as `\n`. Name and content must agree.
 * Throws {@link InvalidDocument}, whose message is meant for the person who uploaded it.
 */
export async function readDocument(upload: Upload): Promise<{ mediaType: MediaType; text: string }> {
  const mediaType = upload.mediaType ?? mediaTypeOfName(upload.name)
  if (upload.bytes.byteLength === 0) throw new InvalidDocument(`"${upload.name}" is empty.`)
  const isPdf = startsAsPdf(upload.bytes, mediaType)
  if (mediaType === 'application/pdf' && !isPdf) {
    throw new InvalidDocument(`"${upload.name}" is named as a PDF, but its content is not a PDF.`)
  }
  if (mediaType !== 'application/pdf' && isPdf) {
    throw new InvalidDocument(`"${upload.name}" contains a PDF. Upload it with a name that ends in .pdf.`)
  }
  const raw = isPdf ? await readPdfText(upload.name, upload.bytes) : decodeText(upload.name, upload.bytes)
  return { mediaType, text: checkText(upload.name, raw) }
}

/** checkText refuses text that is empty, too long, or holds what Postgres cannot store; it answers the text with `\n` line ends. */
function checkText(name: string, raw: string): string {
  if (raw.includes('\0')) throw new InvalidDocument(`"${name}" contains NUL bytes, so it is not text.`)
  if (!raw.isWellFormed()) throw new InvalidDocument(`"${name}" contains half of a character (a lone surrogate).`)
  const text = raw.replace(/\r\n?/g, '\n')
  if (text.trim() === '') throw new InvalidDocument(`"${name}" contains no text.`)
  if (text.length > TEXT_LIMIT) {
    throw new InvalidDocument(
      `"${name}" contains ${count(text.length)} characters of text; the limit is ${count(TEXT_LIMIT)}. Split it into smaller documents.`
    )
  }
  return text
}

/** mediaTypeOfName reads the type from a file name's ending. Throws {@link InvalidDocument} for any other ending. */
function mediaTypeOfName(name: string): MediaType {
  const ending = /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase()
  const mediaType = ending === undefined ? undefined : MEDIA_TYPES.get(ending)
  if (mediaType === undefined) {
    throw new InvalidDocument(`"${name}" is not a type Parley can read. Upload a .txt, .md or .pdf file.`)
  }
  return mediaType
}

function decodeText(name: string, bytes: Uint8Array): string {
  try {
    // The decoder drops a byte order mark and, being fatal, throws on anything that is not UTF-8.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new InvalidDocument(`"${name}" is not UTF-8 text. Save it as UTF-8 and upload it again.`)
  }
}

function startsAsPdf(bytes: Uint8Array, mediaType: MediaType): boolean {
  // Readers accept the header within the first 1,024 bytes; a text that merely mentions it there must stay a text.
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 1024)).toString('latin1')
  return mediaType === 'application/pdf' ? head.includes('%PDF-') : head.startsWith('%PDF-')
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}

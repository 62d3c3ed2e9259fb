import { parentPort, workerData } from 'node:worker_threads'
import { extractText, getDocumentProxy } from 'unpdf'
import { z } from 'zod'

// The thread behind readPdfText: one PDF in, one outcome out, then it ends.

const { bytes, pagesLimit } = z.object({ bytes: z.instanceof(Uint8Array), pagesLimit: z.int() }).parse(workerData)
const port = parentPort
if (port === null) throw new Error('pdf-worker.ts runs as a worker thread only.')

port.postMessage(await read())

async function read(): Promise<object> {
  try {
    const pdf = await getDocumentProxy(bytes, { verbosity: 0 })
    if (pdf.numPages > pagesLimit) return { outcome: 'too_many_pages', pageCount: pdf.numPages }
    const { text } = await extractText(pdf)
    return { outcome: 'read', pages: text }
  } catch (error) {
    // PDF.js's own name for a file that needs a password.
    const isEncrypted = error instanceof Error && error.name === 'PasswordException'
    return { outcome: isEncrypted ? 'encrypted' : 'corrupt', reason: String(error) }
  }
}

import { Worker } from 'node:worker_threads'
import { z } from 'zod'
import { InvalidDocument } from './invalid-document.ts'

/** PDF_PAGES_LIMIT is the largest number of pages Parley reads. */
export const PDF_PAGES_LIMIT = 500

const TIME_LIMIT_MS = 30_000
const MEMORY_LIMIT_MB = 384
// What a page unpacks to lies in buffers, which the thread's own limit does not count.
const BUFFERS_LIMIT_BYTES = 256 * 1024 * 1024
const LOOK_EVERY_MS = 50
const PARALLEL_READS = 2

const outcomeSchema = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('read'), pages: z.array(z.string()) }),
  z.object({ outcome: z.literal('too_many_pages'), pageCount: z.number() }),
  z.object({ outcome: z.enum(['encrypted', 'corrupt']), reason: z.string() })
])

let reading = 0
const waiting: (() => void)[] = []

/**
 * readPdfText answers the text of a PDF, pages separated by an empty line. A hostile or huge file is read in a thread of
 * its own with a limit on time (30 s) and memory, so it can neither stop the server nor exhaust it; two files at once.
 * Throws {@link InvalidDocument}: encrypted, damaged, more than 500 pages, or pictures without any text.
 */
export async function readPdfText(name: string, bytes: Uint8Array): Promise<string> {
  if (reading >= PARALLEL_READS) await new Promise<void>((resolve) => waiting.push(resolve))
  else reading += 1
  try {
    return textOf(name, await readInWorker(name, bytes))
  } finally {
    const next = waiting.shift()
    if (next === undefined) reading -= 1
    else next()
  }
}

function textOf(name: string, outcome: z.output<typeof outcomeSchema>): string {
  switch (outcome.outcome) {
    case 'encrypted':
      throw new InvalidDocument(`"${name}" is protected by a password. Remove the protection and upload it again.`)
    case 'corrupt':
      throw new InvalidDocument(`"${name}" is damaged or not a complete PDF, so its text cannot be read.`)
    case 'too_many_pages':
      throw new InvalidDocument(`"${name}" has ${outcome.pageCount} pages; the limit is ${PDF_PAGES_LIMIT}. Split it into parts.`)
    case 'read': {
      // Some fonts map glyphs to NUL; it stands for no character, and Postgres could not store it.
      const text = outcome.pages.map((page) => page.replaceAll('\0', '').toWellFormed().trim()).filter((page) => page !== '').join('\n\n')
      if (text === '') {
        throw new InvalidDocument(`"${name}" contains no text, only pictures or empty pages. Parley does not read scanned pages.`)
      }
      return text
    }
  }
}

function readInWorker(name: string, bytes: Uint8Array): Promise<z.output<typeof outcomeSchema>> {
  const worker = new Worker(new URL('./pdf-worker.ts', import.meta.url), {
    workerData: { bytes, pagesLimit: PDF_PAGES_LIMIT },
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_LIMIT_MB },
    // Standard output belongs to the server's log.
    stdout: true,
    stderr: true
  })
  return new Promise((resolve, reject) => {
    const giveUp = (reason: string): void => {
      reject(new InvalidDocument(`"${name}" ${reason} Split it into smaller files.`))
      void worker.terminate()
    }
    const timer = setTimeout(() => giveUp(`took longer than ${TIME_LIMIT_MS / 1000} seconds to read.`), TIME_LIMIT_MS)
    const watch = setInterval(() => {
      // A thread that has just ended cannot be asked.
      buffersOf(worker).then(
        (taken) => (taken > BUFFERS_LIMIT_BYTES ? giveUp('is too complex to read.') : undefined),
        () => undefined
      )
    }, LOOK_EVERY_MS)
    worker.once('message', (message: unknown) => {
      const outcome = outcomeSchema.safeParse(message)
      if (outcome.success) resolve(outcome.data)
      else reject(outcome.error)
    })
    worker.once('error', (error: Error & { code?: string }) => {
      const tooBig = error.code === 'ERR_WORKER_OUT_OF_MEMORY'
      reject(tooBig ? new InvalidDocument(`"${name}" is too complex to read. Split it into smaller files.`, { cause: error }) : error)
    })
    worker.once('exit', (code) => {
      clearTimeout(timer)
      clearInterval(watch)
      // Settled already in every other case.
      reject(new Error(`The PDF thread ended without an answer (exit code ${code}).`))
    })
  })
}

async function buffersOf(worker: Worker): Promise<number> {
  return (await worker.getHeapStatistics()).external_memory
}

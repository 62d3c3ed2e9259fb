import express, { type Request, type Response } from 'express'
import multer from 'multer'
import { DOCUMENT_BYTES_LIMIT, documentNameSchema, newDocumentSchema } from '../contract/documents.ts'
import type { Database } from '../db/database.ts'
import { type MetricUsage, readUsage } from '../db/functions/read-usage.ts'
import type { Upload } from '../documents/document-text.ts'
import { Problem, quotaProblem } from '../errors.ts'
import { parseBody } from '../http/validate.ts'

// What multipart boundaries, part headers and JSON around the content may take.
const ENVELOPE_BYTES = 8 * 1024
// In the worst case JSON writes one byte as \u0001.
const JSON_GROWTH = 6

const parseJson = express.json({ limit: DOCUMENT_BYTES_LIMIT + ENVELOPE_BYTES, strict: true })
const parseForm = multer({
  storage: multer.memoryStorage(),
  limits: { fileSize: DOCUMENT_BYTES_LIMIT, files: 1, fields: 10, fieldSize: 1024, parts: 11 },
  // Browsers send file names in UTF-8 without saying so.
  defParamCharset: 'utf8'
}).single('file')

/** readStorage answers how the account's `storage_bytes` stand. */
export async function readStorage(db: Database, accountId: string): Promise<MetricUsage> {
  const storage = (await readUsage(db, { accountId })).find(({ metric }) => metric === 'storage_bytes')
  if (storage === undefined) throw new Error('The catalog has no metric storage_bytes.')
  return storage
}

/**
 * refuseEarly refuses, before a byte of the body is read, what certainly does not fit: into a document (413) or into the
 * plan (402). It never refuses what may fit; the database decides that. A request that may be a repetition is not measured
 * against the plan, since its document may be stored already.
 */
export function refuseEarly(req: Request, storage: MetricUsage, mayBeRepeated: boolean): void {
  const length = Number(req.get('content-length') ?? 0)
  const growth = isForm(req) ? 1 : JSON_GROWTH
  const least = Math.ceil((length - ENVELOPE_BYTES) / growth)
  if (length > DOCUMENT_BYTES_LIMIT + ENVELOPE_BYTES) throw tooLarge()
  if (!mayBeRepeated && storage.remaining !== null && least > storage.remaining) {
    throw quotaProblem(storage, 'storage_bytes', Math.max(least, 1))
  }
}

/**
 * receiveUpload reads the body: a multipart form with the field `file`, else JSON. Throws a {@link Problem}: 413 above
 * 10 MiB, 415 for other bodies, 400 for what is not valid.
 */
export async function receiveUpload(req: Request, res: Response): Promise<Upload> {
  if (isForm(req)) return receiveFile(req, res)
  await run((done) => parseJson(req, res, done))
  const { name, text, mediaType } = parseBody(newDocumentSchema, req)
  if (!text.isWellFormed()) throw invalid('text', 'has half a surrogate pair')
  return { name, bytes: Buffer.from(text), mediaType: mediaType ?? (/\.(md|markdown)$/i.test(name) ? 'text/markdown' : 'text/plain') }
}

async function receiveFile(req: Request, res: Response): Promise<Upload> {
  try {
    await run((done) => parseForm(req, res, done))
  } catch (error) {
    const code = error instanceof multer.MulterError ? error.code : null
    if (code === 'LIMIT_FILE_SIZE') throw tooLarge()
    if (code === 'LIMIT_UNEXPECTED_FILE' || code === 'LIMIT_FILE_COUNT') throw invalid('file', 'takes one file; there is another field or file')
    throw new Problem('invalid_request', 'The multipart body could not be read.', { cause: error })
  }
  const file = req.file
  if (file === undefined) throw invalid('file', 'is missing: send the document in a multipart field of this name')
  // Some clients send the whole path.
  const name = documentNameSchema.safeParse(file.originalname.replace(/^.*[/\\]/, ''))
  if (!name.success) throw invalid('file', `has a name that ${name.error.issues[0]?.message ?? 'is not valid'}`)
  return { name: name.data, bytes: file.buffer, mediaType: null }
}

function run(middleware: (done: (error?: unknown) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    middleware((error) => (error === undefined || error === null ? resolve() : reject(error)))
  })
}

function isForm(req: Request): boolean {
  return /^multipart\/form-data\b/i.test(req.get('content-type') ?? '')
}

function tooLarge(): Problem {
  return new Problem('payload_too_large', `A document may have at most ${DOCUMENT_BYTES_LIMIT.toLocaleString('en-US')} bytes (10 MiB). Split it into smaller ones.`)
}

function invalid(field: string, problem: string): Problem {
  return new Problem('invalid_request', `The body is not valid. ${field}: ${problem}.`, { errors: [{ field, problem }] })
}

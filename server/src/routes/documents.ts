import { createHash } from 'node:crypto'
import express, { type Response, type Router } from 'express'
import type { Parts } from '../app.ts'
import { chatbotParamsSchema } from '../contract/chatbots.ts'
import {
  DOCUMENT_BYTES_LIMIT,
  type DocumentBody,
  documentCheckSchema,
  type DocumentFit,
  documentParamsSchema,
  type DocumentPassages,
  passagesQuerySchema
} from '../contract/documents.ts'
import { createDocument, type DocumentCreation } from '../db/functions/create-document.ts'
import { deleteDocument } from '../db/functions/delete-document.ts'
import { listDocuments } from '../db/functions/list-documents.ts'
import { readChatbot } from '../db/functions/read-chatbot.ts'
import { readPassages } from '../db/functions/read-passages.ts'
import { readDocument } from '../documents/document-text.ts'
import { InvalidDocument } from '../documents/invalid-document.ts'
import { splitIntoPassages } from '../documents/passages.ts'
import { Problem } from '../errors.ts'
import { idempotencyKeyOf } from '../http/idempotency-key.ts'
import { jsonBody } from '../http/json-body.ts'
import { readPage, timePlaceSchema, toPage } from '../http/page.ts'
import { sessionOf } from '../http/session.ts'
import { formatTime } from '../http/time.ts'
import { parseBody, parseParams, parseQuery } from '../http/validate.ts'
import { readStorage, receiveUpload, refuseEarly } from './document-upload.ts'
import { levelProblem } from './level-problem.ts'

const PATH = '/api/chatbots/:chatbotId/documents'

/**
 * documentsRouter lists, adds, checks and deletes the documents of a chatbot, and shows the passages that answers cite.
 *
 * It parses its own bodies, which may be larger than elsewhere and are not read at all when they cannot fit: mount it after
 * requireSession and before the JSON parser of the other routes.
 */
export function documentsRouter({ db, metrics }: Parts): Router {
  const router = express.Router()

  const requireChatbot = async (accountId: string, chatbotId: string): Promise<void> => {
    if ((await readChatbot(db, { accountId, chatbotId })) === null) throw noSuchChatbot()
  }

  router.get(PATH, async (req, res) => {
    const { chatbotId } = parseParams(chatbotParamsSchema, req)
    const { accountId } = sessionOf(res)
    const { limit, rowLimit, place } = readPage(req, timePlaceSchema)
    const args = { accountId, chatbotId, limit: rowLimit, beforeCreatedAt: place?.time ?? null, beforeId: place?.id ?? null }
    const [rows] = await Promise.all([listDocuments(db, args), requireChatbot(accountId, chatbotId)])
    const toBody = (row: (typeof rows)[number]): DocumentBody => ({ ...row, createdAt: formatTime(row.createdAt) })
    res.json(toPage(rows, limit, toBody, ({ createdAt, documentId }) => ({ time: createdAt, id: documentId })))
  })

  router.post(PATH, async (req, res) => {
    const { chatbotId } = parseParams(chatbotParamsSchema, req)
    const { accountId } = sessionOf(res)
    const requestId = idempotencyKeyOf(req)
    const [storage] = await Promise.all([readStorage(db, accountId), requireChatbot(accountId, chatbotId)])
    refuseEarly(req, storage, requestId !== null)
    const upload = await receiveUpload(req, res)
    const { mediaType, text } = await readDocument(upload).catch((error: unknown) => {
      throw error instanceof InvalidDocument ? new Problem('unreadable_document', error.message, { cause: error }) : error
    })
    const sizeBytes = upload.bytes.byteLength
    const created = await createDocument(db, {
      accountId,
      chatbotId,
      name: upload.name,
      mediaType,
      sizeBytes,
      sha256: createHash('sha256').update(upload.bytes).digest('hex'),
      passages: splitIntoPassages(text, mediaType),
      requestId
    })
    if (created === null) throw noSuchChatbot()
    metrics.quotaDecisions.inc({ metric: 'storage_bytes', decision: created.allowed ? 'allowed' : 'refused' })
    if (!created.allowed) throw await levelProblem(db, accountId, created, 'storage_bytes', sizeBytes)
    sendCreated(res, created)
  })

  router.post(`${PATH}/check`, ...jsonBody(), async (req, res) => {
    const { chatbotId } = parseParams(chatbotParamsSchema, req)
    const { sizeBytes } = parseBody(documentCheckSchema, req)
    const { accountId } = sessionOf(res)
    const [{ used, quota, remaining }] = await Promise.all([readStorage(db, accountId), requireChatbot(accountId, chatbotId)])
    const fits = sizeBytes <= DOCUMENT_BYTES_LIMIT && (remaining === null || sizeBytes <= remaining)
    res.json({ fits, used, quota, remaining, maximumBytes: DOCUMENT_BYTES_LIMIT } satisfies DocumentFit)
  })

  router.get(`${PATH}/:documentId/passages`, async (req, res) => {
    const { chatbotId, documentId } = parseParams(documentParamsSchema, req)
    const { around } = parseQuery(passagesQuerySchema, req)
    const rows = await readPassages(db, { accountId: sessionOf(res).accountId, chatbotId, documentId, place: Number(around) })
    const [first] = rows
    if (first === undefined) throw new Problem('not_found', 'There is no such passage of a document of this chatbot.')
    const { documentName, passageCount } = first
    const passages = rows.map(({ place, content }) => ({ place, text: content }))
    res.json({ documentId, documentName, passageCount, passages } satisfies DocumentPassages)
  })

  router.delete(`${PATH}/:documentId`, async (req, res) => {
    const { chatbotId, documentId } = parseParams(documentParamsSchema, req)
    const { deleted } = await deleteDocument(db, { accountId: sessionOf(res).accountId, chatbotId, documentId })
    if (!deleted) throw new Problem('not_found', 'There is no such document of this chatbot.')
    res.status(204).end()
  })
  return router
}

function sendCreated(res: Response, created: DocumentCreation): void {
  const { documentId, chatbotId, name, mediaType, sizeBytes, passageCount, createdAt, replayed } = created
  if (
    documentId === null || chatbotId === null || name === null || mediaType === null ||
    sizeBytes === null || passageCount === null || createdAt === null
  ) {
    throw new Problem('not_found', 'The document made with this Idempotency-Key was deleted since.')
  }
  if (replayed) res.set('Idempotent-Replayed', 'true')
  res
    .status(201)
    .json({ documentId, chatbotId, name, mediaType, sizeBytes, passageCount, createdAt: formatTime(createdAt) } satisfies DocumentBody)
}

function noSuchChatbot(): Problem {
  return new Problem('not_found', 'There is no such chatbot in this account.')
}

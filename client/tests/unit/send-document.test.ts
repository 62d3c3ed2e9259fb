import { describe, expect, test } from '@jest/globals'
import type { ProblemBody } from '../../../server/src/contract/problem.ts'
import { refusalOfFile, textFile } from '../../src/features/knowledge/document-file.ts'
import { sendDocument, stateOfError, type Upload } from '../../src/features/knowledge/send-document.ts'
import { type Api, ApiProblem, createApi, Unreachable } from '../../src/lib/api.ts'

const CHATBOT = '5f1c2f0e-6f0e-4c57-8f0e-3a7d1f0c9b12'

function problem(status: number, code: string, more: Partial<ProblemBody> = {}): ApiProblem {
  return new ApiProblem({ type: 'about:blank', title: code, status, code, detail: `It is ${code}.`, instance: '/', requestId: 'r-1', ...more }, null)
}

const DOCUMENT = {
  documentId: CHATBOT, chatbotId: CHATBOT, name: 'a.md', mediaType: 'text/markdown', sizeBytes: 5, passageCount: 2, createdAt: '2026-11-21T00:00:00Z'
}

/** An Api that answers every check alike, and keeps what is asked of it. */
function apiWithFit(fit: { fits: boolean; remaining: number }): { api: Api; asked: string[] } {
  const asked: string[] = []
  const api: Api = {
    ...createApi({ baseUrl: 'http://parley.invalid', getToken: () => Promise.reject(new Error('Nothing else may be asked.')) }),
    send: (schema, method, path, body) => {
      asked.push(`${method} ${path} ${JSON.stringify(body)}`)
      return Promise.resolve(schema.parse({ ...fit, used: 0, quota: 10, maximumBytes: 10_485_760 }))
    }
  }
  return { api, asked }
}

const neverUpload: Upload = () => Promise.reject(new Error('It was sent.'))

async function run(api: Api, file: File, upload: Upload = neverUpload, controller = new AbortController()) {
  const way: string[] = []
  const sending = { chatbotId: CHATBOT, file, idempotencyKey: 'k', signal: controller.signal }
  const { state } = await sendDocument(api, upload, sending, ({ kind }) => way.push(kind))
  return { end: state, way }
}

describe('sending a document', () => {
  test('a file that will not fit is not sent, and the numbers are told', async () => {
    const { api, asked } = apiWithFit({ fits: false, remaining: 2 })
    const { end, way } = await run(api, new File(['hello'], 'a.md'))
    expect(end).toEqual({ kind: 'will_not_fit', neededBytes: 5, remainingBytes: 2 })
    expect(way).toEqual(['checking'])
    expect(asked).toEqual([`POST /api/chatbots/${CHATBOT}/documents/check {"sizeBytes":5}`])
  })

  test('a file that fits is sent with its key, and ends with the passages that were read', async () => {
    const { api } = apiWithFit({ fits: true, remaining: 10 })
    const keys: string[] = []
    const { end, way } = await run(api, new File(['hello'], 'a.md'), (_api, { idempotencyKey }, onState) => {
      keys.push(idempotencyKey)
      onState({ kind: 'reading' })
      return Promise.resolve(DOCUMENT)
    })
    expect({ end, way, keys }).toEqual({ end: { kind: 'ready', passageCount: 2 }, way: ['checking', 'uploading', 'reading'], keys: ['k'] })
  })

  test('a cancelled upload ends as cancelled, not as failed', async () => {
    const { api } = apiWithFit({ fits: true, remaining: 10 })
    const controller = new AbortController()
    const { end } = await run(api, new File(['hello'], 'a.md'), () => {
      controller.abort()
      return Promise.reject(new Unreachable(null))
    }, controller)
    expect(end).toEqual({ kind: 'cancelled' })
  })

  test('a file that can never be read is refused without asking anybody', async () => {
    const { api, asked } = apiWithFit({ fits: true, remaining: 10 })
    const { end } = await run(api, new File(['x'], 'picture.png'))
    expect(end).toMatchObject({ kind: 'failed', canRetry: false })
    expect(asked).toEqual([])
  })

  test('a refused quota of storage is a file that will not fit, however late it is refused', () => {
    const limit = { metric: 'storage_bytes', used: 8, quota: 10, remaining: 2, resetsAt: null, requested: 5 }
    expect(stateOfError(problem(402, 'quota_exceeded', { limit }), 5)).toEqual({ kind: 'will_not_fit', neededBytes: 5, remainingBytes: 2 })
  })

  test('what passes may be tried again; what lies in the file or the plan may not', () => {
    for (const error of [new Unreachable(null), problem(503, 'service_unavailable'), problem(429, 'rate_limited'), problem(409, 'request_in_progress')]) {
      expect(stateOfError(error, 1)).toMatchObject({ kind: 'failed', canRetry: true })
    }
    for (const error of [problem(422, 'unreadable_document'), problem(402, 'chatbot_read_only'), problem(404, 'not_found')]) {
      expect(stateOfError(error, 1)).toMatchObject({ kind: 'failed', canRetry: false, requestId: null })
    }
  })

  test('a fault of the server names its request', () => {
    expect(stateOfError(problem(500, 'internal_error'), 1)).toMatchObject({ requestId: 'r-1' })
  })
})

describe('the files that are read', () => {
  test('text, Markdown and PDF of at most 10 MiB, whatever the case of the ending', () => {
    for (const name of ['a.txt', 'A.MD', 'b.Markdown', 'c.pdf']) expect(refusalOfFile({ name, size: 10 * 1024 * 1024 })).toBeNull()
    expect(refusalOfFile({ name: 'a.docx', size: 1 })).toMatch(/type/)
    expect(refusalOfFile({ name: 'a.md', size: 0 })).toMatch(/empty/)
    expect(refusalOfFile({ name: 'a.md', size: 10 * 1024 * 1024 + 1 })).toMatch(/10 MB/)
  })

  test('a pasted text becomes a Markdown file, unless its name has an ending that is read', () => {
    expect(textFile(' Refunds ', 'x').name).toBe('Refunds.md')
    expect(textFile('rules.TXT', 'x').name).toBe('rules.TXT')
    expect(textFile('  ', 'x').name).toBe('Pasted text.md')
    expect(refusalOfFile(textFile('manual.pdf', 'x'))).toBeNull()
    expect(textFile('manual.pdf', 'x').name).toBe('manual.pdf.md')
  })
})

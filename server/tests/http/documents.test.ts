import { once } from 'node:events'
import { IncomingMessage, request as httpRequest } from 'node:http'
import { text } from 'node:stream/consumers'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { z } from 'zod'
import { DOCUMENT_BYTES_LIMIT, documentFitSchema, documentPassagesSchema, documentSchema } from '../../src/contract/documents.ts'
import { pageOf } from '../../src/contract/page.ts'
import { transports } from '../support/database.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { textPdf } from '../support/pdf.ts'
import { type Chat, openRoom, problemOf, send, setQuota, startChat, usedOf } from './chat.ts'
import { bearer } from './test-app.ts'

type Shelf = { user: string; path: string }

describe.each(transports)('documents over %s', (transport) => {
  let chat: Chat
  let users = 0

  beforeAll(async () => {
    chat = await startChat({ transport, extractive: true })
  })

  async function shelf(): Promise<Shelf> {
    users += 1
    const { user, chatbotId } = await openRoom(chat, `user_${users}`)
    return { user, path: `/api/chatbots/${chatbotId}/documents` }
  }

  async function upload({ user, path }: Shelf, name: string, content: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) {
    const body = new FormData()
    body.set('file', new Blob([content]), name)
    return fetch(chat.origin + path, { method: 'POST', headers: { ...(await bearer(user)), ...headers }, body })
  }

  const documentOf = async (response: Response) => z.strictObject(documentSchema.shape).parse(await response.json())
  const listOf = async ({ user, path }: Shelf, query = '') => pageOf(documentSchema).parse(await (await send(chat, user, path + query)).json())

  test('as JSON text, Markdown file or PDF are stored; what counts is the size as uploaded', async () => {
    const here = await shelf()
    const notes = 'Größe: ünïcödé 🦜'
    const asJson = await send(chat, here.user, here.path, { name: 'notes', text: notes })
    expect(asJson.status).toBe(201)
    expect(await documentOf(asJson)).toMatchObject({ name: 'notes', mediaType: 'text/plain', sizeBytes: Buffer.byteLength(notes), passageCount: 1 })

    const markdown = `# A\n\n${'Sentence about parrots. '.repeat(100)}`
    const file = await documentOf(await upload(here, 'übersicht.md', markdown))
    expect(file).toMatchObject({ name: 'übersicht.md', mediaType: 'text/markdown', sizeBytes: markdown.length })
    expect(file.passageCount).toBeGreaterThan(2)

    const pdf = textPdf(['Refunds take 14 days.'])
    const read = await documentOf(await upload(here, 'C:\\files\\handbook.pdf', new Uint8Array(pdf)))
    expect(read).toMatchObject({ name: 'handbook.pdf', mediaType: 'application/pdf', sizeBytes: pdf.byteLength, passageCount: 1 })

    expect(await usedOf(chat, here.user, 'storage_bytes')).toBe(Buffer.byteLength(notes) + markdown.length + pdf.byteLength)
    expect((await listOf(here)).data.map(({ name }) => name)).toEqual(['handbook.pdf', 'übersicht.md', 'notes'])
    const { rows } = await chat.owner.query('select content from app.passages where document_id = $1', [read.documentId])
    expect(rows).toEqual([{ content: 'Refunds take 14 days.' }])
  })

  test('as JSON may be much larger than other bodies', async () => {
    const here = await shelf()
    const created = await send(chat, here.user, here.path, { name: 'long.md', text: 'word '.repeat(100_000) })
    expect([created.status, (await documentOf(created)).sizeBytes]).toEqual([201, 500_000])
  })

  test('that cannot fit are refused before their body is read, with the numbers', async () => {
    const here = await shelf()
    await setQuota(chat, here.user, 'storage_bytes', 1000)
    await send(chat, here.user, here.path, { name: 'a.txt', text: 'x'.repeat(400) })
    // Only the headers are sent: an answer proves that nobody waited for the body.
    const headers = { ...(await bearer(here.user)), 'content-type': 'multipart/form-data; boundary=x', 'content-length': '5000000' }
    const pending = httpRequest(chat.origin + here.path, { method: 'POST', headers })
    pending.flushHeaders()
    const [response] = z.tuple([z.instanceof(IncomingMessage)]).parse(await once(pending, 'response'))
    const body = await text(response)
    pending.destroy()
    expect(response.statusCode).toBe(402)
    expect(JSON.parse(body)).toMatchObject({
      code: 'quota_exceeded',
      limit: { metric: 'storage_bytes', used: 400, quota: 1000, remaining: 600, resetsAt: null },
      resolutions: [{ action: 'upgrade' }, { action: 'delete' }]
    })
  })

  test('are decided to the byte: 600 fit where 601 do not', async () => {
    const here = await shelf()
    await setQuota(chat, here.user, 'storage_bytes', 600)
    const refused = await upload(here, 'a.txt', 'x'.repeat(601))
    expect([refused.status, (await problemOf(refused)).limit]).toEqual([
      402,
      { metric: 'storage_bytes', used: 0, quota: 600, remaining: 600, resetsAt: null, requested: 601 }
    ])
    expect((await listOf(here)).data).toEqual([])
    expect((await upload(here, 'a.txt', 'x'.repeat(600))).status).toBe(201)
  })

  test('five at once where one fits: exactly one is stored', async () => {
    const here = await shelf()
    await setQuota(chat, here.user, 'storage_bytes', 1000)
    const uploads = await Promise.all([1, 2, 3, 4, 5].map((number) => upload(here, `${number}.txt`, `${number}`.repeat(700))))
    expect(uploads.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 402, 402, 402, 402])
    expect(await usedOf(chat, here.user, 'storage_bytes')).toBe(700)
  })

  test('can be asked about beforehand', async () => {
    const here = await shelf()
    await setQuota(chat, here.user, 'storage_bytes', 1000)
    const check = async (sizeBytes: number) => documentFitSchema.parse(await (await send(chat, here.user, `${here.path}/check`, { sizeBytes })).json())
    expect(await check(1000)).toEqual({ fits: true, used: 0, quota: 1000, remaining: 1000, maximumBytes: DOCUMENT_BYTES_LIMIT })
    expect((await check(1001)).fits).toBe(false)
    await setQuota(chat, here.user, 'storage_bytes', 1_000_000_000)
    expect((await check(DOCUMENT_BYTES_LIMIT + 1)).fits).toBe(false)
    expect((await send(chat, here.user, `${here.path}/check`, { sizeBytes: 0 })).status).toBe(400)
  })

  test('above 10 MiB are refused, with and without a length told beforehand', async () => {
    const here = await shelf()
    await setQuota(chat, here.user, 'storage_bytes', 1_000_000_000)
    const early = await upload(here, 'big.txt', 'x'.repeat(DOCUMENT_BYTES_LIMIT + 20_000))
    const late = await upload(here, 'big.txt', 'x'.repeat(DOCUMENT_BYTES_LIMIT + 1))
    for (const refused of [early, late]) {
      expect([refused.status, (await problemOf(refused)).code]).toEqual([413, 'payload_too_large'])
    }
    expect((await upload(here, 'big.txt', 'x '.repeat(500_000))).status).toBe(201)
  })

  test('that cannot be read are refused with the reason, and cost nothing', async () => {
    const here = await shelf()
    const cases: [string, string | Uint8Array<ArrayBuffer>, RegExp][] = [
      ['cat.png', 'x', /\.txt, \.md or \.pdf/],
      ['a.txt', new Uint8Array([0xff, 0xfe, 0x41]), /not UTF-8/],
      ['a.txt', 'a\0b', /NUL/],
      ['a.txt', '  \n ', /no text/],
      ['a.txt', '', /empty/],
      ['a.pdf', '%PDF-1.4 broken', /damaged/],
      ['a.pdf', new Uint8Array(textPdf([null])), /no text/],
      ['a.txt', new Uint8Array(textPdf(['x'])), /contains a PDF/]
    ]
    for (const [name, content, reason] of cases) {
      const refused = await upload(here, name, content)
      const { code, detail } = await problemOf(refused)
      expect([name, refused.status, code]).toEqual([name, 422, 'unreadable_document'])
      expect(detail).toMatch(reason)
    }
    expect(await usedOf(chat, here.user, 'storage_bytes')).toBe(0)
  })

  test('in malformed requests are refused, each with what is wrong', async () => {
    const here = await shelf()
    const post = async (headers: Record<string, string>, body: string | FormData) =>
      fetch(chat.origin + here.path, { method: 'POST', headers: { ...(await bearer(here.user)), ...headers }, body })
    const json = { 'Content-Type': 'application/json' }
    const without = new FormData()
    without.set('name', 'x')
    const two = new FormData()
    for (const name of ['a.txt', 'b.txt']) two.append('file', new Blob(['x']), name)
    const expected: [Promise<Response>, number, string][] = [
      [post(json, '{"name":"x"'), 400, 'malformed_json'],
      [post(json, '{"name":"x"}'), 400, 'invalid_request'],
      [post(json, '{"name":"","text":"x"}'), 400, 'invalid_request'],
      [post(json, '{"name":"a\\u0000b","text":"x"}'), 400, 'invalid_request'],
      [post(json, '{"name":"x","text":"\\ud800"}'), 400, 'invalid_request'],
      [post(json, '{"name":"x","text":"x","mediaType":"application/pdf"}'), 400, 'invalid_request'],
      [post(json, '{"name":"x","text":"a\\u0000b"}'), 422, 'unreadable_document'],
      [post({ 'Content-Type': 'text/plain' }, 'just text'), 415, 'unsupported_media_type'],
      [post({}, without), 400, 'invalid_request'],
      [post({}, two), 400, 'invalid_request'],
      [post({ 'Content-Type': 'multipart/form-data; boundary=x' }, '--x\r\nbroken'), 400, 'invalid_request'],
      [post({ 'Content-Type': 'multipart/form-data' }, 'no boundary'), 400, 'invalid_request']
    ]
    for (const [index, [response, status, code]] of expected.entries()) {
      const answer = await response
      expect([index, answer.status, (await problemOf(answer)).code]).toEqual([index, status, code])
    }
  })

  test('repeated with the same Idempotency-Key are stored once, also when the first one filled the quota', async () => {
    const here = await shelf()
    await setQuota(chat, here.user, 'storage_bytes', 100_000)
    const key = { 'Idempotency-Key': 'upload-1' }
    const first = await documentOf(await upload(here, 'a.txt', 'x'.repeat(90_000), key))
    const again = await upload(here, 'a.txt', 'x'.repeat(90_000), key)
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([201, 'true'])
    expect(await documentOf(again)).toEqual(first)
    const other = await upload(here, 'a.txt', 'y'.repeat(90_000), key)
    expect([other.status, (await problemOf(other)).code]).toEqual([422, 'request_id_reused'])
    expect(await usedOf(chat, here.user, 'storage_bytes')).toBe(90_000)
  })

  test('that are deleted free their space at once', async () => {
    const here = await shelf()
    const { documentId } = await documentOf(await upload(here, 'a.txt', 'x'.repeat(500)))
    const remove = () => send(chat, here.user, `${here.path}/${documentId}`, undefined, { method: 'DELETE' })
    expect((await remove()).status).toBe(204)
    expect(await usedOf(chat, here.user, 'storage_bytes')).toBe(0)
    expect((await remove()).status).toBe(404)
  })

  test('show a passage with its neighbours, until they are deleted', async () => {
    const here = await shelf()
    const markdown = [1, 2, 3, 4, 5, 6].map((number) => `# Part ${number}\n\n${`Sentence ${number} about parrots. `.repeat(20)}`).join('\n\n')
    const { documentId, passageCount } = await documentOf(await upload(here, 'parrots.md', markdown))
    const read = (around: string) => send(chat, here.user, `${here.path}/${documentId}/passages?around=${around}`)
    const found = documentPassagesSchema.parse(await (await read('4')).json())
    expect(found).toMatchObject({ documentId, documentName: 'parrots.md', passageCount })
    expect(found.passages.map(({ place }) => place)).toEqual([2, 3, 4, 5, 6])
    expect(found.passages[2]?.text).toContain('# Part 4\n\nSentence 4 about parrots.')
    expect([(await read('0')).status, (await read('99999999999')).status, (await read('999999999')).status]).toEqual([400, 400, 404])
    await send(chat, here.user, `${here.path}/${documentId}`, undefined, { method: 'DELETE' })
    expect((await read('4')).status).toBe(404)
  })

  test('of another account or an unknown bot are 404, whatever is done', async () => {
    const here = await shelf()
    const { documentId } = await documentOf(await upload(here, 'a.txt', 'secret'))
    const stranger = await shelf()
    const at = { user: stranger.user, path: here.path }
    const answers = [
      await send(chat, at.user, at.path),
      await upload(at, 'a.txt', 'x'),
      await send(chat, at.user, at.path, { name: 'a', text: 'x' }),
      await send(chat, at.user, `${at.path}/check`, { sizeBytes: 1 }),
      await send(chat, at.user, `${at.path}/${documentId}/passages?around=1`),
      await send(chat, at.user, `${stranger.path}/${documentId}/passages?around=1`),
      await send(chat, at.user, `${at.path}/${documentId}`, undefined, { method: 'DELETE' }),
      await send(chat, at.user, `${stranger.path}/${documentId}`, undefined, { method: 'DELETE' })
    ]
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404, 404, 404, 404])
    expect((await listOf(here)).data).toHaveLength(1)
  })

  test('are listed page by page', async () => {
    const here = await shelf()
    for (const name of ['1', '2', '3']) await send(chat, here.user, here.path, { name, text: name })
    const first = await listOf(here, '?limit=2')
    const second = await listOf(here, `?limit=2&cursor=${first.nextCursor}`)
    expect([...first.data, ...second.data].map(({ name }) => name)).toEqual(['3', '2', '1'])
    expect(second.nextCursor).toBeNull()
  })

  test('leave every invariant whole', async () => {
    expect(await brokenInvariants(chat.owner)).toEqual([])
  })
})

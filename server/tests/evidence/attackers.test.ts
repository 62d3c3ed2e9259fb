import { describe, expect, test } from '@jest/globals'
import { attackers } from '../../../scripts/evidence/attackers.ts'
import { faultOfRaw } from '../../../scripts/evidence/attackers/bodies.ts'
import { canaryIn, createCanaryBook } from '../../../scripts/evidence/attackers/canaries.ts'
import { faultOfRead } from '../../../scripts/evidence/attackers/database-roles.ts'
import { exposureOf } from '../../../scripts/evidence/attackers/exposure.ts'
import { marksOf, mayPass } from '../../../scripts/evidence/attackers/hostile-values.ts'
import type { Answer } from '../../../scripts/evidence/attackers/http-client.ts'
import { faultOfHostile, isOwnLine } from '../../../scripts/evidence/attackers/inputs.ts'
import { faultOf } from '../../../scripts/evidence/attackers/judge.ts'
import { readOperations } from '../../../scripts/evidence/attackers/operations.ts'
import { faultOfRest } from '../../../scripts/evidence/attackers/postgrest-attack.ts'
import { bodiesFor, requestOf } from '../../../scripts/evidence/attackers/requests.ts'
import { Unfillable } from '../../../scripts/evidence/attackers/schema-values.ts'
import { ACCEPTED, makeSigners, MUTATIONS } from '../../../scripts/evidence/attackers/signature-mutations.ts'
import { faultOfVerifier } from '../../../scripts/evidence/attackers/signatures.ts'
import { faultOfForeign } from '../../../scripts/evidence/attackers/tenants.ts'
import { faultOfForged } from '../../../scripts/evidence/attackers/tokens.ts'
import { seededRandom } from '../../../scripts/twin/random.ts'
import { openApiDocument } from '../../src/contract/openapi.ts'

test('a short dose finds nothing', async () => {
  const checks = await attackers({ seed: '4711', short: true, progress: () => undefined })
  expect(checks.flatMap(({ violations }) => violations)).toEqual([])
  expect(checks.map(({ guarantee }) => guarantee)).toEqual([
    'every operation of the OpenAPI document is filled: its owner gets through',
    'nothing of another tenant is read or changed by naming its ids, keys or cursors',
    'a session token that is forged, expired, early or meant for others opens nothing',
    'injections, numbers at every edge, wrong types and polluted prototypes are refused or stay mere text',
    'a body of a wrong kind is answered in time and as a problem, and never brings a fault',
    'a delivery whose signature is forged is refused, and leaves nothing in the inbox',
    'anon, authenticated and operator reach in the database what is theirs, and nothing else',
    'through PostgREST nobody calls a function or reaches a table, and a signed-in user reads own rows only',
    'no secret, token, signature or personal text is in a log, a metric, an error or a stored failure',
    'afterwards every invariant of the database holds, grants included'
  ])
}, 180_000)

const CANARY = 'document-text-0123456789abcdef'
const book = createCanaryBook()
book.add({ name: 'the document text', text: CANARY, kind: 'personal', owner: 'user_victim' })
const canaries = book.list()

function answer(part: Partial<Answer>): Answer {
  return { status: 200, headers: { 'content-type': 'application/json' }, text: '{}', milliseconds: 1, fault: null, leak: null,
    ...part }
}

function problem(status: number, code: string, part: Partial<Answer> = {}): Answer {
  const text = JSON.stringify({ type: `/docs/problems#${code}`, title: 'T', status, code, detail: 'D', instance: '/',
    requestId: 'r' })
  return answer({ status, headers: { 'content-type': 'application/problem+json; charset=utf-8' }, text, ...part })
}

describe('the judge reports a planted fault:', () => {
  test.each<[string, Answer]>([
    ['a 500', problem(500, 'internal_error')],
    ['a 503 that no part away explains', problem(503, 'internal_error')],
    ['a refusal that is no problem', answer({ status: 400, text: 'Bad Request' })],
    ['a problem that says another status', problem(400, 'invalid_request', { status: 404 })],
    ['no answer in time', answer({ status: 0, fault: 'no answer within 10 s' })],
    ['a canary in an error', problem(400, 'invalid_request', { leak: 'METRICS_TOKEN' })]
  ])('%s', (_what, planted) => {
    expect(faultOf(planted, { mayBeAway: true })).not.toBeNull()
    expect(faultOf(problem(400, 'invalid_request'), { mayBeAway: true })).toBeNull()
    expect(faultOf(problem(503, 'service_unavailable'), { mayBeAway: true })).toBeNull()
    expect(faultOf(problem(503, 'service_unavailable'), { mayBeAway: false })).not.toBeNull()
  })

  test('a forged token that opens something, or is refused as somebody known', () => {
    expect(faultOfForged(answer({}))).toContain('200')
    expect(faultOfForged(problem(403, 'forbidden'))).toContain('403')
    expect(faultOfForged(problem(500, 'internal_error'))).toContain('500')
    expect(faultOfForged(problem(401, 'webhook_not_verified'))).toContain('webhook_not_verified')
    expect(faultOfForged(problem(401, 'unauthenticated'))).toBeNull()
  })

  test("another tenant's text or id in an answer, and a 2xx at their path", () => {
    const about = {
      operation: { scheme: 'session' as const, statuses: [200, 404] },
      sent: { method: 'GET', path: '/api/chatbots', headers: {} },
      isInPath: false,
      victim: { ids: { chatbotId: '9063d1d8-a58e-4969-9a35-16fe2e192e74' }, otherIds: {} },
      canaries
    }
    expect(faultOfForeign(answer({ text: `{"data":["${CANARY}"]}` }), about)).toContain('the document text')
    expect(faultOfForeign(answer({ text: '{"chatbotId":"9063d1d8-a58e-4969-9a35-16fe2e192e74"}' }), about)).toContain('chatbotId')
    expect(faultOfForeign(answer({}), { ...about, isInPath: true })).toContain('200')
    expect(faultOfForeign(answer({}), about)).toBeNull()
    expect(faultOfForeign(problem(404, 'not_found'), { ...about, isInPath: true })).toBeNull()
  })

  test('a hostile value that works, or that passes where the contract forbids it', () => {
    const marks = marksOf((name) => name.padEnd(40, '0'))
    const judge = (planted: Answer, allowed = true) => faultOfHostile(planted, { statuses: [200] }, allowed, marks)
    expect(judge(answer({ text: `{"name":"${marks.evaluated}"}` }))).toContain('evaluated')
    expect(judge(answer({ headers: { 'content-type': 'text/html' }, text: "<script>attack('x')</script>" }))).toContain('script')
    expect(judge(answer({ headers: { 'set-cookie': ['a=b'] } }))).toContain('smuggled')
    expect(judge(answer({ text: 'root:x:0:0:' }))).toContain('file')
    expect(judge(answer({}), false)).toContain('passed')
    expect(judge(answer({}))).toBeNull()
    expect(isOwnLine(`{"level":60,"msg":"${marks.forged}"}`, marks.forged)).toBe(false)
    expect(isOwnLine('{"level":30,"msg":"GET / 200"', marks.forged)).toBe(false)
    expect(isOwnLine('{"level":30,"msg":"GET / 200"}', marks.forged)).toBe(true)
    const number = { type: 'integer', minimum: 1, maximum: 10_000, required: [] }
    expect(['0', '-0', '1.5', '1e309', 'NaN', '"1"', '10001', 'null'].filter((literal) => mayPass(number, literal))).toEqual([])
    expect(['1', '1.0', '1e2', '10000'].filter((literal) => mayPass(number, literal))).toHaveLength(4)
  })

  test('a verifier that takes anything, one that takes nothing, and one that repeats what was sent', () => {
    const secrets = { stripe: 'whsec_one_two', paddle: 'pdl_one_two', razorpay: 'razorpay_one', clerk: 'whsec_c2VjcmV0' }
    const random = seededRandom('1').next
    const signers = makeSigners(secrets)
    for (const signer of signers) {
      const parts = { signer, others: signers.filter((each) => each !== signer), body: '{"id":"evt_1","type":"x"}',
        now: 1_800_000_000, random }
      const good = JSON.stringify(ACCEPTED[0]?.make(parts))
      for (const { kind, make } of MUTATIONS) {
        const forged = make(parts)
        // A mutation that changes nothing would be no forgery.
        expect([kind, JSON.stringify(forged)]).not.toEqual([kind, good])
        expect(faultOfVerifier({ verify: () => ({ valid: true }) }, forged, 1_800_000_000, false)).toBe('it was taken')
      }
      const delivery = signer.sign(parts.body, parts.now)
      expect(faultOfVerifier({ verify: () => ({ valid: false, reason: 'no' }) }, delivery, parts.now, true)).toContain('refused')
      expect(faultOfVerifier({ verify: ({ headers }) => ({ valid: false, reason: String(Object.values(headers).at(-1)) }) },
        delivery, parts.now, false)).toContain('repeats')
    }
  })

  test('a role that reads what is not its own', () => {
    const rows = (...own: Record<string, unknown>[]) => ({ state: null, rows: own, text: JSON.stringify(own) })
    const attacker = { accountId: 'user_attacker' }
    expect(faultOfRead(rows({ content: CANARY }), 'authenticated', attacker, canaries)).toContain('the document text')
    expect(faultOfRead(rows({ account_id: 'user_victim' }), 'authenticated', attacker, canaries)).toContain('user_victim')
    expect(faultOfRead(rows(), 'anon', attacker, canaries)).toContain('reads 0 rows')
    expect(faultOfRead({ state: '22P02', rows: [], text: `invalid input: "${CANARY}"` }, 'authenticated', attacker,
      canaries)).toContain('the document text')
    expect(faultOfRead(rows({ account_id: 'user_attacker' }), 'authenticated', attacker, canaries)).toBeNull()
    expect(faultOfRead({ state: '42501', rows: [], text: 'permission denied' }, 'anon', attacker, canaries)).toBeNull()
  })

  test('a PostgREST that answers the wrong one', () => {
    const forged = { isForged: true, readsOwn: false }
    expect(faultOfRest(answer({ text: '[]' }), forged, true, canaries)).toContain('200')
    expect(faultOfRest(answer({ text: '[]' }), { isForged: false, readsOwn: true }, false, canaries)).toContain('200')
    expect(faultOfRest(answer({ text: `[{"a":"${CANARY}"}]` }), { isForged: false, readsOwn: true }, true,
      canaries)).toContain('the document text')
    expect(faultOfRest(answer({ text: '[]' }), { isForged: false, readsOwn: true }, true, canaries)).toBeNull()
  })

  test('a canary in a log, as it is, in hex, or in base64 at any place of a longer text', () => {
    const shown = ['', 'x', 'xy'].map((before) => Buffer.from(`${before}${CANARY}.`).toString('base64'))
    for (const text of [CANARY, Buffer.from(CANARY).toString('hex'), ...shown]) {
      expect(canaryIn(`{"msg":"${text}"}`, canaries)?.name).toBe('the document text')
    }
    const [canary] = canaries
    if (canary === undefined) throw new Error('There is no canary.')
    expect(exposureOf('the log', `POST / ${CANARY}`, canary)).toContain('the log')
    expect(exposureOf('the log', 'POST / 200', canary)).toBeNull()
    expect(() => book.add({ name: 'short', text: 'abc', kind: 'secret' })).toThrow('too short')
  })

  test('bytes that are no request: a file, a fault, silence', () => {
    expect(faultOfRaw({ status: 200, text: 'root:x:0:0:', closed: true, milliseconds: 1 })).toContain('file')
    expect(faultOfRaw({ status: 500, text: 'HTTP/1.1 500', closed: true, milliseconds: 1 })).toContain('500')
    expect(faultOfRaw({ status: 0, text: '', closed: false, milliseconds: 10_000 })).toContain('10 s')
    expect(faultOfRaw({ status: 400, text: 'HTTP/1.1 400', closed: true, milliseconds: 1 })).toBeNull()
  })
})

describe('the generator', () => {
  const operations = readOperations(JSON.parse(JSON.stringify(openApiDocument())))

  test('knows every operation of the document, and a new one without being told', () => {
    expect(operations.length).toBeGreaterThan(65)
    const [added] = readOperations({
      paths: { '/api/things/{chatbotId}': { post: { security: [{ sessionToken: [] }],
        parameters: [{ name: 'chatbotId', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } }],
        responses: { 200: {} }, requestBody: { required: true,
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } } } } } },
      components: { schemas: { Thing: { type: 'object', properties: { size: { type: 'integer', minimum: 3 } },
        required: ['size'] } } }
    })
    if (added === undefined) throw new Error('It was not read.')
    const ids = { chatbotId: '9063d1d8-a58e-4969-9a35-16fe2e192e74' }
    expect(requestOf(added, { ids, body: bodiesFor(added, ids)[0] })).toMatchObject({ method: 'POST',
      path: `/api/things/${ids.chatbotId}`, body: '{"size":3}' })
  })

  test('says which operation it cannot fill, and refuses a way to sign in that it does not know', () => {
    const document = (name: string, schema: object, scheme = 'sessionToken') => ({
      paths: { '/api/things/{thing}': { get: { security: [{ [scheme]: [] }],
        parameters: [{ name, in: 'path', required: true, schema }], responses: {} } } },
      components: { schemas: {} }
    })
    for (const schema of [{ type: 'string', format: 'uuid' }, { type: 'string', pattern: '^thg_[0-9]{9}$' }]) {
      const [operation] = readOperations(document('thing', schema))
      if (operation === undefined) throw new Error('It was not read.')
      expect(() => requestOf(operation, { ids: {} })).toThrow(Unfillable)
    }
    expect(() => readOperations(document('thing', { type: 'string' }, 'apiKey'))).toThrow('apiKey')
  })
})

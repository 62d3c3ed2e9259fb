import { afterEach, describe, expect, test } from '@jest/globals'
import type { Processor, ProcessorApi } from '../../src/billing/processor.ts'
import { AnswerUnknown, ProcessorRefusal } from '../../src/billing/processor.ts'
import { startApi } from '../support/processors/api-server.ts'
import type { ApiAnswer, ApiRequest } from '../support/processors/api-server.ts'

/**
 * ApiCall is one call under the contract. `requests` are `METHOD /path` without the query, in order. `answers` is the
 * processor's side where it differs from the scenario's. A call that `tells` returns the state of the subscription. One whose
 * `absence` is `null` answers that where the others refuse: there is no such object.
 */
export type ApiCall = {
  name: string
  run: (api: ProcessorApi, key: string) => Promise<unknown>
  requests: string[]
  tells: boolean
  absence?: null
  answer?: (request: ApiRequest) => ApiAnswer
}

/**
 * ApiScenario is a processor's API as a script. `answer` is the processor when all is well; `keyHeader` is the header for
 * the idempotency key, null where the processor has none; `resolutionMs` is that of its clock, to which ours is cut; `notFound`
 * is how it says that there is no such object; `unknown` are answers of its own, beside those of every processor, that tell nothing.
 */
export type ApiScenario = {
  name: string
  create: (options: { apiUrl: string; timeoutMs: number; nowMs: () => number }) => Processor
  answer: (request: ApiRequest) => ApiAnswer
  authorization: string
  keyHeader: string | null
  resolutionMs: number
  notFound: ApiAnswer
  unknown: Record<string, ApiAnswer>
  calls: ApiCall[]
}

const NOW = Date.UTC(2026, 1, 2, 9, 30, 0, 250)
const TOLD = { kind: 'state', eventType: 'fetched', rank: 2 }
const KEY = 'op_0199c1d4'
// Long enough for a busy machine where an answer comes, short where none ever does.
const PATIENT_MS = 5_000
const IMPATIENT_MS = 250

/** processorApiContract declares what the API of every processor must hold to, beyond what each call means. */
export function processorApiContract(scenario: ApiScenario): void {
  const { keyHeader } = scenario
  const stops: (() => Promise<void>)[] = []

  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop()
  })

  async function apiWith(answer: (request: ApiRequest) => ApiAnswer, timeoutMs = PATIENT_MS) {
    const server = await startApi(answer)
    stops.push(server.stop)
    const { api } = scenario.create({ apiUrl: server.url, timeoutMs, nowMs: () => NOW })
    if (api === null) throw new Error('the processor has no API')
    return { api, requests: server.requests }
  }

  describe(`the ${scenario.name} API holds to the contract`, () => {
    describe.each(scenario.calls)('$name', (call) => {
      const answer = call.answer ?? scenario.answer

      test('asks for what it should, with the credentials and, where it changes something, the key', async () => {
        const { api, requests } = await apiWith(answer)
        const told = await call.run(api, KEY)
        expect(requests.map(lineOf)).toEqual(call.requests)
        for (const request of requests) {
          expect(request.headers.authorization).toBe(scenario.authorization)
          // A call that takes no key has none to send.
          if (keyHeader === null || request.method === 'GET' || request.method === 'DELETE' || call.run.length < 2) continue
          expect(request.headers[keyHeader]).toMatch(new RegExp(`^${KEY}(:|$)`))
        }
        const occurredAt = new Date(NOW - (NOW % scenario.resolutionMs)).toISOString()
        const eventId = expect.stringMatching(/^fetch:.+Z$/)
        if (call.tells) expect(told).toMatchObject({ ...TOLD, occurredAt, processor: scenario.name, eventId })
      })

      test('repeated with the same key makes the same requests, each with the key it had', async () => {
        const { api, requests } = await apiWith(answer)
        await call.run(api, KEY)
        const first = requests.splice(0).map((request) => essence(request, keyHeader))
        await call.run(api, KEY)
        const second = requests.map((request) => essence(request, keyHeader))
        for (const request of second.filter(({ line }) => !line.startsWith('GET '))) expect(first).toContainEqual(request)
        const keys = first.flatMap(({ key }) => key ?? [])
        expect(new Set(keys).size).toBe(keys.length)
      })

      test('an answer that tells nothing is unknown, wherever it comes', async () => {
        const answers: Record<string, ApiAnswer> = {
          'an empty object': { status: 200, body: {} },
          'a list': { status: 200, body: [] },
          'a sentence': { status: 200, body: 'busy' },
          'nothing': { status: 200, body: null },
          ...scenario.unknown
        }
        for (const [title, fault] of Object.entries(answers)) {
          for (const line of call.requests) {
            const { api } = await apiWith((request) => (lineOf(request) === line ? fault : answer(request)))
            const failure = await failureOf(call.run(api, KEY))
            expect([title, line, failure]).toEqual([title, line, expect.any(AnswerUnknown)])
          }
        }
      })

      test('silence and a lost answer are unknown, and the call repeated goes through with the same key', async () => {
        const changing = call.requests.filter((line) => !line.startsWith('GET '))
        for (const fault of ['silent', 'lost'] as const) {
          for (const line of changing.length > 0 ? changing : call.requests) {
            let isBroken = true
            const faulty = (request: ApiRequest) => (isBroken && lineOf(request) === line ? fault : answer(request))
            const impatient = await apiWith(faulty, fault === 'silent' ? IMPATIENT_MS : PATIENT_MS)
            const failure = await failureOf(call.run(impatient.api, KEY))
            expect([fault, line, failure]).toEqual([fault, line, expect.any(AnswerUnknown)])

            const sent = impatient.requests.map((request) => essence(request, keyHeader)).filter((one) => one.line === line)
            isBroken = false
            const { api, requests } = await apiWith(faulty)
            await call.run(api, KEY)
            const again = requests.map((request) => essence(request, keyHeader)).filter((one) => one.line === line)
            expect(again[0]).toEqual(sent[0])
          }
        }
      })

      test(call.absence === null ? 'what is not there is null' : 'what is not there is a refusal, in a sentence without ids', async () => {
        const { api } = await apiWith(() => scenario.notFound)
        if (call.absence === null) {
          expect(await call.run(api, KEY)).toBeNull()
          return
        }
        const failure = await failureOf(call.run(api, KEY))
        expect(failure).toBeInstanceOf(ProcessorRefusal)
        expect(failure).toMatchObject({ code: 'not_found', message: expect.not.stringMatching(/[a-z]+_[a-z]*[0-9A-Z]/) })
      })
    })
  })
}

function lineOf({ method, path }: ApiRequest): string {
  return `${method} ${path.split('?')[0]}`
}

function essence(request: ApiRequest, keyHeader: string | null) {
  const key = keyHeader === null ? undefined : request.headers[keyHeader]
  // The SDK makes up a key of its own where none is given, and one for each request.
  const ours = typeof key === 'string' && key.startsWith(KEY) ? key : null
  return { line: lineOf(request), path: request.path, body: request.body, key: ours }
}

function failureOf(running: Promise<unknown>): Promise<unknown> {
  return running.then(
    () => 'no failure',
    (error: unknown) => error
  )
}

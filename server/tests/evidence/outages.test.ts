import { describe, expect, test } from '@jest/globals'
import { outages } from '../../../scripts/evidence/outages.ts'
import { judge, type Note, type Seen, startFindings } from '../../../scripts/evidence/outages/judge.ts'
import { judgeModel, judgeStopped, type ModelCase, startModelFindings } from '../../../scripts/evidence/outages/model-judge.ts'

test('the short dose finds no violation', async () => {
  const checks = await outages({ seed: 'npm test', short: true, progress: () => undefined })
  expect(checks.flatMap(({ violations }) => violations)).toEqual([])
  expect(checks.map(({ guarantee, violationCount }) => `${guarantee}: ${violationCount}`)).toEqual([
    'while the database is away: 503 with Retry-After within 2 s, and /livez answers: 0',
    'never fail-open: what was granted during an outage is charged, once: 0',
    'nothing charged for nothing: a call answered 503 has cost nothing, and repeated with its key costs once: 0',
    'all calls work again within 5 s of the part being back: 0',
    'afterwards no reservation is open, counter = ledger = what was granted, all invariants hold: 0',
    'a model that fails: 503 before the first word, an error at the end of the stream after it, in its time: 0',
    'a failed answer costs nothing, a stopped one what was streamed: 0'
  ])
}, 120_000)

const refused: Note = { call: 'usage taken', key: 'k', status: 503, milliseconds: 1_600, hasRetryAfter: true, isProblem: true, fault: null }
const granted: Note = { ...refused, status: 200, hasRetryAfter: false, isProblem: false }
const ledger = { counters: { api_calls: 3 }, sums: { api_calls: 3 }, openReservations: 0, unsettledMs: 5 }

/** seen is an outage in which one call was refused, then repeated and charged, with this change. */
function seen(change: Partial<Seen> = {}): Seen {
  return {
    name: 'away', extent: 'whole', mayLose: false, during: [refused], recoveries: [{ call: 'usage taken', milliseconds: 40 }], later: [granted],
    after: { ...ledger, charged: {}, counters: {}, sums: {} }, repeated: { ...ledger, charged: { k: 1 } }, brokenInvariants: [], ...change
  }
}

function violationsOf(change: Partial<Seen> = {}): string[] {
  const findings = startFindings()
  judge(seen(change), findings)
  return Object.values(findings).flatMap((finding) => finding.check(String, '').violations)
}

describe('a planted fault of an outage is reported:', () => {
  test('none where the call was refused in time, repeated and charged once', () => expect(violationsOf()).toEqual([]))

  test('a 503 after 2.4 s', () => {
    expect(violationsOf({ during: [{ ...refused, milliseconds: 2_400 }] })).toEqual(['away: usage taken answered 503 after 2400 ms'])
  })

  test('a 503 that does not say when to come again', () => {
    expect(violationsOf({ during: [{ ...refused, hasRetryAfter: false }] })).toEqual([expect.stringContaining('without Retry-After')])
  })

  test('a fault of the server, and a broken connection, instead of 503', () => {
    expect(violationsOf({ during: [{ ...refused, status: 500 }] })).toEqual(['away: usage taken answered 500 after 1600 ms instead of 503'])
    expect(violationsOf({ during: [{ ...refused, status: 0, fault: 'a broken connection' }], extent: 'partly' })).toHaveLength(1)
  })

  test('a process that does not answer for itself', () => {
    expect(violationsOf({ during: [refused, { ...refused, call: 'livez', key: null }] })).toEqual([expect.stringContaining('although the process lives')])
  })

  test('an answer 200 while nothing can be decided, and one without its ledger row', () => {
    expect(violationsOf({ during: [granted] })).toEqual([
      'away: usage taken answered 200 after 1600 ms instead of 503',
      'away: usage taken was granted (k) and is charged 0 times'
    ])
    expect(violationsOf({ during: [granted], extent: 'partly' })).toEqual(['away: usage taken was granted (k) and is charged 0 times'])
  })

  test('a call that was answered 503 and is charged, where no answer can be lost', () => {
    const after = { ...ledger, charged: { k: 1 } }
    expect(violationsOf({ after })).toEqual(['away: usage taken was answered 503 (k) and is charged 1 times'])
    expect(violationsOf({ after, mayLose: true })).toEqual([])
  })

  test('a repetition that is charged twice, or not at all', () => {
    expect(violationsOf({ repeated: { ...ledger, charged: { k: 2 } } })).toEqual([expect.stringContaining('is charged 2 times')])
    expect(violationsOf({ repeated: { ...ledger, charged: {} } })).toEqual([expect.stringContaining('is charged 0 times')])
  })

  test('a recovery of 6 s', () => {
    expect(violationsOf({ recoveries: [{ call: 'webhook', milliseconds: 6_000 }] })).toEqual(['away: webhook worked only 6000 ms after the part was back'])
  })

  test('a reservation left open, or settled late', () => {
    expect(violationsOf({ repeated: { ...ledger, charged: { k: 1 }, openReservations: 1 } })).toEqual(['away: 1 reservations are still open'])
    expect(violationsOf({ repeated: { ...ledger, charged: { k: 1 }, unsettledMs: 7_000 } })).toEqual([expect.stringContaining('only after 7000 ms')])
  })

  test('a counter that is not its ledger, a ledger that is not what was granted, and what the database itself finds', () => {
    const charged = { k: 1 }
    expect(violationsOf({ repeated: { ...ledger, charged, counters: { api_calls: 4 } } })).toEqual(['away: granted 3 api_calls, the counter says 4, the ledger 3'])
    expect(violationsOf({ repeated: { ...ledger, charged, counters: { api_calls: 6 }, sums: { api_calls: 6 } } })).toHaveLength(1)
    expect(violationsOf({ brokenInvariants: ['a counter is off'] })).toEqual(['away: a counter is off'])
  })
})

describe('a planted fault of a model is reported:', () => {
  const unavailable: Note = { ...refused, call: 'answer streamed', milliseconds: 30 }
  const free = { messages: 0, tokens: 0, open: 0 }
  const told = (change: Partial<ModelCase>): string[] => {
    const findings = startModelFindings()
    judgeModel({ name: 'no JSON', moment: 'before', takes: 'no time', note: unavailable, cost: free, ...change }, findings)
    return Object.values(findings).flatMap((finding) => finding.check(String, '').violations)
  }
  const broken: Note = { ...granted, call: 'answer streamed', fault: 'model_unavailable', milliseconds: 30 }

  test('none where it is told by the status, or at the end of the stream, and is free', () => {
    expect([told({}), told({ moment: 'middle', note: broken }), told({ moment: 'middle', note: { ...unavailable, call: 'answer as JSON' } })]).toEqual([[], [], []])
  })

  test('half an answer that looks whole', () => {
    expect(told({ moment: 'middle', note: { ...broken, fault: null } })).toEqual([expect.stringContaining('an error at the end of the stream was due')])
  })

  test('a stream that was begun although nothing came', () => expect(told({ note: broken })).toEqual([expect.stringContaining('where 503 was due')]))

  test('a failed answer that costs', () => {
    expect(told({ cost: { ...free, tokens: 7 } })).toEqual([expect.stringContaining('is charged 0 messages, 7 tokens')])
    expect(told({ cost: { ...free, open: 2 } })).toEqual([expect.stringContaining('2 reservations are open')])
  })

  test('a slow answer that is given up, or free', () => {
    expect(told({ moment: 'never', takes: 'the first word' })).toEqual([expect.stringContaining('although the answer was whole'), expect.stringContaining('0 messages')])
  })

  test('one that takes longer than it may', () => {
    expect(told({ note: { ...unavailable, milliseconds: 2_400 } })).toEqual([expect.stringContaining('after 2400 ms')])
  })

  test('a stopped answer that costs more, or less, than was streamed', () => {
    const stopped = (tokens: number): string[] => {
      const findings = startModelFindings()
      judgeStopped({ name: 'silent', status: 200, streamedTokens: 10, promptTokens: 50, cost: { messages: 1, tokens, open: 0 } }, findings)
      return Object.values(findings).flatMap((finding) => finding.check(String, '').violations)
    }
    expect([stopped(40), stopped(9).length, stopped(61).length]).toEqual([[], 1, 1])
  })
})

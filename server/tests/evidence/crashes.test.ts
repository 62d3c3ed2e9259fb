import { describe, expect, test } from '@jest/globals'
import { crashes } from '../../../scripts/evidence/crashes.ts'
import type { Facts } from '../../../scripts/evidence/crashes/facts.ts'
import { judge } from '../../../scripts/evidence/crashes/judge.ts'
import type { Notes } from '../../../scripts/evidence/crashes/notes.ts'
import type { Check } from '../../../scripts/evidence/suite.ts'

const INBOX = 'every acknowledged delivery is in the inbox'
const EFFECTS = 'no event is applied twice, none by halves, and the plan is the last event\'s'
const CHARGES = 'every acknowledged charge counts once, also when it was repeated: client\'s sum = counter = ledger'
const ANSWERS = 'an answer that was cut off is marked failed and costs nothing; one that was read to its end counts once'
const RESERVATIONS = 'open reservations are released'
const REST = 'every invariant holds, and no caller gets an answer that a crash does not explain'

function violationsOf(checks: readonly Check[]): Record<string, string[]> {
  return Object.fromEntries(checks.filter(({ violationCount }) => violationCount > 0).map(({ guarantee, violations }) => [guarantee, violations]))
}

test('a short dose finds nothing', async () => {
  const checks = await crashes({ seed: 'npm test', short: true, progress: () => undefined })
  expect(violationsOf(checks)).toEqual({})
  expect(checks.map(({ guarantee }) => guarantee)).toEqual([
    'a server killed at a named point leaves all of a request or nothing of it',
    INBOX,
    EFFECTS,
    CHARGES,
    ANSWERS,
    RESERVATIONS,
    REST,
    'servers recover by themselves when Postgres was ended (immediate)',
    'drained within 60 s after the last kill'
  ])
}, 240_000)

describe('the judge', () => {
  /** whole is a run in which all is right: two events, two charges on one counter, an answer and one that was cut off before it. */
  function whole(): { notes: Notes; facts: Facts } {
    const event = { processor: 'stripe', accountId: 'a' }
    const charge = { accountId: 'a', metric: 'messages', givenUp: false }
    const answer = { accountId: 'b', conversationId: 'c', open: 0 }
    return {
      notes: {
        deliveries: [
          { ...event, inboxId: 'evt_1', plan: 'starter', place: 1, answers: ['processed', 'duplicate'] },
          { ...event, inboxId: 'evt_2', plan: 'growth', place: 2, answers: ['duplicate'] }
        ],
        charges: [
          { ...charge, amount: 3, key: 'k1', answers: [{ allowed: true, used: 3 }, { allowed: true, used: 3 }] },
          { ...charge, amount: 4, key: 'k2', answers: [{ allowed: false, used: null }] },
          { ...charge, amount: 2, key: 'k3', answers: [], givenUp: true }
        ],
        questions: [{ accountId: 'b', conversationId: 'c', key: 'q1', answers: ['m2'] }],
        unexpected: []
      },
      facts: {
        inbox: [
          { processor: 'stripe', id: 'evt_1', status: 'processed', effects: 1 },
          { processor: 'stripe', id: 'evt_2', status: 'processed', effects: 1 }
        ],
        plans: [{ accountId: 'a', plan: 'growth' }],
        ledger: [{ accountId: 'a', key: 'k1', rows: 1, amount: 3 }, { accountId: 'a', key: 'k3', rows: 1, amount: 2 }],
        counters: [{ accountId: 'a', metric: 'messages', used: 5, summed: 5 }],
        answers: [
          { ...answer, messageId: 'm1', status: 'failed', messages: 0, tokens: 0 },
          { ...answer, messageId: 'm2', status: 'complete', messages: 1, tokens: 25 }
        ],
        openReservations: 0,
        brokenInvariants: []
      }
    }
  }

  test('finds nothing where all is right', () => {
    const { notes, facts } = whole()
    expect(violationsOf(judge(notes, facts))).toEqual({})
  })

  test('calls a run that tried nothing a violation of everything', () => {
    const nothing = { inbox: [], plans: [], ledger: [], counters: [], answers: [], openReservations: 0, brokenInvariants: [] }
    const checks = judge({ deliveries: [], charges: [], questions: [], unexpected: [] }, nothing)
    expect(Object.keys(violationsOf(checks))).toHaveLength(checks.length)
  })

  type Fault = { fault: string; plant: (run: { notes: Notes; facts: Facts }) => void; found: Record<string, string[]> }
  const faults: Fault[] = [
    {
      fault: 'an acknowledged delivery that is not in the inbox',
      plant: ({ facts }) => facts.inbox.shift(),
      found: { [INBOX]: ['stripe evt_1 was acknowledged as processed and is not there'] }
    },
    {
      fault: 'an event whose effect is there twice',
      plant: ({ facts }) => Object.assign(facts.inbox[0] ?? {}, { effects: 2 }),
      found: { [EFFECTS]: ['evt_1 is processed and has 2 effects'] }
    },
    {
      fault: 'an event that was stored and never applied',
      plant: ({ facts }) => Object.assign(facts.inbox[0] ?? {}, { effects: 0, status: 'received' }),
      found: { [EFFECTS]: ['evt_1 is received and has 0 effects'] }
    },
    {
      fault: 'an event that was applied by two of its deliveries',
      plant: ({ notes }) => notes.deliveries[0]?.answers.push('stale'),
      found: { [EFFECTS]: ['evt_1 was applied 2 times: processed, duplicate, stale', 'evt_1, known before, was processed, duplicate, stale'] }
    },
    {
      fault: 'a plan that the last event does not give',
      plant: ({ facts }) => Object.assign(facts.plans[0] ?? {}, { plan: 'starter' }),
      found: { [EFFECTS]: ['a is on starter, its last event says growth'] }
    },
    {
      fault: 'an acknowledged charge that is not in the ledger',
      plant: ({ facts }) => {
        facts.ledger.shift()
        Object.assign(facts.counters[0] ?? {}, { used: 2, summed: 2 })
      },
      found: { [CHARGES]: ['k1 was granted 3, the ledger has 0'] }
    },
    {
      fault: 'a charge that counted twice, in the ledger too',
      plant: ({ facts }) => {
        Object.assign(facts.ledger[0] ?? {}, { rows: 2, amount: 6 })
        Object.assign(facts.counters[0] ?? {}, { used: 8, summed: 8 })
      },
      found: { [CHARGES]: ['k1 has 2 rows in the ledger', 'k1 was granted 3, the ledger has 6'] }
    },
    {
      fault: 'a charge that counted twice in the counter alone',
      plant: ({ facts }) => Object.assign(facts.counters[0] ?? {}, { used: 8 }),
      found: { [CHARGES]: ['messages of a: counter 8, ledger 5', 'messages of a: the callers know of 5, the counter says 8'] }
    },
    {
      fault: 'units in counter and ledger that no caller knows of',
      plant: ({ facts }) => Object.assign(facts.counters[0] ?? {}, { used: 9, summed: 9 }),
      found: { [CHARGES]: ['messages of a: the callers know of 5, the counter says 9'] }
    },
    {
      fault: 'a refused charge that was charged',
      plant: ({ facts }) => {
        facts.ledger.push({ accountId: 'a', key: 'k2', rows: 1, amount: 4 })
        Object.assign(facts.counters[0] ?? {}, { used: 9, summed: 9 })
      },
      found: { [CHARGES]: ['k2 was refused 4, the ledger has 4'] }
    },
    {
      fault: 'a repetition that is decided anew',
      plant: ({ notes }) => Object.assign(notes.charges[0]?.answers[1] ?? {}, { used: 6 }),
      found: { [CHARGES]: ['k1 was answered [{"allowed":true,"used":3},{"allowed":true,"used":6}]'] }
    },
    {
      fault: 'an answer that was cut off and costs something',
      plant: ({ facts }) => Object.assign(facts.answers[0] ?? {}, { messages: 1 }),
      found: { [ANSWERS]: ['answer m1 is failed and costs 1 messages and 0 tokens'] }
    },
    {
      fault: 'an answer that never ends, and holds its reservation',
      plant: ({ facts }) => {
        Object.assign(facts.answers[0] ?? {}, { status: 'streaming', messages: 1, tokens: 500, open: 3 })
        facts.openReservations = 3
      },
      found: {
        [ANSWERS]: ['answer m1 is streaming and costs 1 messages and 500 tokens'],
        [RESERVATIONS]: ['answer m1 still holds 3 reservations', '3 reservations are open']
      }
    },
    {
      fault: 'an answer that was read to its end and is lost',
      plant: ({ facts }) => Object.assign(facts.answers[1] ?? {}, { status: 'failed', messages: 0, tokens: 0 }),
      found: { [ANSWERS]: ['q1 was answered as m2, which is failed', '0 answers are complete and paid for, the callers know of 1'] }
    },
    {
      fault: 'a question that was answered and paid for twice',
      plant: ({ facts }) => Object.assign(facts.answers[0] ?? {}, { status: 'complete', messages: 1, tokens: 25 }),
      found: { [ANSWERS]: ['2 answers are complete and paid for, the callers know of 1'] }
    },
    {
      fault: 'a broken invariant and an answer of 500',
      plant: ({ notes, facts }) => {
        facts.brokenInvariants.push('a counter is the sum of its ledger: 1, such as a')
        notes.unexpected.push('/api/usage answered 500')
      },
      found: { [REST]: ['a counter is the sum of its ledger: 1, such as a', '/api/usage answered 500'] }
    }
  ]

  test.each(faults)('reports $fault', ({ plant, found }) => {
    const run = whole()
    plant(run)
    expect(violationsOf(judge(run.notes, run.facts))).toEqual(found)
  })
})

import { type Check, startFinding } from '../suite.ts'
import type { Facts } from './facts.ts'
import type { Notes } from './notes.ts'

// What tells that this delivery is the one whose effect was applied.
const APPLIED: ReadonlySet<string> = new Set(['processed', 'stale'])

/** judge compares what the callers noted with what the tables say: a check per guarantee. It is pure. */
export function judge(notes: Notes, facts: Facts): Check[] {
  return [judgeInbox(notes, facts), judgeEffects(notes, facts), judgeCharges(notes, facts), judgeAnswers(notes, facts), judgeReservations(facts), judgeRest(notes, facts)]
}

function judgeInbox({ deliveries }: Notes, { inbox }: Facts): Check {
  const finding = startFinding('every acknowledged delivery is in the inbox')
  const stored = new Set(inbox.map(({ processor, id }) => `${processor} ${id}`))
  const acknowledged = deliveries.filter(({ answers }) => answers.length > 0)
  let missingCount = 0
  for (const { processor, inboxId, answers } of acknowledged) {
    finding.tried(answers.length)
    if (stored.has(`${processor} ${inboxId}`)) continue
    missingCount += 1
    finding.violation(`${processor} ${inboxId} was acknowledged as ${answers[0]} and is not there`)
  }
  return finding.check((count) => `${count} acknowledgements of ${acknowledged.length} events`, `${missingCount} missing`)
}

function judgeEffects({ deliveries }: Notes, facts: Facts): Check {
  const finding = startFinding('no event is applied twice, none by halves, and the plan is the last event\'s')
  const stored = new Map(facts.inbox.map((row) => [`${row.processor} ${row.id}`, row]))
  const plans = new Map(facts.plans.map(({ accountId, plan }) => [accountId, plan]))
  const latest = new Map<string, { place: number; plan: string }>()
  for (const { processor, inboxId, accountId, place, plan, answers } of deliveries) {
    finding.tried()
    const row = stored.get(`${processor} ${inboxId}`)
    const effects = row?.effects ?? 0
    const applied = answers.filter((answer) => APPLIED.has(answer)).length
    if (applied > 1) finding.violation(`${inboxId} was applied ${applied} times: ${answers.join(', ')}`)
    if (answers.some((answer, index) => index > 0 && answer !== 'duplicate')) finding.violation(`${inboxId}, known before, was ${answers.join(', ')}`)
    if (row !== undefined && (effects !== 1 || row.status !== 'processed')) finding.violation(`${inboxId} is ${row.status} and has ${effects} effects`)
    if (row !== undefined && place > (latest.get(accountId)?.place ?? 0)) latest.set(accountId, { place, plan })
  }
  const repeatedCount = deliveries.reduce((sum, { answers }) => sum + answers.filter((answer) => answer === 'duplicate').length, 0)
  for (const [accountId, { plan }] of latest) {
    if (plans.get(accountId) !== plan) finding.violation(`${accountId} is on ${plans.get(accountId) ?? 'no plan'}, its last event says ${plan}`)
  }
  return finding.check((count) => `${count} events of ${latest.size} subscriptions`, `${repeatedCount} deliveries of what was known, told so`)
}

function judgeCharges({ charges }: Notes, { ledger, counters }: Facts): Check {
  const finding = startFinding('every acknowledged charge counts once, also when it was repeated: client\'s sum = counter = ledger')
  const rows = new Map(ledger.map((row) => [`${row.accountId} ${row.key}`, row]))
  const sums = new Map<string, number>()
  let repeatedCount = 0
  for (const { accountId, metric, amount, key, answers, givenUp } of charges) {
    finding.tried()
    const row = rows.get(`${accountId} ${key}`)
    const charged = row?.amount ?? 0
    const [first] = answers
    if (answers.length > 1) repeatedCount += 1
    if (answers.some(({ allowed, used }) => allowed !== first?.allowed || used !== first.used)) finding.violation(`${key} was answered ${JSON.stringify(answers)}`)
    if (first === undefined && !givenUp) finding.violation(`${key} was never acknowledged`)
    if ((row?.rows ?? 0) > 1) finding.violation(`${key} has ${row?.rows ?? 0} rows in the ledger`)
    const isRight = first === undefined ? charged === 0 || charged === amount : charged === (first.allowed ? amount : 0)
    if (!isRight) finding.violation(`${key} was ${first === undefined ? 'lost' : first.allowed ? 'granted' : 'refused'} ${amount}, the ledger has ${charged}`)
    sums.set(`${accountId} ${metric}`, (sums.get(`${accountId} ${metric}`) ?? 0) + charged)
  }
  for (const { accountId, metric, used, summed } of counters) {
    if (used !== summed) finding.violation(`${metric} of ${accountId}: counter ${used}, ledger ${summed}`)
    const known = sums.get(`${accountId} ${metric}`)
    sums.delete(`${accountId} ${metric}`)
    if (known !== undefined && known !== used) finding.violation(`${metric} of ${accountId}: the callers know of ${known}, the counter says ${used}`)
  }
  for (const [name, sum] of sums) if (sum !== 0) finding.violation(`${name}: the callers were charged ${sum}, there is no counter`)
  const givenUpCount = charges.filter(({ answers }) => answers.length === 0).length
  return finding.check((count) => `${count} charges`, `${repeatedCount} repeated after their answer, ${givenUpCount} given up unacknowledged`)
}

function judgeAnswers({ questions }: Notes, { answers }: Facts): Check {
  const finding = startFinding('an answer that was cut off is marked failed and costs nothing; one that was read to its end counts once')
  const stored = new Map(answers.map((answer) => [answer.messageId, answer]))
  for (const { messageId, status, messages, tokens } of answers) {
    finding.tried()
    const isRight = status === 'complete' ? messages === 1 && tokens > 0 : status === 'failed' && messages === 0 && tokens === 0
    if (!isRight) finding.violation(`answer ${messageId} is ${status} and costs ${messages} messages and ${tokens} tokens`)
  }
  for (const { key, answers: read } of questions) {
    if (new Set(read).size > 1) finding.violation(`${key} was answered as ${read.join(' and as ')}`)
    const [messageId] = read
    if (messageId === undefined) finding.violation(`${key} was never answered`)
    else if (stored.get(messageId)?.status !== 'complete') finding.violation(`${key} was answered as ${messageId}, which is ${stored.get(messageId)?.status ?? 'not there'}`)
  }
  const completeCount = answers.filter(({ status }) => status === 'complete').length
  const answeredCount = new Set(questions.flatMap(({ answers: read }) => read)).size
  if (completeCount !== answeredCount) finding.violation(`${completeCount} answers are complete and paid for, the callers know of ${answeredCount}`)
  return finding.check((count) => `${count} answers to ${questions.length} questions`, `${answers.length - completeCount} cut off, free; ${completeCount} complete`)
}

function judgeReservations({ openReservations, answers }: Facts): Check {
  const finding = startFinding('open reservations are released')
  finding.tried(answers.length)
  for (const { messageId, open } of answers) if (open > 0) finding.violation(`answer ${messageId} still holds ${open} reservations`)
  if (openReservations > 0) finding.violation(`${openReservations} reservations are open`)
  return finding.check((count) => `reservations of ${count} answers`, `${openReservations} open`)
}

function judgeRest({ unexpected, deliveries, charges, questions }: Notes, { brokenInvariants }: Facts): Check {
  const finding = startFinding('every invariant holds, and no caller gets an answer that a crash does not explain')
  finding.tried(deliveries.length + charges.length + questions.length)
  for (const broken of brokenInvariants) finding.violation(broken)
  for (const answer of unexpected) finding.violation(answer)
  return finding.check((count) => `${count} calls; api.check_invariants()`, `${brokenInvariants.length} invariants broken, ${unexpected.length} answers unexplained`)
}

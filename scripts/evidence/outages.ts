import { postgrestAvailable } from '../embedded/postgrest.ts'
import { seededRandom, shuffled } from '../twin/random.ts'
import { startGround, type Ground } from './ground.ts'
import { askBadModel, misdeedsOf, openAsker, stopBadModel } from './outages/ask-bad-model.ts'
import { type House, startHouse, type Transport } from './outages/house.ts'
import { type Findings, judge, type Seen, startFindings } from './outages/judge.ts'
import { readBrokenInvariants } from './outages/ledger.ts'
import { judgeModel, judgeStopped, type ModelCase, type ModelFindings, startModelFindings, type StoppedCase } from './outages/model-judge.ts'
import { play } from './outages/play.ts'
import { situationsOf } from './outages/situations.ts'
import { type Check, SHORT_PATIENCE, type Suite } from './suite.ts'

// So few that they can be used up in a moment: a pool of each transport, and those who look.
const MAX_CONNECTIONS = '60'

/** outages takes away every part in every way, and holds what callers are told against what they are charged. */
export const outages: Suite = async ({ seed, short, progress }) => {
  const findings = startFindings()
  const model = startModelFindings()
  const random = seededRandom(seed)
  const transports: Transport[] = postgrestAvailable() ? ['pg', 'PostgREST'] : ['pg']
  const ground = await startGround({ max_connections: MAX_CONNECTIONS })
  const all: Seen[] = []
  try {
    const within = async (transport: Transport, work: (house: House) => Promise<void>): Promise<void> => {
      const house = await startHouse(ground, transport)
      try {
        await work(house)
      } finally {
        await house.stop()
      }
    }
    const ask = (house: House): Promise<void> => askModels(ground, house, short, model, progress)
    const takeAway = async (house: House): Promise<void> => {
      const situations = shuffled(situationsOf(house.transport, short), () => random.next())
      for (const [index, situation] of situations.entries()) {
        progress(`${house.transport}: ${situation.name}`)
        const accountId = `user_${house.transport}_${index}`
        const seen = await play(ground, house, situation, accountId, short ? { rounds: 1, copies: 1 } : { rounds: 4, copies: 3 })
        judge(seen, findings, short ? SHORT_PATIENCE : 1)
        all.push(seen)
      }
    }
    if (short) {
      await Promise.all(transports.map((transport) => within(transport, async (house) => {
        if (transport === 'pg') await ask(house)
        await takeAway(house)
      })))
    } else {
      // Models are everybody's own; Postgres is not: one house at a time, as some situations hit all that use it.
      await Promise.all(transports.map((transport) => within(transport, ask)))
      for (const transport of transports) await within(transport, takeAway)
    }
  } finally {
    await ground.stop()
  }
  return checksOf(findings, model, all)
}

async function askModels(
  ground: Ground,
  house: House,
  short: boolean,
  findings: ModelFindings,
  progress: (line: string) => void
): Promise<void> {
  const owner = await ground.connect()
  try {
    const misdeeds = misdeedsOf(short)
    progress(`${house.transport}: ${misdeeds.length} ways in which a model fails`)
    // Those that take long wait beside each other; the rest is asked in turn, so that its time is its own.
    const long = misdeeds.filter(([, { takes }]) => takes !== 'no time')
    const asked: Promise<ModelCase>[] = []
    const stopped: Promise<StoppedCase>[] = []
    for (const [name, misdeed] of long) {
      for (const stream of [true, false]) {
        const asker = await openAsker(ground, house)
        asked.push(askBadModel(ground, house, asker, name, misdeed, stream))
      }
    }
    for (const name of short ? ['silence after a word'] : ['silence after a word', 'a drip without end']) {
      stopped.push(stopBadModel(ground, house, await openAsker(ground, house), name))
    }
    const waiting = Promise.all([Promise.all(asked), Promise.all(stopped)])
    // Awaited below; what fails before is thrown there.
    waiting.catch(() => undefined)
    for (const [name, misdeed] of misdeeds) {
      if (misdeed.takes !== 'no time') continue
      for (const stream of [true, false]) {
        judgeModel(await askBadModel(ground, house, await openAsker(ground, house), name, misdeed, stream), findings, short ? SHORT_PATIENCE : 1)
      }
    }
    const [failures, stops] = await waiting
    for (const seen of failures) judgeModel(seen, findings, short ? SHORT_PATIENCE : 1)
    for (const seen of stops) judgeStopped(seen, findings)
    for (const broken of await readBrokenInvariants(owner)) findings.free.violation(broken)
  } finally {
    await owner.end()
  }
}

function checksOf(findings: Findings, model: ModelFindings, all: Seen[]): Check[] {
  const refusals = all.flatMap(({ during }) => during).filter(({ status }) => status === 503)
  const alive = all.flatMap(({ during }) => during).filter(({ call }) => call === 'livez')
  const aliveMs = Math.max(0, ...alive.map(({ milliseconds }) => milliseconds))
  const slowestMs = Math.max(0, ...refusals.map(({ milliseconds }) => milliseconds))
  const recoveryMs = Math.max(0, ...all.flatMap(({ recoveries }) => recoveries.map(({ milliseconds }) => milliseconds)))
  const settledMs = Math.max(0, ...all.map(({ repeated }) => repeated.unsettledMs))
  const lost = all.flatMap(({ during, after }) =>
    during.filter(({ key, status }) => key !== null && status === 503 && (after.charged[key] ?? 0) > 0)
  )
  return [
    findings.answers.check(
      (tried) => `${all.length} situations, ${tried} calls`,
      `${refusals.length} × 503, the slowest after ${Math.round(slowestMs)} ms; /livez within ${Math.round(aliveMs)} ms`
    ),
    findings.closed.check((tried) => `${tried} calls that cost`, 'each granted one is in the ledger'),
    findings.charges.check(
      (tried) => `${tried} calls that cost`,
      `${lost.length} were done although their answer was lost; repeated, none cost twice`
    ),
    findings.recovery.check((tried) => `${tried} recoveries`, `the longest ${Math.round(recoveryMs)} ms`),
    findings.afterwards.check((tried) => `${tried} situations`, `the last reservation settled ${Math.round(settledMs)} ms after`),
    model.told.check((tried) => `${tried} answers`, 'as the contract says'),
    model.free.check((tried) => `${tried} answers`, 'as the ledger says')
  ]
}

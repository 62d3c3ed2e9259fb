import type { Arena } from './arena.ts'
import { type Change, lifeOf, tellChange, toVersions } from './changes.ts'
import { type Draw, drawAmount, spread, type Wish } from './draw.ts'
import type { Findings } from './findings.ts'
import { quotaKey, type Version } from './history.ts'
import { createMilestones, type Milestones } from './milestones.ts'
import { readCounters, readLedger, readPresent } from './records.ts'
import { mostOfVersions, startWatch } from './watch.ts'

const METRICS = ['messages', 'llm_tokens', 'api_calls', 'seats']

/** Wave is how one race of mixed amounts goes: `changes` per account in the middle of it; with them there are give-backs too. */
export type Wave = { name: string; accounts: number; calls: number; changes: number }

/**
 * raceMixed has callers take mixed amounts of several metrics of several accounts at once: about three times as much as there
 * is. Where `changes` are wanted, processors tell of renewals, upgrades, downgrades and ends while the callers call, each at a
 * moment that is set by how many were answered.
 */
export async function raceMixed(arena: Arena, draw: Draw, wave: Wave, findings: Findings): Promise<void> {
  const accountIds = Array.from({ length: wave.accounts }, (_, index) => `${wave.name}_${index}`)
  const lives = accountIds.map((accountId, index) =>
    // Without changes, every second account stays on plan free.
    wave.changes > 0 || index % 2 === 0 ? lifeOf(accountId, wave.changes, draw.random, Date.now()) : []
  )
  const wishes = drawWishes(arena, draw, wave, accountIds, lives)
  const planned = spread(wishes, draw)
  const total = planned.reduce((sum, each) => sum + each.length, 0)
  const begun = await Promise.all(lives.map((life) => Promise.all(life.slice(0, 1).map((change) => tell(arena, change)))))

  const milestones = createMilestones()
  const everything = lives.flatMap((life, index) => life.map((change) => ({ ...change, accountId: accountIds[index] ?? '', ...UNKNOWN })))
  const free = accountIds.map((accountId) => ({ accountId, plan: 'free', windowStartMs: 0, windowEndMs: 0, ...UNKNOWN }))
  const limits = mostOfVersions([...everything, ...free], arena.catalog.quotas)
  const watch = startWatch(arena.watcher, accountIds, limits, wave.changes === 0)
  const changing = Promise.all(lives.map((life, index) => follow(arena, life.slice(1), milestones, total, index / wave.accounts, findings)))
  // It is awaited below, after the race.
  changing.catch(() => undefined)
  const calls = await arena.crew.race(planned, arena.tokensOf(accountIds), milestones.reached)
  milestones.reached(Infinity)
  const changed = await changing
  await findings.watched(watch)

  const versions: Version[] = lives.flatMap((_, index) => toVersions([...(begun[index] ?? []), ...(changed[index] ?? [])]))
  const untold = accountIds.filter((_, index) => lives[index]?.length === 0)
  findings.judged({
    calls,
    ledger: await readLedger(arena.owner, accountIds),
    counters: await readCounters(arena.owner, accountIds),
    versions: [...versions, ...(await readPresent(arena.owner, untold))],
    ...arena.catalog
  })
  await findings.invariants(arena.databases[0])
}

const UNKNOWN = { fromMs: -Infinity, untilMs: Infinity }

type Told = { change: Change; fromMs: number; knownMs: number }

async function tell(arena: Arena, change: Change): Promise<Told> {
  return { change, ...(await tellChange(arena.databases, change)) }
}

/** follow tells an account's changes one after the other, each when its part of the calls is answered. */
async function follow(
  arena: Arena, changes: Change[], milestones: Milestones, total: number, offset: number, findings: Findings
): Promise<Told[]> {
  const told: Told[] = []
  for (const [index, change] of changes.entries()) {
    await milestones.until(((index + 0.1 + offset * 0.8) / changes.length) * total)
    told.push(await tell(arena, change))
    findings.change(change.what === 'renewal' || change.what === 'return')
  }
  return told
}

function drawWishes(arena: Arena, { random }: Draw, wave: Wave, accountIds: string[], lives: Change[][]): Wish[] {
  const perCounter = wave.calls / (wave.accounts * METRICS.length)
  const pick = <Entry>(entries: readonly Entry[]): Entry => {
    const entry = entries[Math.floor(random() * entries.length)]
    if (entry === undefined) throw new Error('There is nothing to draw from.')
    return entry
  }
  return Array.from({ length: wave.calls }, (_, index): Wish => {
    const accountId = pick(accountIds)
    const metric = pick(METRICS)
    const plan = wave.changes > 0 ? 'growth' : (lives[accountIds.indexOf(accountId)]?.length ?? 0) > 0 ? 'starter' : 'free'
    const quota = arena.catalog.quotas.get(quotaKey(plan, metric)) ?? 1
    const amount = drawAmount(random, Math.max(2, Math.ceil((quota * 20) / perCounter)))
    const isGive = wave.changes > 0 && random() < 0.05
    const named = isGive || random() < 0.6
    return {
      kind: isGive ? 'give' : 'take',
      label: `${wave.name}_${index}`,
      named,
      accountId,
      metric,
      amount,
      giveBack: wave.changes > 0 && named && !isGive && random() < 0.2 ? drawAmount(random, amount) : null,
      copies: named && !isGive && random() < 0.08 ? 1 + Math.floor(random() * 2) : 0
    }
  })
}

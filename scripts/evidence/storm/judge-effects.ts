import { type Check, startFinding } from '../suite.ts'
import { keyOf, type StormEvent } from './facts.ts'
import { saying, type Seen } from './seen.ts'

/** judgeEffects: each event left one row of effects that says what it says, or none where it has nothing to say. */
export function judgeEffects(events: readonly StormEvent[], seen: Seen): Check {
  const finding = startFinding('each event has one set of effects, and they say what it says')
  const effects = Map.groupBy(seen.effects, ({ key }) => key)
  const tombstones = new Set(seen.tombstones)
  for (const event of events) {
    finding.tried()
    const key = keyOf(event)
    const found = effects.get(key) ?? []
    effects.delete(key)
    const wanted = effectOf(event)
    if (found.length !== (wanted === null ? 0 : 1)) finding.violation(`${key} (${event.told.kind}) has ${found.length} effects`)
    else if (wanted !== null && found[0]?.says !== wanted)
      finding.violation(`${key} left "${found[0]?.says}", it says "${wanted}"`)
    const isTombstone = event.told.kind === 'closed' && event.told.whom === 'customer'
    if (isTombstone && !tombstones.delete(`${event.source} ${event.customerId}`)) finding.violation(`${key} left no tombstone`)
  }
  for (const key of effects.keys()) finding.violation(`${key} has an effect and never happened`)
  for (const key of tombstones) finding.violation(`${key} has a tombstone, and nobody deleted it`)
  return finding.check((tried) => `${tried} events`, `${seen.effects.length} rows of effects, compared fact by fact`)
}

/** effectOf words the one row of effects that an event must leave; null = none. */
export function effectOf({ told, accountId, subscriptionId, atMs, rank }: StormEvent): string | null {
  const common = { accountId, about: subscriptionId ?? '-', atMs, rank }
  switch (told.kind) {
    case 'state': {
      const { status, plan, period, cancelsAtMs } = told
      return saying({
        ...common,
        what: status,
        plan,
        startMs: period?.startMs ?? null,
        endMs: period?.endMs ?? null,
        cancelsAtMs
      })
    }
    case 'payment': {
      const { payment, plan, period, amountMinor } = told
      return saying({
        ...common,
        what: payment,
        plan,
        startMs: period?.startMs ?? null,
        endMs: period?.endMs ?? null,
        amountMinor
      })
    }
    case 'refund':
    case 'dispute':
      return saying({ ...common, about: told.reversalId, what: `${told.kind} ${told.standing}`, amountMinor: told.amountMinor })
    case 'link':
    case 'ignored':
    case 'closed':
      return null
  }
}

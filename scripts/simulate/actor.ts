import type { Answer } from '../smoke/api.ts'
import type { AccountFacts } from './accounts.ts'
import type { Stage } from './stage.ts'

/** Actor is one account about to do something: `random` draws the choices, `call` is an HTTP call that must not end in a 5xx fault. */
export type Actor = {
  accountId: string
  facts: AccountFacts
  stage: Stage
  random: () => number
  call(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<Answer>
}

/** Deed is something an account can do, or have done to it: `weight` says how likely, 0 = not now. What it resolves with is told. */
export type Deed = { name: string; weight(facts: AccountFacts): number; run(actor: Actor): Promise<string> }

/** pick draws one of the entries. */
export function pick<Entry>(random: () => number, entries: readonly Entry[]): Entry {
  const drawn = entries[Math.floor(random() * entries.length)]
  if (drawn === undefined) throw new Error('There is nothing to pick from.')
  return drawn
}

/** isLive tells whether the account pays, or is about to. */
export function isLive({ status }: AccountFacts): boolean {
  return status === 'trialing' || status === 'active' || status === 'past_due'
}

/** controlOf is the processor's side of the account's subscription. Throws where it has none. */
export function controlOf({ stage, facts }: Actor) {
  const { processor, subscription_id: subscriptionId } = facts
  if (processor === null || subscriptionId === null) throw new Error('This account has no subscription to work on.')
  return { control: stage.twin.dialect(processor).control, processor, subscriptionId }
}

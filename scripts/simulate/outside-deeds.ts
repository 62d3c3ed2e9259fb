import { controlOf, type Actor, type Deed, isLive, pick } from './actor.ts'
import { sandboxPriceId } from '../twin/catalog.ts'

/**
 * OUTSIDE_DEEDS are what happens at the processor without Parley asking: at the portal, the dashboard, the bank. What a
 * processor's rules forbid at that moment is told and passed over.
 */
export const OUTSIDE_DEEDS: readonly Deed[] = [
  outside('the card goes bad', (facts) => (isLive(facts) ? 2 : 0), ({ control, subscriptionId }) => control.setCard(subscriptionId, 'declined_later')),
  outside('a good card is given', (facts) => (facts.status === 'past_due' ? 12 : facts.status === 'paused' ? 2 : 0), ({ control, subscriptionId }) =>
    control.setCard(subscriptionId, 'good')
  ),
  outside('cancelled at the portal', (facts) => (isLive(facts) ? 1 : 0), ({ control, subscriptionId }, { random }) =>
    control.cancel(subscriptionId, pick(random, ['now', 'period_end', 'period_end'] as const))
  ),
  outside('paused at the dashboard', (facts) => (facts.status === 'active' ? 0.5 : 0), ({ control, subscriptionId }) => control.pause(subscriptionId)),
  outside('resumed at the dashboard', (facts) => (facts.status === 'paused' ? 4 : 0), ({ control, subscriptionId }) => control.resume(subscriptionId)),
  outside('plan changed at the portal', (facts) => (facts.status === 'active' ? 1.5 : 0), ({ control, processor, subscriptionId }, { random }) =>
    control.changePrice(subscriptionId, sandboxPriceId(processor, pick(random, ['starter', 'growth', 'enterprise']), pick(random, ['month', 'year'])))
  ),
  outside('refunded', (facts) => (facts.status === 'active' ? 1 : 0), ({ control, subscriptionId }, { random }) => {
    if (random() < 0.5) control.refund(subscriptionId)
    else control.refund(subscriptionId, 100)
  }),
  {
    name: 'disputed',
    weight: (facts) => (facts.status === 'active' ? 0.8 : 0),
    run: async (actor) => {
      const { control, subscriptionId } = controlOf(actor)
      return attempt(() => {
        const disputeId = control.dispute(subscriptionId)
        const outcome = pick(actor.random, ['won', 'lost', 'open'] as const)
        if (outcome !== 'open') control.closeDispute(disputeId, outcome)
        return outcome
      })
    }
  },
  {
    name: 'customer deleted',
    weight: (facts) => (isLive(facts) && facts.customer_id !== null ? 0.15 : 0),
    run: async (actor) => {
      const { control } = controlOf(actor)
      const { customer_id: customerId } = actor.facts
      return customerId === null ? 'has none' : attempt(() => control.deleteCustomer(customerId))
    }
  }
]

function outside(
  name: string,
  weight: Deed['weight'],
  act: (side: ReturnType<typeof controlOf>, actor: Actor) => void
): Deed {
  return { name, weight, run: async (actor) => attempt(() => act(controlOf(actor), actor)) }
}

function attempt(act: () => unknown): string {
  try {
    const said = act()
    return typeof said === 'string' ? said : 'done'
  } catch (error) {
    return `not possible: ${error instanceof Error ? error.message : String(error)}`
  }
}

import { z } from 'zod'
import { AnswerUnknown, ProcessorRefusal } from '../../server/src/billing/processor.ts'
import { asking, isWrongKey } from '../../server/src/billing/processors/stripe/asking.ts'
import { createStripeClient } from '../../server/src/billing/processors/stripe/client.ts'
import type { StripeAccess, StripeClient } from '../../server/src/billing/processors/stripe/client.ts'
import { StartError } from '../embedded/start-error.ts'

/** Became is what setup did, or in a dry run would do, to one object at Stripe. */
export type Became = 'created' | 'updated' | 'unchanged'

/**
 * StripeShop is the Stripe account that is set up. `ask` sends one request and parses its answer; it throws
 * {@link StartError}. `told` says what became of an object, with its place among all of them; a null id does not exist yet.
 */
export type StripeShop = {
  stripe: StripeClient
  isDryRun: boolean
  ask: <Shape extends z.ZodType>(shape: Shape, request: () => Promise<unknown>) => Promise<z.output<Shape>>
  told: (what: string, became: Became, id: string | null) => void
}

/** openShop connects to a Stripe account. `say` gets one line of progress at a time, for `total` objects. */
export function openShop(
  access: StripeAccess,
  { isDryRun, total, say }: { isDryRun: boolean; total: number; say: (line: string) => void }
): StripeShop {
  let place = 0
  return {
    stripe: createStripeClient(access),
    isDryRun,
    told(what, became, id) {
      place += 1
      const outcome = isDryRun && became !== 'unchanged' ? `would be ${became}` : became
      say(`[${place}/${total}] ${what}: ${id === null ? '' : `${id}, `}${outcome}`)
    },
    ask: (shape, request) => asking(shape, request).catch(failed)
  }
}

const PAGE = 100

/** everyPage reads a whole list; `request` gets the parameters of each page. */
export async function everyPage<Shape extends z.ZodType<{ id: string }>>(
  shop: StripeShop,
  entity: Shape,
  request: (page: { limit: number; starting_after?: string }) => Promise<unknown>
): Promise<z.output<Shape>[]> {
  const listed = z.object({ object: z.literal('list'), data: z.array(entity), has_more: z.boolean() })
  const entities: z.output<Shape>[] = []
  for (;;) {
    const last = entities.at(-1)
    const page = await shop.ask(listed, () => request({ limit: PAGE, ...(last === undefined ? {} : { starting_after: last.id }) }))
    entities.push(...page.data)
    if (!page.has_more || page.data.length === 0) return entities
  }
}

function failed(error: unknown): never {
  // Stripe's own words are for whoever owns the account.
  if (error instanceof ProcessorRefusal) {
    const detail = error.cause instanceof Error ? ` (${error.cause.message})` : ''
    throw new StartError(`${error.message}${detail}`, { cause: error })
  }
  if (error instanceof AnswerUnknown && error.cause instanceof Error && isWrongKey(error.cause)) {
    throw new StartError(`${error.message} (${error.cause.message}). Set STRIPE_SECRET_KEY to another one.`, { cause: error })
  }
  if (error instanceof AnswerUnknown) throw new StartError(`${error.message}. Nothing is lost: run the command again.`, { cause: error })
  throw error
}

import { ApiError } from '@paddle/paddle-node-sdk'
import type { Paddle } from '@paddle/paddle-node-sdk'
import { connect } from '../../server/src/billing/processors/paddle/connection.ts'
import type { ConnectionOptions } from '../../server/src/billing/processors/paddle/connection.ts'
import { AnswerUnknown, ProcessorRefusal } from '../../server/src/billing/processor.ts'
import { StartError } from '../embedded/start-error.ts'

/** Step is what became of one object at Paddle; `id` null where a dry run would have made it. */
export type Step = { what: string; became: 'made' | 'changed' | 'is there'; id: string | null }

/**
 * PaddleShop is the Paddle account that is set up. `ask` sends one request, within 10 s, and throws {@link StartError}. `told`
 * says what became of an object, with its place among all of them.
 */
export type PaddleShop = {
  paddle: Paddle
  isDryRun: boolean
  ask: <Value>(request: () => Promise<Value>) => Promise<Value>
  told: (step: Step) => void
}

/** openShop connects to a Paddle account. `say` gets one line of progress at a time, for `total` objects. */
export function openShop(
  options: ConnectionOptions,
  { isDryRun, total, say }: { isDryRun: boolean; total: number; say: (line: string) => void }
): PaddleShop {
  const { paddle, startCall } = connect(options)
  let place = 0
  return {
    paddle,
    isDryRun,
    told: ({ what, became, id }) => {
      place += 1
      const outcome = isDryRun && became !== 'is there' ? `would be ${became}` : became
      say(`[${place}/${total}] ${what}: ${id === null ? '' : `${id}, `}${outcome}`)
    },
    ask: async (request) => {
      try {
        return await startCall()(request)
      } catch (error) {
        throw startErrorOf(error)
      }
    }
  }
}

/** everyPage reads a whole list. */
export async function everyPage<Entity>(
  shop: PaddleShop,
  list: { hasMore: boolean; next: () => Promise<Entity[]> }
): Promise<Entity[]> {
  const entities: Entity[] = []
  while (list.hasMore) entities.push(...(await shop.ask(() => list.next())))
  return entities
}

function startErrorOf(error: unknown): unknown {
  // Paddle's own words are for whoever owns the account, and hold no key.
  if (error instanceof ProcessorRefusal) {
    const detail = error.cause instanceof ApiError ? ` Paddle says: ${error.cause.detail}` : ''
    return new StartError(`${error.message}${detail}`, { cause: error })
  }
  if (error instanceof AnswerUnknown && error.cause instanceof ApiError && error.cause.type === 'request_error') {
    return new StartError(`${error.message}. Paddle says: ${error.cause.detail} Set PADDLE_API_KEY to another one.`, { cause: error })
  }
  if (error instanceof AnswerUnknown) {
    return new StartError(`${error.message}. Nothing is lost: run the command again.`, { cause: error })
  }
  return error
}

import { z } from 'zod'
import { codeOf, StartError } from '../embedded/start-error.ts'

const subscriptionSchema = z.object({
  processor: z.string(),
  subscriptionId: z.string(),
  customerId: z.string(),
  accountId: z.string().nullable(),
  status: z.string(),
  priceId: z.string(),
  periodEnd: z.string().nullable(),
  cancelsAt: z.string().nullable()
})

const answerSchema = z.looseObject({ now: z.string(), nextDue: z.string().nullable() })
const stateSchema = answerSchema.extend({
  subscriptions: z.array(subscriptionSchema),
  webhooks: z.record(z.string(), z.record(z.string(), z.union([z.number(), z.boolean(), z.string(), z.null()])))
})

/** askControl sends a request to the twin's control API (`body` null: GET). Throws {@link StartError} with its sentence. */
export async function askControl(url: string, path: string, body: object | null): Promise<unknown> {
  const request = body === null ? {} : { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }
  let answer: Response
  try {
    answer = await fetch(`${url}/${path}`, request)
  } catch (error) {
    const reason = codeOf(error instanceof Error ? error.cause : undefined) || 'no answer'
    throw new StartError(`The offline twin does not answer at ${url} (${reason}).`, { cause: error })
  }
  const json: unknown = await answer.json()
  if (answer.ok) return json
  const refusal = z.object({ error: z.string() }).safeParse(json)
  throw new StartError(refusal.success ? refusal.data.error : `The twin answered ${answer.status}.`)
}

/** describeAnswer tells what an action gave back, a line each. */
export function describeAnswer(answer: unknown): string[] {
  const { now, nextDue, ...result } = answerSchema.parse(answer)
  const lines = Object.entries(result).map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
  return [...lines, `done at ${now}; next: ${nextDue ?? 'nothing'}`]
}

/** describeState tells how the twin stands, or one processor there. */
export function describeState(answer: unknown, processor: string | null): string[] {
  const { now, nextDue, subscriptions, webhooks } = stateSchema.parse(answer)
  const listed = subscriptions.filter((subscription) => processor === null || subscription.processor === processor)
  const lines = listed.map(({ subscriptionId, accountId, status, priceId, periodEnd, cancelsAt, customerId }) => {
    const until = cancelsAt === null ? `until ${periodEnd ?? '-'}` : `cancels at ${cancelsAt}`
    return `${subscriptionId}  ${status}  ${priceId}  ${until}  account ${accountId ?? '-'}  customer ${customerId}`
  })
  const deliveries = Object.entries(webhooks)
    .filter(([name]) => processor === null || name === processor)
    .map(([name, facts]) => `webhooks of ${name}: ${Object.entries(facts).map(([key, value]) => `${key} ${value}`).join(', ')}`)
  return [`${now}; next: ${nextDue ?? 'nothing'}`, ...(lines.length > 0 ? lines : ['no subscriptions']), ...deliveries]
}

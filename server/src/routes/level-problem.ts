import type { Database } from '../db/database.ts'
import { readSubscription } from '../db/functions/read-subscription.ts'
import { Problem, quotaProblem, type RefusedDecision } from '../errors.ts'
import { formatTime } from '../http/time.ts'

/**
 * levelProblem is the 402 for a level (chatbots, storage) that is full. While a downgrade is scheduled the level is held to
 * the smaller plan, and an upgrade would be refused: it then says so, and offers to undo the downgrade.
 */
export async function levelProblem(
  db: Database,
  accountId: string,
  decision: RefusedDecision,
  metric: string,
  requested: number
): Promise<Problem> {
  const usual = quotaProblem(decision, metric, requested)
  const { changeDirection, changePlan, changeAt } = await readSubscription(db, { accountId })
  if (changeDirection !== 'downgrade' || changePlan === null || changeAt === null) return usual
  const { used, quota } = decision
  const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' }).format(new Date(changeAt))
  return new Problem(
    'quota_exceeded',
    `Limit reached: ${used ?? 0} of ${quota ?? 0} ${metric.replaceAll('_', ' ')} are used. The change to the ${changePlan} plan on ${day} ` +
      'holds you to its limit already: delete some, or undo the change.',
    {
      ...(usual.limit && { limit: usual.limit }),
      resolutions: [
        { action: 'undo_change', plan: changePlan, at: formatTime(changeAt) },
        ...(usual.resolutions ?? []).filter(({ action }) => action === 'delete')
      ]
    }
  )
}

import type { BillingPlans } from '../../../../server/src/contract/billing-plans.ts'
import type { Limit, ProblemBody } from '../../../../server/src/contract/problem.ts'
import type { Usage } from '../../../../server/src/contract/usage.ts'
import { formatAmount, formatNumber } from '../../lib/format.ts'
import { bytesApart } from '../../lib/bytes-apart.ts'

type SoldPlan = BillingPlans['data'][number]
type Words = { title: string; one: string; many: string }

const WORDS: Readonly<Record<string, Words>> = {
  chatbots: { title: 'Chatbot limit reached', one: 'chatbot', many: 'chatbots' },
  storage_bytes: { title: 'Not enough storage', one: 'of storage', many: 'of storage' },
  messages: { title: 'Message limit reached', one: 'message', many: 'messages' },
  llm_tokens: { title: 'Token limit reached', one: 'token', many: 'tokens' },
  api_calls: { title: 'API call limit reached', one: 'API call', many: 'API calls' },
  seats: { title: 'Seat limit reached', one: 'seat', many: 'seats' },
  chatbot_messages: {
    title: 'This chatbot reached its own cap', one: 'message of this chatbot', many: 'messages of this chatbot'
  }
}

function wordsOf(metric: string): Words {
  const plain = metric.replaceAll('_', ' ')
  return WORDS[metric] ?? { title: 'Plan limit reached', one: plain, many: plain }
}

/** limitTitle names the limit that refused. */
export function limitTitle(problem: ProblemBody): string {
  if (problem.code === 'chatbot_read_only') return 'This chatbot is read-only'
  return problem.limit === undefined ? problem.title : wordsOf(problem.limit.metric).title
}

/** amountInWords writes an amount with its unit: `3 chatbots`, `3.1 MB of storage`. */
export function amountInWords(metric: string, amount: number): string {
  const { one, many } = wordsOf(metric)
  return `${formatAmount(metric, amount)} ${amount === 1 ? one : many}`
}

/** quotaInWords writes what a plan holds; null is unlimited. */
export function quotaInWords(metric: string, quota: number | null): string {
  if (quota !== null) return amountInWords(metric, quota)
  return metric === 'storage_bytes' ? 'unlimited storage' : `unlimited ${wordsOf(metric).many}`
}

/** usedInWords writes what is used of what there is: `3 of 3 chatbots`. */
export function usedInWords({ metric, used, quota }: Pick<Limit, 'metric' | 'used' | 'quota'>): string {
  if (quota === null) return amountInWords(metric, used)
  return `${formatAmount(metric, used)} of ${amountInWords(metric, quota)}`
}

/** shortfallInWords says what was asked for where something is left, which is too little; null where nothing is. */
export function shortfallInWords({ metric, requested, remaining }: Limit): string | null {
  if (remaining === null || remaining <= 0 || requested <= remaining) return null
  const isStorage = metric === 'storage_bytes'
  const [needed, left] = isStorage ? bytesApart(requested, remaining) : [formatNumber(requested), formatNumber(remaining)]
  return `This needs ${needed}, and ${left} is left.`
}

/**
 * factsOf returns the numbers of a refusal. A read-only chatbot carries none: they are those of the meter of chatbots, null
 * as long as that is not known.
 */
export function factsOf(problem: ProblemBody, usage: Usage | undefined): Limit | null {
  if (problem.limit !== undefined) return problem.limit
  if (problem.code !== 'chatbot_read_only') return null
  const chatbots = usage?.metrics.find(({ metric }) => metric === 'chatbots')
  if (chatbots === undefined) return null
  const { metric, used, quota, remaining, resetsAt } = chatbots
  return { metric, used, quota, remaining, resetsAt, requested: 0 }
}

/** planThatHelps returns the smallest larger plan that holds what is used and what was asked for; null where none does. */
export function planThatHelps(plans: readonly SoldPlan[], limit: Limit): { plan: SoldPlan; quota: number | null } | null {
  for (const plan of plans) {
    const row = plan.quotas.find(({ metric }) => metric === limit.metric)
    if (plan.direction !== 'upgrade' || row === undefined) continue
    if (row.quota === null || row.quota >= limit.used + limit.requested) return { plan, quota: row.quota }
  }
  return null
}

/** excessOf is how much of a level must go before what was asked for fits; at least 1. */
export function excessOf({ used, requested, quota }: Limit): number {
  return Math.max(1, used + requested - (quota ?? 0))
}

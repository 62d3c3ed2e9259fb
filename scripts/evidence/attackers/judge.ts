import { problemSchema } from '../../../server/src/contract/problem.ts'
import type { Answer } from './http-client.ts'

/** Rule is what an answer must be: one of these statuses, where given; `mayBeAway`: the contract names 503 for it. */
export type Rule = { statuses?: readonly number[]; mayBeAway: boolean }

const AWAY_CODES = new Set(['service_unavailable', 'processor_unavailable', 'model_unavailable', 'widget_unavailable'])
// Node answers this itself where a request has no host, without a body, and closes.
const BODILESS = 400

/**
 * faultOf judges an answer to an attacker; null where it is as it must be. It must come in time, be no fault of the server,
 * hold no canary, be a problem in application/problem+json from 400 on, and have a status of the rule.
 */
export function faultOf(answer: Answer, rule: Rule): string | null {
  const { status, fault, leak } = answer
  if (leak !== null) return `the answer (${status}) holds ${leak}`
  if (fault !== null) return fault
  const problem = status >= 400 ? problemOf(answer) : null
  if (status >= 400 && problem === null && !isBodiless(answer)) return `${status} is no problem+json: ${answer.text.slice(0, 120)}`
  if (status >= 500) {
    const isAway = status === 503 && rule.mayBeAway && AWAY_CODES.has(problem?.code ?? '')
    if (!isAway) return `a fault of the server: ${status} ${problem?.code ?? ''}`
  }
  if (rule.statuses !== undefined && !rule.statuses.includes(status)) {
    return `${status} ${problem?.code ?? ''} instead of ${rule.statuses.join(', ')}`
  }
  return null
}

/** problemOf parses the body of an error; null unless it is a problem of this status in its media type. */
export function problemOf({ status, headers, text }: Answer): { code: string; detail: string } | null {
  if (!headers['content-type']?.startsWith('application/problem+json')) return null
  try {
    const parsed = problemSchema.safeParse(JSON.parse(text))
    return parsed.success && parsed.data.status === status ? parsed.data : null
  } catch {
    return null
  }
}

/** isBodiless tells what Node refuses before anybody else can answer. */
function isBodiless({ status, headers, text }: Answer): boolean {
  return status === BODILESS && text === '' && headers['connection'] === 'close' && headers['x-request-id'] === undefined
}

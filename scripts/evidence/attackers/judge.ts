import { problemSchema } from '../../../server/src/contract/problem.ts'
import type { Answer } from './http-client.ts'

/** Rule is what an answer must be: one of these statuses, where given; `mayBeAway`: the contract names 503 for it. */
export type Rule = { statuses?: readonly number[]; mayBeAway: boolean }

const AWAY_CODES = new Set(['service_unavailable', 'processor_unavailable', 'model_unavailable', 'widget_unavailable'])
// Node's HTTP parser answers these itself, without a body, and closes: no request has come into being.
const PARSER_REFUSALS = new Set([400, 408, 413, 431])

/**
 * faultOf judges an answer to an attacker; null where it is as it must be. It must come in time, be no fault of the server,
 * hold no canary, be a problem in application/problem+json from 400 on, and have a status of the rule.
 */
export function faultOf(answer: Answer, rule: Rule): string | null {
  const { status, fault, leak } = answer
  if (leak !== null) return `the answer (${status}) holds ${leak}`
  if (fault !== null) return fault
  const problem = status >= 400 ? problemOf(answer) : null
  if (status >= 400 && problem === null &&
    !isParserRefusal(answer)) return `${status} is no problem+json: ${answer.text.slice(0, 120)}`
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

/** isParserRefusal tells a refusal by Node's HTTP parser from an answer of the server's own. */
export function isParserRefusal({ status, headers, text }: Answer): boolean {
  return PARSER_REFUSALS.has(status) && text === '' && headers['connection'] === 'close' && headers['x-request-id'] === undefined
}

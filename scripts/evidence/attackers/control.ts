import { type Finding, startFinding } from '../suite.ts'
import type { Ask } from './http-client.ts'
import { faultOf, problemOf } from './judge.ts'
import type { Operation } from './operations.ts'
import { bodiesFor, requestOf } from './requests.ts'
import { Unfillable } from './schema-values.ts'
import { idsFor, type Tenant } from './tenant.ts'

/** Credentials is what somebody shows, by the scheme an operation is secured with. */
export type Credentials = (scheme: Operation['scheme'], operation: Operation) => Record<string, string>

// What the owner of all ids, with a body that the schema allows, is not told: the request itself would be at fault.
const OWN_FAULT = new Set([400, 404, 405, 413, 415])

/**
 * controlOwner sends every operation as the one who owns the ids. What answers that the request was wrong was not filled
 * rightly, and attacking it would show nothing. An operation without ids may answer 404: it is switched off here.
 */
export async function controlOwner(
  ask: Ask,
  operations: readonly Operation[],
  owner: Tenant,
  credentials: Credentials
): Promise<{ finding: Finding; bodyOf: BodyOf }> {
  const accepted = new Map<string, number>()
  const finding = startFinding('every operation of the OpenAPI document is filled: its owner gets through')
  // What deletes comes last, and the inner things first.
  const order = (operation: Operation) => (operation.method === 'DELETE' ? 1_000 - operation.path.length : 0)
  for (const operation of operations.toSorted((one, other) => order(one) - order(other))) {
    finding.tried()
    const outcome = await bodyForOwner(ask, operation, idsFor(owner, operation), credentials)
    if (typeof outcome === 'number') accepted.set(operation.name, outcome)
    else finding.violation(`${operation.name}: ${outcome}`)
  }
  return { finding, bodyOf: (operation, ids) => bodiesFor(operation, ids)[accepted.get(operation.name) ?? 0] }
}

/** BodyOf makes the body of an operation that its owner got through with, for somebody's ids. */
export type BodyOf = (operation: Operation, ids: Readonly<Record<string, string>>) => unknown

/** bodyForOwner answers which of its bodies was taken, or what was at fault. */
async function bodyForOwner(ask: Ask, operation: Operation, ids: Readonly<Record<string, string>>,
  credentials: Credentials): Promise<number | string> {
  const hasIds = operation.parameters.some((parameter) => parameter.in === 'path')
  let last = 'nothing to send'
  try {
    for (const [place, body] of bodiesFor(operation, ids).entries()) {
      const answer = await ask(requestOf(operation, { ids, body, headers: credentials(operation.scheme, operation) }))
      const fault = faultOf(answer, { mayBeAway: operation.statuses.includes(503) })
      if (fault !== null) return fault
      const isOff = answer.status === 404 && !hasIds
      // A delivery is verified by its body, which is tried elsewhere.
      const isUnsigned = answer.status === 401 && operation.scheme === null
      if (isOff || isUnsigned || (!OWN_FAULT.has(answer.status) && answer.status !== 401)) return place
      last = `${answer.status} ${problemOf(answer)?.detail ?? answer.text.slice(0, 200)}`
    }
  } catch (error) {
    if (error instanceof Unfillable) return `it could not be filled: ${error.message}`
    throw error
  }
  return `it could not be filled: ${last}`
}

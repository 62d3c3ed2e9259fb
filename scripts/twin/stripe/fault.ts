/** FaultType is `error.type` of Stripe's answers. */
export type FaultType = 'invalid_request_error' | 'card_error' | 'idempotency_error' | 'api_error'

/**
 * Fault is a request that Stripe refuses; it becomes `{"error": {…}}` with `status`. `unsaved`: a repeat with the same key
 * is tried again.
 */
export class Fault extends Error {
  readonly status: number
  readonly body: { error: Record<string, string> }
  readonly unsaved: boolean

  constructor(
    status: number,
    error: { type: FaultType; message: string; code?: string; param?: string; decline_code?: string },
    unsaved = false
  ) {
    super(error.message)
    this.status = status
    this.body = { error }
    this.unsaved = unsaved
  }
}

/** invalid is a request with a value that cannot be. */
export function invalid(message: string, param?: string, code?: string): Fault {
  return new Fault(400, { type: 'invalid_request_error', message, ...(code ? { code } : {}), ...(param ? { param } : {}) })
}

/** missing is an id that is not there: 404 where the path names it, 400 where a parameter does. */
export function missing(what: string, id: string, param = 'id'): Fault {
  const status = param === 'id' ? 404 : 400
  return new Fault(status, {
    type: 'invalid_request_error',
    code: 'resource_missing',
    message: `No such ${what}: '${id}'`,
    param
  })
}

/** declined is a card that the bank refuses. */
export function declined(): Fault {
  return new Fault(402, {
    type: 'card_error',
    code: 'card_declined',
    decline_code: 'generic_decline',
    message: 'Your card was declined.'
  })
}

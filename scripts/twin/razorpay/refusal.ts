/**
 * Refusal is Razorpay's no: HTTP 400 with `code: BAD_REQUEST_ERROR`. Its message is the `description`; `field` names the
 * parameter at fault, `reason` the cause, where Razorpay gives one. Descriptions marked (observed) were seen at the live API
 * in test mode by others and differ from the documentation in case and full stops.
 */
export class Refusal extends Error {
  readonly field: string | null
  readonly reason: string | null
  constructor(description: string, details: { field?: string; reason?: string } = {}) {
    super(description)
    this.name = 'Refusal'
    this.field = details.field ?? null
    this.reason = details.reason ?? null
  }
}

/** unknownId is the refusal for an id that does not exist. Razorpay answers 400 to it, not 404. */
export function unknownId(): Refusal {
  return new Refusal('The id provided does not exist', { reason: 'input_validation_failed' })
}

/** notWanted is the refusal for parameters that an endpoint does not take (observed). */
export function notWanted(fields: string[]): Refusal {
  return new Refusal(`${fields.join(', ')} is/are not required and should not be sent`)
}

/** notFound is the refusal for a path that does not exist: a 400 too. */
export function notFound(): Refusal {
  return new Refusal('The requested URL was not found on the server.')
}

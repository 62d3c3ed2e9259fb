import type { IncomingHttpHeaders } from 'node:http'
import type { BillingEvent, Normalised, ProcessorName } from './billing-event.ts'

/** Unreadable: a verified delivery that is no JSON object with an event id and a type. Answered 400, nothing stored. */
export class Unreadable extends Error {}

/** Verification: `valid` or the reason, which names the fault and never contains a signature or a secret. */
export type Verification = { valid: true } | { valid: false; reason: string }

/**
 * Processor is the port one payment processor implements in its own folder. It never touches the database, the HTTP
 * framework or another processor (ARCHITECTURE.md, Boundaries); adding a processor is one folder that passes the contract suite.
 */
export type Processor = {
  name: ProcessorName

  /**
   * verify checks the signature over the raw bytes: every secret against every signature, in constant time, and the
   * age on both sides of `nowMs`.
   */
  verify(delivery: { rawBody: Buffer; headers: IncomingHttpHeaders; nowMs: number }): Verification

  /** normalise turns the raw body of a verified delivery into Parley's words. Pure. Throws {@link Unreadable}. */
  normalise(rawBody: string): Normalised

  /**
   * fetchSubscription asks the processor for the present state, as a `state` event as of the time of asking; it settles
   * ties. Null where no API key is configured.
   */
  fetchSubscription: ((subscriptionId: string) => Promise<BillingEvent>) | null
}

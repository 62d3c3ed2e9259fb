import type { IncomingHttpHeaders } from 'node:http'
import type { BillingEvent, Normalised, ProcessorName, SourceName } from './billing-event.ts'

/** Unreadable: a verified delivery that is no JSON object with an event id and a type. Answered 400, nothing stored. */
export class Unreadable extends Error {}

/** Verification: `valid` or the reason, which names the fault and never contains a signature or a secret. */
export type Verification = { valid: true } | { valid: false; reason: string }

/** EventSource is whoever delivers webhooks: the part of a processor that Clerk has too. */
export type EventSource = {
  name: SourceName

  /**
   * verify checks the signature over the raw bytes: every secret against every signature, in constant time, and the
   * age on both sides of `nowMs`.
   */
  verify(delivery: { rawBody: Buffer; headers: IncomingHttpHeaders; nowMs: number }): Verification

  /** normalise turns the raw body of a verified delivery into Parley's words. Pure. Throws {@link Unreadable}. */
  normalise(rawBody: string): Normalised
}

/**
 * Processor is the port one payment processor implements in its own folder. It never touches the database, the HTTP
 * framework or another processor (ARCHITECTURE.md, Boundaries); adding a processor is one folder that passes the contract suite.
 */
export type Processor = EventSource & {
  name: ProcessorName
  /** api is how Parley asks the processor; null where no API key is configured. */
  api: ProcessorApi | null
}

/**
 * ProcessorRefusal: the processor understood and said no, so that nothing has changed. `reason` is a sentence for the
 * owner, without ids or secrets.
 */
export class ProcessorRefusal extends Error {
  readonly code: 'declined' | 'not_possible' | 'not_found' | 'busy' | 'invalid'
  constructor(code: ProcessorRefusal['code'], reason: string, options?: { cause?: unknown }) {
    super(reason, options)
    this.name = 'ProcessorRefusal'
    this.code = code
  }
}

/**
 * AnswerUnknown: no answer, or one that tells nothing (a timeout, a broken connection, a 5xx, 429): the call may have
 * taken effect. It is repeated with the same key, never reported as failed.
 */
export class AnswerUnknown extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'AnswerUnknown'
  }
}

/**
 * CheckoutRequest: `checkoutId` is Parley's own id of the checkout and goes along as metadata, as the account does.
 * `trialDays` 0 = none; ignored where a trial belongs to the price (Paddle). `expiresAt` is RFC 3339.
 */
export type CheckoutRequest = {
  accountId: string
  checkoutId: string
  customerId: string | null
  priceId: string
  trialDays: number
  returnUrl: string
  cancelUrl: string
  expiresAt: string
}

/** Checkout is how a checkout stands at the processor; `id` is the processor's. `url` is the page to send the buyer to. */
export type Checkout = {
  id: string
  status: 'open' | 'complete' | 'expired'
  url: string | null
  subscriptionId: string | null
  customerId: string | null
}

/** ChangePreview is what a change now would cost now (negative = credited), in minor units; null where the processor cannot tell. */
export type ChangePreview = { dueNowMinor: number; currency: string } | null

/**
 * Invoice is an invoice as its processor has it; times in RFC 3339. `totalMinor` is in minor units: what was or is to be paid
 * after credit, negative where it is credited. `hasDocument`: {@link ProcessorApi.invoiceDocument} has an address for it.
 * `refunded` is a paid one whose money went back in full, where the processor tells that along with the invoices.
 */
export type Invoice = {
  id: string
  number: string | null
  status: 'draft' | 'open' | 'paid' | 'past_due' | 'void' | 'uncollectible' | 'refunded'
  totalMinor: number
  currency: string
  issuedAt: string
  periodStart: string | null
  periodEnd: string | null
  hasDocument: boolean
}

/** InvoiceOwner is whose invoices may be given: nothing but what the processor itself says is theirs. */
export type InvoiceOwner = { customerId: string | null; subscriptionId: string | null }

/** InvoiceDocument is where an invoice can be read, for anybody who has the address. */
export type InvoiceDocument = { url: string; kind: 'pdf' | 'page' }

/** ListedEntry is one thing that happened: `payload` is kept in the inbox as a delivery's body would be. */
export type ListedEntry = { payload: string; normalised: Normalised }

/**
 * ProcessorApi are the calls Parley makes. Every changing call takes a `key`, stored before the call: repeated with the
 * same key it has one effect. All have a timeout of at most 10 s and throw {@link ProcessorRefusal} or {@link AnswerUnknown}.
 * What they return is the subscription's state *as of the time of asking*.
 */
export type ProcessorApi = {
  createCheckout(request: CheckoutRequest, key: string): Promise<Checkout>
  fetchCheckout(checkoutId: string): Promise<Checkout>
  /** expireCheckout makes a checkout unpayable; one that is complete stays so, and says it. */
  expireCheckout(checkoutId: string): Promise<Checkout>
  previewChange(change: { subscriptionId: string; priceId: string }): Promise<ChangePreview>
  /**
   * changePlan: `now` bills the difference at once and changes nothing when the payment is declined; `period_end` lets
   * the next renewal be for `priceId` and bills nothing before. Paddle applies the latter to its records at once, and
   * is therefore only asked shortly before the renewal (docs/decisions/0007).
   */
  changePlan(change: { subscriptionId: string; priceId: string; when: 'now' | 'period_end' }, key: string): Promise<BillingEvent>
  /** undoPlanChange takes back a `period_end` change that has not come yet; nothing where none is pending. */
  undoPlanChange(change: { subscriptionId: string }, key: string): Promise<BillingEvent>
  cancel(change: { subscriptionId: string; when: 'now' | 'period_end' }, key: string): Promise<BillingEvent>
  /** resume takes back a planned cancellation, and starts a paused subscription again. */
  resume(change: { subscriptionId: string }, key: string): Promise<BillingEvent>
  pause(change: { subscriptionId: string }, key: string): Promise<BillingEvent>
  /** portal returns a page where the customer manages payment methods and invoices, for a short time. */
  portal(request: { customerId: string; subscriptionId: string | null; returnUrl: string }): Promise<{ url: string }>
  /** listInvoices lists the newest of an owner, newest first, at most `limit` (1 to 30); `hasMore`: there are older ones. */
  listInvoices(request: InvoiceOwner & { limit: number }): Promise<{ invoices: Invoice[]; hasMore: boolean }>
  /** invoiceDocument says where an invoice can be read now; null where there is none, and for an invoice of anybody else. */
  invoiceDocument(invoiceId: string, owner: InvoiceOwner): Promise<InvoiceDocument | null>
  /** fetchSubscription asks how it stands, as a `state` event as of the time of asking; it settles ties. */
  fetchSubscription(subscriptionId: string): Promise<BillingEvent>
  /**
   * listSince lists what happened since a time, oldest first where the processor allows, a page at a time: events with the ids
   * their webhooks carry, or, where a processor keeps no list of events (Razorpay), the present states of all its
   * subscriptions, refunds and disputes. `cursor` null = the first page, and in the answer = that was the last.
   */
  listSince(request: { since: string; cursor: string | null }): Promise<{ entries: ListedEntry[]; cursor: string | null }>
}

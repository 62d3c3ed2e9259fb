import { z } from 'zod'
import { CARDS, type Card, type Control } from './dialect.ts'

const id = z.string().min(1).max(255)
const CARD_NAMES = ['good', 'declined', 'declined_later'] as const satisfies readonly Card[]
const numbers: Record<string, Card> = CARDS

/** cardSchema is a card by its name or by its number. */
export const cardSchema = z.string().transform((text, context): Card => {
  const card = CARD_NAMES.find((name) => name === text) ?? numbers[text.replaceAll(' ', '')]
  if (card !== undefined) return card
  context.addIssue(`There is no such card: ${CARD_NAMES.join(', ')}, or ${Object.keys(CARDS).join(', ')}.`)
  return z.NEVER
})

const subscription = z.strictObject({ subscriptionId: id })

// What each action takes and does; the names are those of Control.
const ACTIONS = {
  pay: (control, body) => {
    const { checkoutId, card } = z.strictObject({ checkoutId: id, card: cardSchema.default('good') }).parse(body)
    return { paid: control.pay(checkoutId, card) }
  },
  setCard: (control, body) => {
    const { subscriptionId, card } = subscription.extend({ card: cardSchema }).parse(body)
    control.setCard(subscriptionId, card)
  },
  cancel: (control, body) => {
    const { subscriptionId, when } = subscription.extend({ when: z.enum(['now', 'period_end']) }).parse(body)
    control.cancel(subscriptionId, when)
  },
  pause: (control, body) => control.pause(subscription.parse(body).subscriptionId),
  resume: (control, body) => control.resume(subscription.parse(body).subscriptionId),
  changePrice: (control, body) => {
    const { subscriptionId, priceId } = subscription.extend({ priceId: id }).parse(body)
    control.changePrice(subscriptionId, priceId)
  },
  refund: (control, body) => {
    const { subscriptionId, amountMinor } = subscription.extend({ amountMinor: z.int().positive().optional() }).parse(body)
    return { refundId: control.refund(subscriptionId, ...(amountMinor === undefined ? [] : [amountMinor])) }
  },
  dispute: (control, body) => ({ disputeId: control.dispute(subscription.parse(body).subscriptionId) }),
  closeDispute: (control, body) => {
    const { disputeId, outcome } = z.strictObject({ disputeId: id, outcome: z.enum(['won', 'lost']) }).parse(body)
    control.closeDispute(disputeId, outcome)
  },
  deleteCustomer: (control, body) => control.deleteCustomer(z.strictObject({ customerId: id }).parse(body).customerId)
} as const satisfies Record<keyof Control, (control: Control, body: unknown) => object | void>

/** ControlAction is the name of a function of Control. */
export type ControlAction = keyof Control

/** isControlAction tells whether `text` is one. */
export function isControlAction(text: string): text is ControlAction {
  return Object.hasOwn(ACTIONS, text)
}

/** runControl checks `body` and does it; returns what it gives back, e.g. `{refundId}`. Throws ZodError, and Control's errors. */
export function runControl(control: Control, action: ControlAction, body: unknown): object {
  return ACTIONS[action](control, body) ?? {}
}

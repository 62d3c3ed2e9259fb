/**
 * Notes are what the callers of a run remember: all they sent, and what was acknowledged. They are judged against the tables
 * (judge.ts). `unexpected` are answers that no crash explains.
 */
export type Notes = {
  deliveries: DeliveryNote[]
  charges: ChargeNote[]
  questions: QuestionNote[]
  unexpected: string[]
}

/**
 * DeliveryNote is one event of a processor: `inboxId` is its id in the inbox, `place` its place in the life of its
 * subscription (0: it says nothing of the plan), `answers` the outcomes it was acknowledged with, in order.
 */
export type DeliveryNote = {
  processor: string
  inboxId: string
  accountId: string
  plan: string
  place: number
  answers: string[]
}

/** ChargeNote is one quota call; `answers` are all it was acknowledged with. One that was given up was never acknowledged. */
export type ChargeNote = {
  accountId: string
  metric: string
  amount: number
  key: string
  answers: { allowed: boolean; used: number | null }[]
  givenUp: boolean
}

/** QuestionNote is one question; `answers` are the messages that were read to their end. */
export type QuestionNote = { accountId: string; conversationId: string; key: string; answers: string[] }

/** emptyNotes begins them. */
export function emptyNotes(): Notes {
  return { deliveries: [], charges: [], questions: [], unexpected: [] }
}

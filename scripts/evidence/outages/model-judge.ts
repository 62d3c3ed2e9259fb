import { type Finding, startFinding } from '../suite.ts'
import type { Misdeed } from './bad-model.ts'
import type { Note } from './judge.ts'

/**
 * MODEL_LIMITS_MS: how soon the caller must hear of a misdeed, by what the server waits for: itself, 20 s for a first word,
 * 120 s for a whole answer; each with two seconds for everything else.
 */
export const MODEL_LIMITS_MS: Readonly<Record<Misdeed['takes'], number>> = {
  'no time': 2_000,
  'the first word': 22_000,
  'the whole answer': 122_000
}

/** Cost is what one answer was charged in the end, and what is still reserved for it. */
export type Cost = { messages: number; tokens: number; open: number }

/** ModelCase is one question to a model that goes wrong: how the caller heard of it, and what it cost. */
export type ModelCase = { name: string; moment: Misdeed['moment']; takes: Misdeed['takes']; note: Note; cost: Cost }

/** StoppedCase is an answer stopped after `streamedTokens` by a call answered `status`; its question took at most `promptTokens`. */
export type StoppedCase = { name: string; status: number; streamedTokens: number; promptTokens: number; cost: Cost }

/** ModelFindings are the guarantees about a model that goes wrong. */
export type ModelFindings = Record<'told' | 'free', Finding>

/** startModelFindings begins the checks. */
export function startModelFindings(): ModelFindings {
  return {
    told: startFinding('a model that fails: 503 before the first word, an error at the end of the stream after it, in its time'),
    free: startFinding('a failed answer costs nothing, a stopped one what was streamed')
  }
}

/** judgeModel holds a case against the contract of the chat route; `patience` stretches every time limit. */
export function judgeModel({ name, moment, takes, note, cost }: ModelCase, { told, free }: ModelFindings, patience = 1): void {
  const { call, status, fault, milliseconds } = note
  const what = fault === null ? String(status) : `${status} with ${fault}`
  const seen = `a model with ${name}: ${call} answered ${what} after ${Math.round(milliseconds)} ms`
  const charged = `${cost.messages} messages, ${cost.tokens} tokens`
  told.tried()
  free.tried()
  if (milliseconds > MODEL_LIMITS_MS[takes] * patience) told.violation(seen)
  if (cost.open > 0) free.violation(`${seen}, and ${cost.open} reservations are open`)
  if (moment === 'never') {
    if (status < 200 || status > 299 || fault !== null) told.violation(`${seen}, although the answer was whole`)
    if (cost.messages !== 1 || cost.tokens < 1) free.violation(`${seen}, and ${charged} are charged`)
    return
  }
  // As JSON nothing is sent before the end, so that it is always told by the status.
  const isToldByStatus = moment === 'before' || call === 'answer as JSON'
  const isRefused = status === 503 && note.hasRetryAfter && note.isProblem
  const isTold = isToldByStatus ? isRefused : status === 200 && fault === 'model_unavailable'
  if (!isTold) told.violation(`${seen}, where ${isToldByStatus ? '503' : 'an error at the end of the stream'} was due`)
  if (cost.messages !== 0 || cost.tokens !== 0) free.violation(`${seen}, and is charged ${charged}`)
}

/** judgeStopped: what was stopped costs one message, its question, and the words that were streamed. */
export function judgeStopped(stopped: StoppedCase, { told, free }: ModelFindings): void {
  const { name, status, streamedTokens, promptTokens, cost } = stopped
  told.tried()
  free.tried()
  const seen = `an answer stopped while its model was ${name}`
  if (status !== 200) told.violation(`${seen}: stopping answered ${status}`)
  if (cost.open > 0) free.violation(`${seen}: ${cost.open} reservations are open`)
  const most = promptTokens + streamedTokens
  if (cost.messages !== 1 || cost.tokens < streamedTokens || cost.tokens > most) {
    const due = `1 and ${streamedTokens} to ${most} were due`
    free.violation(`${seen} is charged ${cost.messages} messages and ${cost.tokens} tokens, where ${due}`)
  }
}

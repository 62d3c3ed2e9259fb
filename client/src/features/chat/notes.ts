import type { ChatbotBody } from '../../../../server/src/contract/chatbots.ts'
import { MESSAGE_LIMIT, type MessageBody } from '../../../../server/src/contract/messages.ts'
import type { Usage } from '../../../../server/src/contract/usage.ts'
import { formatDay, formatNumber, plural } from '../../lib/format.ts'

const LOW_SHARE = 0.2
const COUNT_FROM = 0.9
const TITLE_LIMIT = 200

/** titleOf makes the title of a conversation from its first question: one line of at most 200 characters. */
export function titleOf(question: string): string {
  const characters = [...question.replace(/\s+/g, ' ').trim()]
  return characters.length <= TITLE_LIMIT ? characters.join('') : `${characters.slice(0, TITLE_LIMIT - 1).join('')}…`
}

/** lengthNote counts characters as the server does, once there are many; `isTooLong` above the limit. */
export function lengthNote(text: string): { note: string | null; isTooLong: boolean } {
  const length = [...text.trim()].length
  const isTooLong = length > MESSAGE_LIMIT
  if (length < MESSAGE_LIMIT * COUNT_FROM) return { note: null, isTooLong }
  const counted = `${formatNumber(length)} of ${formatNumber(MESSAGE_LIMIT)} characters`
  return { note: isTooLong ? `${counted}: ${formatNumber(length - MESSAGE_LIMIT)} too many` : counted, isTooLong }
}

/**
 * remainingNote tells how many messages are left once a fifth or less is: of the account, or of the chatbot's own cap where
 * that ends sooner. null: enough are left, or the plan does not count them.
 */
export function remainingNote(usage: Usage | undefined, chatbot: ChatbotBody | undefined): string | null {
  const messages = usage?.metrics.find(({ metric }) => metric === 'messages')
  if (messages === undefined) return null
  const until = messages.resetsAt === null ? '' : ` until ${formatDay(messages.resetsAt)}`
  const ofAccount = isLow(messages.remaining, messages.quota) ? messages.remaining : null
  const cap = chatbot?.monthlyMessageCap ?? null
  const capRemaining = cap === null || chatbot === undefined ? null : Math.max(0, cap - chatbot.messagesThisWindow)
  if (isLow(capRemaining, cap) && (messages.remaining === null || capRemaining < messages.remaining)) {
    return `${plural(capRemaining, 'message')} left for this chatbot${until}`
  }
  return ofAccount === null ? null : `${plural(ofAccount, 'message')} left${until}`
}

function isLow(remaining: number | null, quota: number | null): remaining is number {
  return remaining !== null && quota !== null && remaining <= quota * LOW_SHARE
}

/** costOf tells what an answer that has ended has cost: one message and its tokens, or nothing. */
export function costOf({ status, inputTokens, outputTokens }: Pick<MessageBody, 'status' | 'inputTokens' | 'outputTokens'>): string {
  if (status === 'failed') return 'This answer failed and cost nothing.'
  if (status === 'stopped' && (outputTokens ?? 0) === 0) return 'Stopped before its first word: it cost nothing.'
  const read = inputTokens ?? 0
  const written = outputTokens ?? 0
  const tokens = `${plural(read + written, 'token')} (${formatNumber(read)} read, ${formatNumber(written)} written)`
  return `This answer cost 1 message and ${tokens}.`
}

import type { UsageEvent } from '../../../../server/src/contract/usage-history.ts'
import { CHANNEL_NAMES } from './channel-names.ts'

type Reason = UsageEvent['reason']

const REASONS: Record<Reason, { word: string; meaning: string }> = {
  charge: { word: 'Charged', meaning: 'It was used, and counted at once.' },
  return: { word: 'Given back', meaning: 'An earlier charge was taken back.' },
  reserve: {
    word: 'Reserved',
    meaning: 'Taken when the answer began: a message, and an estimate of its tokens. What was not used comes back in a row of its own.'
  },
  settle: { word: 'Settled', meaning: 'The difference between the estimate and what the answer really used.' },
  release: { word: 'Released', meaning: 'The answer failed, or was stopped before its first word, so what was reserved was given back.' },
  insert: { word: 'Added', meaning: 'Something was added.' },
  delete: { word: 'Deleted', meaning: 'Something was deleted, which frees its place.' },
  correction: { word: 'Corrected', meaning: 'A recount found another number than the ledger; this row is the difference.' }
}

/** reasonWord is why a row is in the ledger, in a word, and `meaning` what that word means. */
export function reasonWord(reason: Reason): { word: string; meaning: string } {
  return REASONS[reason]
}

const SUBJECTS: Record<string, string> = { api_calls: 'API call', chatbots: 'Chatbot', storage_bytes: 'Document', seats: 'Seat' }

/** eventSentence says what a row is about: `Answer · Support Bot · Widget`. `title` is the metric's. */
export function eventSentence(event: Pick<UsageEvent, 'metric' | 'operation' | 'chatbotId' | 'chatbotName' | 'channel'>, title: string): string {
  const { metric, operation, chatbotId, chatbotName, channel } = event
  const subject = operation === 'answer' ? 'Answer' : (SUBJECTS[metric] ?? (operation === null ? title : sentenceCase(operation)))
  const chatbot = chatbotName ?? (chatbotId === null ? null : 'a deleted chatbot')
  return [subject, chatbot, channel === null ? null : CHANNEL_NAMES[channel]].filter((part) => part !== null).join(' · ')
}

function sentenceCase(name: string): string {
  const words = name.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

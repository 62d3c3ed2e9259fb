import { z } from 'zod'

const draftSchema = z.object({
  text: z.string(),
  attempt: z.object({ content: z.string(), key: z.string(), replaces: z.string().nullable(), after: z.string().nullable() }).nullable()
})

/**
 * Draft is what somebody has typed and not sent. `attempt` is set from the moment of sending until it is known what became of
 * it, so that the same question asked after a reload has the same Idempotency-Key.
 */
export type Draft = z.output<typeof draftSchema>

const EMPTY: Draft = { text: '', attempt: null }

/**
 * draftName names the draft of a user in a conversation with a chatbot; null is the conversation that is not there yet. Members
 * of an organization share its chatbots, and may share a browser: what one has typed is not for the next.
 */
export function draftName(userId: string, chatbotId: string, conversationId: string | null): string {
  return `parley.draft.${userId}.${chatbotId}.${conversationId ?? 'new'}`
}

/** readDraft reads a draft; empty where there is none, it cannot be read, or the browser keeps nothing. */
export function readDraft(name: string, storage: () => Storage = () => sessionStorage): Draft {
  try {
    return draftSchema.parse(JSON.parse(storage().getItem(name) ?? ''))
  } catch {
    return EMPTY
  }
}

/** keepDraft keeps a draft for this tab, or forgets an empty one. */
export function keepDraft(name: string, draft: Draft, storage: () => Storage = () => sessionStorage): void {
  try {
    if (draft.text === '' && draft.attempt === null) storage().removeItem(name)
    else storage().setItem(name, JSON.stringify(draft))
  } catch {
    // The browser keeps nothing (private mode, storage full): the text is still in the box.
  }
}

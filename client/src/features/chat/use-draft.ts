import { useCallback, useRef, useState } from 'react'
import { useSession } from '../session/session.ts'
import type { Attempt } from './attempt.ts'
import { type Draft, draftName, keepDraft, readDraft } from './draft.ts'

/** DraftBox is the text in the box, kept for this tab until the server has taken it. */
export type DraftBox = {
  draft: Draft
  type: (text: string) => void
  /** sending remembers what was sent until it is known what became of it; null: it is known. */
  sending: (attempt: Attempt | null) => void
  /** taken empties the box if that is still what is in it. */
  taken: (content: string) => void
  /** moveTo keeps the draft under the conversation that was opened by it. */
  moveTo: (conversationId: string) => void
}

/** useDraft gives the draft of a conversation; null is the one that is not there yet. Its functions never change. */
export function useDraft(chatbotId: string, conversationId: string | null): DraftBox {
  const { userId } = useSession()
  const [draft, setDraft] = useState(() => readDraft(draftName(userId, chatbotId, conversationId)))
  const name = useRef(draftName(userId, chatbotId, conversationId))
  // Also read by callbacks that outlive the screen.
  const latest = useRef(draft)
  const change = useCallback((next: Draft) => {
    latest.current = next
    keepDraft(name.current, next)
    setDraft(next)
  }, [])
  return {
    draft,
    type: useCallback((text) => change({ ...latest.current, text }), [change]),
    sending: useCallback((attempt) => change({ ...latest.current, attempt }), [change]),
    taken: useCallback(
      (content) => change({ text: latest.current.text.trim() === content ? '' : latest.current.text, attempt: null }),
      [change]
    ),
    moveTo: useCallback(
      (opened) => {
        keepDraft(name.current, { text: '', attempt: null })
        name.current = draftName(userId, chatbotId, opened)
        keepDraft(name.current, latest.current)
      },
      [userId, chatbotId]
    )
  }
}

import { useNetwork } from '@mantine/hooks'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { useApi } from '../../lib/api-context.tsx'
import { chatbotQuery } from '../../lib/queries.ts'
import { useLimitDialog } from '../limits/limit-dialog.tsx'
import { type Attempt, isOutcomeUnknown, planRepeat, questionOf, wasTaken } from './attempt.ts'
import { conversationQuery, messagesQuery, rowsOf } from './chat-queries.ts'
import { threadItems } from './thread-items.ts'
import { useDraft } from './use-draft.ts'
import { useTurn } from './use-turn.ts'

const newKey = (): string => crypto.randomUUID()

/**
 * useConversation is all there is to a conversation but its looks: its messages with the answer being written, the draft, and
 * what can be done. `blocked` says why nothing can be asked, null where it can; `answerAgain` is null where it cannot be.
 */
export function useConversation(chatbotId: string, conversationId: string | null, onOpened: (conversationId: string) => void) {
  const api = useApi()
  const { data: chatbot } = useQuery(chatbotQuery(api, chatbotId))
  const conversation = useQuery(conversationQuery(api, chatbotId, conversationId))
  const messages = useInfiniteQuery(messagesQuery(api, chatbotId, conversationId))
  const { draft, type, sending, taken, moveTo } = useDraft(chatbotId, conversationId)
  const isShown = useRef(true)
  useEffect(() => {
    isShown.current = true
    return () => {
      isShown.current = false
    }
  }, [])
  const { runner, turn } = useTurn(chatbotId, conversationId, {
    onOpened: (opened) => {
      moveTo(opened)
      // Whoever went elsewhere meanwhile is not called back.
      if (isShown.current) onOpened(opened)
    },
    onTaken: taken
  })
  const explainLimit = useLimitDialog()
  const { online } = useNetwork()
  const [stopError, setStopError] = useState<unknown>(null)
  const stored = rowsOf(messages.data)
  const items = threadItems(stored, turn)
  const newest = stored[0]
  const last = items.at(-1)
  const { attempt } = draft
  const { failure } = turn

  // Somebody else's, or one's own before a reload: an answer under way is followed.
  useEffect(() => {
    if (newest?.status === 'streaming') void runner.follow(newest.messageId, questionOf(stored, newest.messageId)?.content ?? null)
  })

  // Sent before a reload, and taken: what is in the box is in the thread.
  useEffect(() => {
    if (attempt !== null && turn.phase === 'idle' && newest?.status !== 'streaming' && wasTaken(stored, attempt)) taken(attempt.content)
  })

  useEffect(() => {
    if (failure === null) return
    explainLimit(failure.error)
    if (!isOutcomeUnknown(failure.error)) sending(null)
  }, [failure, explainLimit, sending])

  const blocked = blockedBecause({ online, isReadOnly: chatbot?.readOnly ?? false, channel: conversation.data?.channel ?? 'playground' })

  const ask = (next: Attempt): void => {
    setStopError(null)
    void runner.ask(next)
  }
  const send = (): void => {
    const content = draft.text.trim()
    if (failure?.attempt.content === content) {
      void runner.repeat()
    } else if (attempt?.content === content) {
      void runner.retry(attempt)
    } else {
      const next = planRepeat(stored, { content, key: newKey(), replaces: null, after: newest?.messageId ?? null }, newKey)
      if (next.do === 'follow') return
      sending(next.attempt)
      ask(next.attempt)
    }
  }
  const stop = (): void => {
    setStopError(null)
    runner.stop().catch(setStopError)
  }
  const question = last?.role === 'assistant' ? questionOf(stored, last.messageId) : null
  const canAgain = turn.phase === 'idle' && blocked === null && last !== undefined && question !== null
  const answerAgain = !canAgain ? null : () => {
    if (last.status === 'failed' && failure !== null) void runner.repeat()
    else ask({ content: question.content, key: newKey(), replaces: last.messageId, after: last.messageId })
  }
  return {
    chatbot, conversation, messages, items, turn, blocked, stopError,
    text: draft.text,
    type,
    send,
    stop,
    answerAgain,
    repeat: () => void runner.repeat()
  }
}

function blockedBecause(now: { online: boolean; isReadOnly: boolean; channel: string }): string | null {
  if (now.isReadOnly) return 'This chatbot is read-only on your plan: what was said can be read, but nothing asked.'
  if (now.channel === 'widget') return 'A visitor of your site had this conversation. Start a new one to try the chatbot.'
  return now.online ? null : 'You are offline. Your text is kept; send it when you are connected again.'
}

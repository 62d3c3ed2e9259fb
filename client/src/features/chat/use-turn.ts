import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState, useSyncExternalStore } from 'react'
import { conversationSchema } from '../../../../server/src/contract/conversations.ts'
import { stoppedSchema } from '../../../../server/src/contract/messages.ts'
import { useApi } from '../../lib/api-context.tsx'
import type { Api } from '../../lib/api.ts'
import { conversationsPath, messagePageSchema, messagesPath } from './chat-queries.ts'
import { titleOf } from './notes.ts'
import { type Turn, type TurnPort, TurnRunner } from './turn-runner.ts'

const NEWEST = 10

/** Events tells the screen what a turn did: a conversation was opened, a question was taken. */
type Events = { onOpened: (conversationId: string) => void; onTaken: (content: string) => void }

/** useTurn gives a conversation its {@link TurnRunner} and how the turn stands. A conversation that is opened by it stays with it. */
export function useTurn(chatbotId: string, conversationId: string | null, events: Events): { runner: TurnRunner; turn: Turn } {
  const api = useApi()
  const queries = useQueryClient()
  const [runner] = useState(() => {
    let openedId = conversationId
    const refresh = async (): Promise<void> => {
      const inBackground = [['usage'], ['conversations', chatbotId], ['chatbots', chatbotId]]
      for (const queryKey of inBackground) void queries.invalidateQueries({ queryKey })
      const queryKey = ['messages', chatbotId, openedId]
      // A first reading that is still on its way may be older than the answer, and would be taken for the new one.
      await queries.cancelQueries({ queryKey })
      await queries.invalidateQueries({ queryKey }, { throwOnError: true })
    }
    const port = createPort(api, chatbotId)
    return new TurnRunner(
      {
        ...port,
        open: async (attempt) => {
          if (openedId !== null) return openedId
          openedId = await port.open(attempt)
          events.onOpened(openedId)
          void queries.invalidateQueries({ queryKey: ['conversations', chatbotId] })
          return openedId
        },
        taken: events.onTaken,
        settled: refresh
      },
      conversationId
    )
  })
  useEffect(() => {
    runner.attach()
    return () => runner.detach()
  }, [runner])
  return { runner, turn: useSyncExternalStore(runner.subscribe, runner.current) }
}

function createPort(api: Api, chatbotId: string): Omit<TurnPort, 'taken' | 'settled'> {
  const path = (conversationId: string): string => messagesPath(chatbotId, conversationId)
  return {
    open: async ({ content, key }) => {
      const body = { title: titleOf(content), channel: 'playground' }
      const options = { idempotencyKey: `${key}:conversation` }
      return (await api.send(conversationSchema, 'POST', conversationsPath(chatbotId), body, options)).conversationId
    },
    post: async (conversationId, { content, key, replaces }) => {
      const body = { content, channel: 'playground', ...(replaces !== null && { replaces }) }
      const headers = { 'Content-Type': 'application/json', Accept: 'text/event-stream', 'Idempotency-Key': key }
      return bodyOf(await api.raw(path(conversationId), { method: 'POST', headers, body: JSON.stringify(body) }))
    },
    resume: async (conversationId, messageId, signal) =>
      bodyOf(await api.raw(`${path(conversationId)}/${messageId}/stream`, { headers: { Accept: 'text/event-stream' }, signal })),
    stop: async (conversationId, messageId) => {
      await api.send(stoppedSchema, 'POST', `${path(conversationId)}/${messageId}/stop`)
    },
    newest: async (conversationId) => (await api.get(messagePageSchema, path(conversationId), { limit: NEWEST })).data,
    newKey: () => crypto.randomUUID(),
    wait: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))
  }
}

function bodyOf({ body }: Response): ReadableStream<Uint8Array> {
  if (body === null) throw new Error('The answer has no body.')
  return body
}

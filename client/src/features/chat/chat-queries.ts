import { infiniteQueryOptions, type InfiniteData, queryOptions, skipToken } from '@tanstack/react-query'
import { conversationSchema } from '../../../../server/src/contract/conversations.ts'
import { documentPassagesSchema } from '../../../../server/src/contract/documents.ts'
import { messageSchema } from '../../../../server/src/contract/messages.ts'
import { pageOf } from '../../../../server/src/contract/page.ts'
import type { Api } from '../../lib/api.ts'

const conversationPageSchema = pageOf(conversationSchema)
/** messagePageSchema is a page of messages, newest first. */
export const messagePageSchema = pageOf(messageSchema)
const PAGE = 30

/** Pages is what an infinite list holds. */
type Pages<Row> = InfiniteData<{ data: Row[]; nextCursor: string | null }>

/** conversationsPath is the address of a chatbot's conversations. */
export const conversationsPath = (chatbotId: string): string => `/api/chatbots/${chatbotId}/conversations`

/** messagesPath is the address of a conversation's messages. */
export const messagesPath = (chatbotId: string, conversationId: string): string =>
  `${conversationsPath(chatbotId)}/${conversationId}/messages`

/** conversationsQuery: the conversations with a chatbot, the last used first. */
export const conversationsQuery = (api: Api, chatbotId: string) =>
  infiniteQueryOptions({
    queryKey: ['conversations', chatbotId],
    queryFn: ({ signal, pageParam }) =>
      api.get(conversationPageSchema, conversationsPath(chatbotId), { limit: PAGE, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined
  })

/** conversationQuery: one conversation; nothing is asked for the one that is not there yet. */
export const conversationQuery = (api: Api, chatbotId: string, conversationId: string | null) =>
  queryOptions({
    queryKey: ['conversation', chatbotId, conversationId],
    queryFn: conversationId === null
      ? skipToken
      : ({ signal }) => api.get(conversationSchema, `${conversationsPath(chatbotId)}/${conversationId}`, {}, signal)
  })

/** messagesQuery: the messages of a conversation, newest first. */
export const messagesQuery = (api: Api, chatbotId: string, conversationId: string | null) =>
  infiniteQueryOptions({
    queryKey: ['messages', chatbotId, conversationId],
    queryFn: conversationId === null
      ? skipToken
      : ({ signal, pageParam }) =>
        api.get(messagePageSchema, messagesPath(chatbotId, conversationId), { limit: PAGE, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined
  })

/** passagesQuery: the passage that an answer cites, with its neighbours. */
export const passagesQuery = (api: Api, chatbotId: string, documentId: string, place: number) =>
  queryOptions({
    queryKey: ['passages', chatbotId, documentId, place],
    queryFn: ({ signal }) =>
      api.get(documentPassagesSchema, `/api/chatbots/${chatbotId}/documents/${documentId}/passages`, { around: place }, signal)
  })

/** rowsOf joins the pages of a list. */
export function rowsOf<Row>(pages: Pages<Row> | undefined): Row[] {
  return pages?.pages.flatMap(({ data }) => data) ?? []
}

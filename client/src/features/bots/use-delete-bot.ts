import { type InfiniteData, useQueryClient } from '@tanstack/react-query'
import type { ChatbotBody } from '../../../../server/src/contract/chatbots.ts'
import { ApiProblem, nothing } from '../../lib/api.ts'
import { useApi } from '../../lib/api-context.tsx'
import { chatbotsQuery, usageQuery } from '../../lib/queries.ts'
import { withFreed } from '../../lib/free-usage.ts'

type Pages<Cursor> = InfiniteData<{ data: ChatbotBody[]; nextCursor: string | null }, Cursor>

/** withoutBot is the list without a chatbot that was deleted. */
function withoutBot<Cursor>(pages: Pages<Cursor>, chatbotId: string): Pages<Cursor> {
  const rest = pages.pages.map((page) => ({ ...page, data: page.data.filter((row) => row.chatbotId !== chatbotId) }))
  return { ...pages, pages: rest }
}

/**
 * useDeleteBot returns what deletes a chatbot. List and meters show it at once, and are read again afterwards; a failure is
 * thrown and undoes that.
 */
export function useDeleteBot(): (bot: ChatbotBody) => Promise<void> {
  const api = useApi()
  const queries = useQueryClient()
  return async (bot) => {
    const listKey = chatbotsQuery(api).queryKey
    const usageKey = usageQuery(api).queryKey
    await Promise.all([listKey, usageKey].map((queryKey) => queries.cancelQueries({ queryKey, exact: true })))
    const before = { list: queries.getQueryData(listKey), usage: queries.getQueryData(usageKey) }
    queries.setQueryData(listKey, (pages) => pages && withoutBot(pages, bot.chatbotId))
    queries.setQueryData(usageKey, (usage) => usage && withFreed(usage, { chatbots: 1, storage_bytes: bot.storageBytes }))
    try {
      await api.send(nothing, 'DELETE', `/api/chatbots/${bot.chatbotId}`)
    } catch (error) {
      // A try before may have come through without its answer: gone is gone.
      if (!(error instanceof ApiProblem && error.problem.status === 404)) {
        queries.setQueryData(listKey, before.list)
        queries.setQueryData(usageKey, before.usage)
        throw error
      }
    }
    void queries.invalidateQueries({ queryKey: listKey, exact: true })
    void queries.invalidateQueries({ queryKey: usageKey })
  }
}

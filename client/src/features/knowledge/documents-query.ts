import { type InfiniteData, infiniteQueryOptions, type QueryClient } from '@tanstack/react-query'
import { type DocumentBody, documentSchema } from '../../../../server/src/contract/documents.ts'
import { pageOf } from '../../../../server/src/contract/page.ts'
import type { Api } from '../../lib/api.ts'

const documentPageSchema = pageOf(documentSchema)
type DocumentPages<Cursor> = InfiniteData<{ data: DocumentBody[]; nextCursor: string | null }, Cursor>

/** documentsQuery: the documents of a chatbot, the newest first, in pages of 100. */
export const documentsQuery = (api: Api, chatbotId: string) =>
  infiniteQueryOptions({
    queryKey: ['chatbots', chatbotId, 'documents'],
    queryFn: ({ signal, pageParam }) =>
      api.get(documentPageSchema, `/api/chatbots/${chatbotId}/documents`, { limit: 100, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined
  })

/** withoutDocument is the list without one that was deleted. */
export function withoutDocument<Cursor>(pages: DocumentPages<Cursor>, documentId: string): DocumentPages<Cursor> {
  const rest = pages.pages.map((page) => ({ ...page, data: page.data.filter((row) => row.documentId !== documentId) }))
  return { ...pages, pages: rest }
}

/** refreshDocuments reads again what a document that was added or deleted has changed: the lists, the counts, the meters. */
export async function refreshDocuments(client: QueryClient): Promise<void> {
  await Promise.all([['usage'], ['chatbots']].map((queryKey) => client.invalidateQueries({ queryKey })))
}

import { ActionIcon, EmptyState, Group, Skeleton, Stack, Table, Text, TextInput, Title, VisuallyHidden } from '@mantine/core'
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import type { DocumentBody } from '../../../../server/src/contract/documents.ts'
import { ApiProblem, nothing } from '../../lib/api.ts'
import { useApi } from '../../lib/api-context.tsx'
import { formatBytes, formatNumber, plural } from '../../lib/format.ts'
import { FileIcon, TrashIcon } from '../../lib/icons.tsx'
import { LocalTime } from '../../lib/local-time.tsx'
import { usageQuery } from '../../lib/queries.ts'
import { ConfirmDialog } from '../../lib/confirm-dialog.tsx'
import { withFreed } from '../../lib/free-usage.ts'
import { BusyButton } from '../../lib/busy-button.tsx'
import { ProblemAlert } from '../../kit/problem-alert.tsx'
import { documentsQuery, refreshDocuments, withoutDocument } from './documents-query.ts'

const SEARCH_FROM = 10

/** DocumentList is what a chatbot answers from; `total` is how many there are, also on pages not loaded yet. */
export function DocumentList({ chatbotId, total, isReadOnly }: { chatbotId: string; total: number; isReadOnly: boolean }) {
  const api = useApi()
  const [search, setSearch] = useState('')
  const [chosen, setChosen] = useState<DocumentBody | null>(null)
  const [isAsking, setIsAsking] = useState(false)
  const heading = useRef<HTMLHeadingElement>(null)
  const list = useInfiniteQuery(documentsQuery(api, chatbotId))
  const { data, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = list
  const wanted = search.trim().toLocaleLowerCase()
  useEffect(() => {
    // A search means all documents, not those that happen to be loaded.
    if (wanted !== '' && hasNextPage && !isFetchingNextPage && error === null) void fetchNextPage()
  }, [wanted, hasNextPage, isFetchingNextPage, error, fetchNextPage])
  const remove = useDeleteDocument(chatbotId)

  const documents = data?.pages.flatMap((page) => page.data) ?? []
  const found = documents.filter(({ name }) => name.toLocaleLowerCase().includes(wanted))
  return (
    <Stack gap="sm" component="section" aria-labelledby="documents-heading">
      <Group justify="space-between" mih={36}>
        <Title order={3} id="documents-heading" ref={heading} tabIndex={-1}>Documents</Title>
        {(total > SEARCH_FROM || search !== '') && (
          <TextInput
            aria-label="Search the documents by name"
            placeholder="Search by name"
            value={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
            maw="100%"
          />
        )}
      </Group>
      <Text size="xs" c="dimmed" role="status">
        {wanted !== '' && !isFetchingNextPage && `${plural(found.length, 'document')} found.`}
      </Text>
      {data === undefined && error === null && <Skeleton h={160} role="status" aria-label="Loading the documents" />}
      <ProblemAlert error={error} title="The documents could not be read" onRetry={() => void refetch()} />
      {data !== undefined && documents.length === 0 && <NoDocuments isReadOnly={isReadOnly} />}
      {found.length > 0 && (
        <DocumentTable
          documents={found}
          onDelete={(document) => {
            setChosen(document)
            setIsAsking(true)
          }}
        />
      )}
      {hasNextPage && wanted === '' && (
        <Group>
          <BusyButton variant="default" isBusy={isFetchingNextPage} onClick={() => void fetchNextPage({ cancelRefetch: false })}>
            Show more
          </BusyButton>
        </Group>
      )}
      {chosen !== null && (
        <ConfirmDialog
          opened={isAsking}
          title={`Delete “${chosen.name}”?`}
          confirmLabel="Delete the document"
          onClose={() => setIsAsking(false)}
          onConfirm={async () => {
            await remove(chosen)
            setIsAsking(false)
            // The button that opened this is gone with its row.
            heading.current?.focus()
          }}
        >
          <Text size="sm">
            The chatbot no longer answers from it, and it cannot be restored. {formatBytes(chosen.sizeBytes)} of storage are free at
            once.
          </Text>
        </ConfirmDialog>
      )}
    </Stack>
  )
}

function NoDocuments({ isReadOnly }: { isReadOnly: boolean }) {
  return (
    <EmptyState
      icon={<FileIcon />}
      title="Nothing to answer from yet"
      description={
        isReadOnly
          ? 'This chatbot has no documents, and cannot get any while it is read-only.'
          : 'Add a handbook, an FAQ or any text above. The chatbot answers from it at once and names the passages it used.'
      }
    />
  )
}

function DocumentTable({ documents, onDelete }: { documents: DocumentBody[]; onDelete: (document: DocumentBody) => void }) {
  return (
    <Table verticalSpacing="xs">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Name</Table.Th>
          <Table.Th ta="right">Size</Table.Th>
          <Table.Th ta="right" visibleFrom="sm">Passages</Table.Th>
          <Table.Th visibleFrom="sm">Added</Table.Th>
          <Table.Th><VisuallyHidden>Delete</VisuallyHidden></Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {documents.map((document) => (
          <Table.Tr key={document.documentId}>
            <Table.Td style={{ overflowWrap: 'anywhere' }}>
              {document.name}
              <Text size="xs" c="dimmed" hiddenFrom="sm">
                {plural(document.passageCount, 'passage')}, <LocalTime instant={document.createdAt} as="day" />
              </Text>
            </Table.Td>
            <Table.Td ta="right" style={{ whiteSpace: 'nowrap' }}>{formatBytes(document.sizeBytes)}</Table.Td>
            <Table.Td ta="right" visibleFrom="sm">{formatNumber(document.passageCount)}</Table.Td>
            <Table.Td style={{ whiteSpace: 'nowrap' }} visibleFrom="sm">
              <LocalTime instant={document.createdAt} as="day" />
            </Table.Td>
            <Table.Td ta="right">
              <ActionIcon variant="subtle" color="red" aria-label={`Delete ${document.name}`} onClick={() => onDelete(document)}>
                <TrashIcon />
              </ActionIcon>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

function useDeleteDocument(chatbotId: string): (document: DocumentBody) => Promise<void> {
  const api = useApi()
  const queries = useQueryClient()
  return async ({ documentId, sizeBytes }) => {
    try {
      await api.send(nothing, 'DELETE', `/api/chatbots/${chatbotId}/documents/${documentId}`)
    } catch (error) {
      // A try before may have come through without its answer: gone is gone.
      if (!(error instanceof ApiProblem && error.problem.status === 404)) throw error
    }
    queries.setQueryData(documentsQuery(api, chatbotId).queryKey, (pages) => pages && withoutDocument(pages, documentId))
    queries.setQueryData(usageQuery(api).queryKey, (usage) => usage && withFreed(usage, { storage_bytes: sizeBytes }))
    void refreshDocuments(queries)
  }
}

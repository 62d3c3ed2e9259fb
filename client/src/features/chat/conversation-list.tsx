import { ActionIcon, Badge, Button, Group, Skeleton, Stack, Text, UnstyledButton } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import type { ConversationBody } from '../../../../server/src/contract/conversations.ts'
import { useApi } from '../../lib/api-context.tsx'
import { formatDay, formatUtc } from '../../lib/format.ts'
import { PlusIcon, TrashIcon } from '../../lib/icons.tsx'
import { ProblemAlert } from '../../kit/problem-alert.tsx'
import { conversationsQuery, rowsOf } from './chat-queries.ts'
import classes from './chat.module.css'
import { DeleteConversation } from './delete-conversation.tsx'

const CHANNELS = { playground: null, widget: 'Widget', api: 'API' } as const

/** ConversationList lists the conversations with a chatbot, the last used first; `onOpen(null)` begins a new one. */
export function ConversationList(props: {
  chatbotId: string
  currentId: string | null
  onOpen: (conversationId: string | null) => void
  onDeleted: (conversationId: string) => void
}) {
  const { chatbotId, currentId, onOpen, onDeleted } = props
  const list = useInfiniteQuery(conversationsQuery(useApi(), chatbotId))
  const rows = rowsOf(list.data)
  const [deleting, setDeleting] = useState<ConversationBody | null>(null)
  const [isAsking, setIsAsking] = useState(false)
  const newButton = useRef<HTMLButtonElement>(null)
  return (
    <nav className={classes.list} aria-label="Conversations">
      <Button ref={newButton} variant="default" leftSection={<PlusIcon />} fullWidth mb="xs" style={{ flexShrink: 0 }} onClick={() => onOpen(null)}>
        New conversation
      </Button>
      {list.isPending && (
        <Stack gap={6} role="status" aria-label="Loading the conversations">
          {[1, 2, 3].map((row) => <Skeleton key={row} h={44} />)}
        </Stack>
      )}
      {list.error !== null && list.data === undefined && (
        <ProblemAlert error={list.error} title="The conversations could not be read" onRetry={() => void list.refetch()} />
      )}
      {list.data !== undefined && rows.length === 0 && (
        <Text size="sm" c="dimmed" p="xs">Your conversations with this chatbot are kept here. Ask something to begin the first one.</Text>
      )}
      <ul className={classes.rows}>
        {rows.map((row) => (
          <li key={row.conversationId} className={classes.row} data-current={row.conversationId === currentId || undefined}>
            <UnstyledButton
              flex={1}
              miw={0}
              px="xs"
              py={6}
              aria-current={row.conversationId === currentId ? 'page' : undefined}
              onClick={() => onOpen(row.conversationId)}
            >
              <Text size="sm" truncate>{titleOrNone(row)}</Text>
              <Group gap={6}>
                <Text size="xs" c="dimmed" component="time" dateTime={row.updatedAt} title={formatUtc(row.updatedAt)}>
                  {formatDay(row.updatedAt)}
                </Text>
                {CHANNELS[row.channel] !== null && <Badge size="xs" variant="light" color="gray" c="inherit">{CHANNELS[row.channel]}</Badge>}
              </Group>
            </UnstyledButton>
            <ActionIcon
              variant="subtle"
              color="gray"
              mr={4}
              aria-label={`Delete “${titleOrNone(row)}”`}
              onClick={() => {
                setDeleting(row)
                setIsAsking(true)
              }}
            >
              <TrashIcon />
            </ActionIcon>
          </li>
        ))}
        {list.hasNextPage && (
          <li>
            <Button variant="subtle" size="xs" fullWidth mt={4} loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
              Show more
            </Button>
          </li>
        )}
      </ul>
      <DeleteConversation
        conversation={deleting}
        opened={isAsking}
        onClose={() => setIsAsking(false)}
        onDeleted={(conversationId) => {
          setIsAsking(false)
          onDeleted(conversationId)
          // What was focused is gone.
          newButton.current?.focus()
        }}
      />
    </nav>
  )
}

/** titleOrNone is what a conversation is called. */
function titleOrNone({ title }: ConversationBody): string {
  return title === '' ? 'Untitled conversation' : title
}

import { Button, EmptyState, Group, SimpleGrid, Skeleton, Stack, Text, Title } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { notifications } from '@mantine/notifications'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useLocation, useNavigate } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import type { ChatbotBody } from '../../../../server/src/contract/chatbots.ts'
import { useApi } from '../../lib/api-context.tsx'
import { formatNumber, plural } from '../../lib/format.ts'
import { PlusIcon } from '../../lib/icons.tsx'
import { chatbotsQuery, usageQuery } from '../../lib/queries.ts'
import { BusyButton } from '../../lib/busy-button.tsx'
import { ProblemAlert } from '../../kit/problem-alert.tsx'
import { BotCard } from './bot-card.tsx'
import { CreateBotDialog } from './create-bot-dialog.tsx'
import { DeleteBotDialog } from './delete-bot-dialog.tsx'

/** BotsPage lists the chatbots, and creates and deletes them. */
export function BotsPage() {
  const api = useApi()
  const { data, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery(chatbotsQuery(api))
  const [isCreating, creating] = useDisclosure(false)
  const [isDeleting, deleting] = useDisclosure(false)
  const [chosen, setChosen] = useState<ChatbotBody | null>(null)
  const heading = useRef<HTMLHeadingElement>(null)
  const navigate = useNavigate()
  const hash = useLocation({ select: (location) => location.hash })
  useEffect(() => {
    // "Choose one to delete" of the limit dialog leads here, where the dialog to create is still open with what was typed.
    if (hash === 'list') creating.close()
  }, [hash, creating])
  const create = (): void => {
    if (hash !== '') void navigate({ to: '/bots', hash: '', replace: true })
    creating.open()
  }

  const bots = data?.pages.flatMap((page) => page.data) ?? []
  return (
    <Stack>
      <Group justify="space-between" mih={36}>
        <Title order={1} ref={heading} tabIndex={-1}>Chatbots</Title>
        <Group gap="sm">
          <ChatbotCount />
          <Button leftSection={<PlusIcon />} onClick={create}>Create a chatbot</Button>
        </Group>
      </Group>
      {data === undefined && error === null && (
        <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
          <Skeleton h={124} role="status" aria-label="Loading your chatbots" />
          <Skeleton h={124} />
          <Skeleton h={124} />
        </SimpleGrid>
      )}
      <ProblemAlert error={error} title="Your chatbots could not be read" onRetry={() => void refetch()} />
      {data !== undefined && bots.length === 0 && <NoBots onCreate={create} />}
      {bots.length > 0 && (
        <SimpleGrid id="list" component="ul" m={0} p={0} style={{ listStyle: 'none' }} cols={{ base: 1, sm: 2, lg: 3 }}>
          {bots.map((bot) => (
            <BotCard
              key={bot.chatbotId}
              bot={bot}
              onDelete={() => {
                setChosen(bot)
                deleting.open()
              }}
            />
          ))}
        </SimpleGrid>
      )}
      {hasNextPage && (
        <Group>
          <BusyButton variant="default" isBusy={isFetchingNextPage} onClick={() => void fetchNextPage({ cancelRefetch: false })}>
            Show more
          </BusyButton>
        </Group>
      )}
      <CreateBotDialog opened={isCreating} onClose={creating.close} />
      {chosen !== null && (
        <DeleteBotDialog
          bot={chosen}
          opened={isDeleting}
          onClose={deleting.close}
          onDeleted={() => {
            deleting.close()
            notifications.show({ message: `“${chosen.name}” is deleted. Its place is free.` })
            // The button that opened the dialog is gone with its card.
            heading.current?.focus()
          }}
        />
      )}
    </Stack>
  )
}

function ChatbotCount() {
  const { data: usage } = useQuery(usageQuery(useApi()))
  const chatbots = usage?.metrics.find(({ metric }) => metric === 'chatbots')
  if (usage === undefined) return <Skeleton h={20} w={110} />
  if (chatbots === undefined) return null
  const { used, quota } = chatbots
  return (
    <Text size="sm" role="status">
      {quota === null ? plural(used, 'chatbot') : `${formatNumber(used)} of ${plural(quota, 'chatbot')}`}
    </Text>
  )
}

function NoBots({ onCreate }: { onCreate: () => void }) {
  return (
    <EmptyState
      py="xl"
      title="Your first chatbot"
      description={
        'A chatbot answers questions from documents you give it, here and on your own website. ' +
        'A name and one source are enough to try it.'
      }
    >
      <EmptyState.Actions>
        <Button onClick={onCreate}>Create your first chatbot</Button>
      </EmptyState.Actions>
    </EmptyState>
  )
}

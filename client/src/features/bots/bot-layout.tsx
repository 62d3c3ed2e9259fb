import { Badge, Group, Skeleton, Stack, Text, Title } from '@mantine/core'
import { type QueryClient, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, Outlet, useParams } from '@tanstack/react-router'
import type { ChatbotBody } from '../../../../server/src/contract/chatbots.ts'
import { type Api, ApiProblem } from '../../lib/api.ts'
import { useApi } from '../../lib/api-context.tsx'
import { chatbotQuery, chatbotsQuery } from '../../lib/queries.ts'
import { UploadsProvider } from '../knowledge/uploads.tsx'
import { ButtonLink } from '../../lib/links.tsx'
import { ProblemAlert } from '../../kit/problem-alert.tsx'
import styles from './bot-layout.module.css'
import { ReadOnlyNotice } from './read-only-notice.tsx'

const TABS = [
  { to: '/bots/$chatbotId/chat', label: 'Playground' },
  { to: '/bots/$chatbotId/knowledge', label: 'Knowledge' },
  { to: '/bots/$chatbotId/settings', label: 'Settings' },
  { to: '/bots/$chatbotId/widget', label: 'Widget' }
] as const

/** BotLayout is the frame of one chatbot's screens: its name, the way between them, and whether it is read-only. */
export function BotLayout() {
  const { chatbotId } = useParams({ from: '/bots/$chatbotId' })
  const api = useApi()
  const queries = useQueryClient()
  const { data: bot, error, refetch } = useQuery({
    ...chatbotQuery(api, chatbotId),
    placeholderData: () => botInList(queries, api, chatbotId)
  })
  if (bot === undefined && error !== null) return <Missing error={error} onRetry={() => void refetch()} />
  return (
    <UploadsProvider key={chatbotId} chatbotId={chatbotId}>
      <Group gap="sm" mb="xs" mih={34}>
        {bot === undefined ? (
          <Skeleton h={28} w={200} role="status" aria-label="Loading the chatbot" />
        ) : (
          <Title order={1} style={{ overflowWrap: 'anywhere' }}>{bot.name}</Title>
        )}
        {bot?.readOnly === true && <Badge color="yellow" variant="light" c="inherit">Read-only</Badge>}
      </Group>
      <nav aria-label="This chatbot" className={styles.tabs}>
        {TABS.map(({ to, label }) => (
          <Link key={to} to={to} params={{ chatbotId }} className={styles.tab}>{label}</Link>
        ))}
      </nav>
      {bot?.readOnly === true && <ReadOnlyNotice />}
      {bot === undefined ? <Skeleton h={320} /> : <Outlet />}
    </UploadsProvider>
  )
}

function botInList(queries: QueryClient, api: Api, chatbotId: string): ChatbotBody | undefined {
  const pages = queries.getQueryData(chatbotsQuery(api).queryKey)?.pages
  return pages?.flatMap(({ data }) => data).find((row) => row.chatbotId === chatbotId)
}

function Missing({ error, onRetry }: { error: Error; onRetry: () => void }) {
  const isGone = error instanceof ApiProblem && (error.problem.status === 404 || error.problem.status === 400)
  if (!isGone) {
    return (
      <Stack>
        <Title order={1}>Chatbot</Title>
        <ProblemAlert error={error} title="The chatbot could not be loaded" onRetry={onRetry} />
      </Stack>
    )
  }
  return (
    <Stack align="flex-start">
      <Title order={1}>No such chatbot</Title>
      <Text>It was deleted, or it belongs to another account. If you are in several organizations, switch to the right one.</Text>
      <ButtonLink to="/bots">To your chatbots</ButtonLink>
    </Stack>
  )
}

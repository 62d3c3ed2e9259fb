import { Button, Checkbox, Group, Paper, Skeleton, Stack, Text, Title } from '@mantine/core'
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { subscriptionSchema } from '../../../server/src/contract/subscription.ts'
import { useApi } from '../lib/api-context.tsx'
import { chatbotsQuery, refreshBilling } from '../lib/queries.ts'
import { ProblemAlert } from './problem-alert.tsx'

/** KeptChatbots lets the owner choose which chatbots stay in use where the plan in force does not hold all. */
export function KeptChatbots({ quota }: { quota: number }) {
  const api = useApi()
  const queries = useQueryClient()
  const { data, error, hasNextPage, fetchNextPage, isFetchingNextPage, refetch } = useInfiniteQuery(chatbotsQuery(api))
  const [picked, setPicked] = useState<ReadonlySet<string> | null>(null)
  const heading = useRef<HTMLHeadingElement>(null)
  const chatbots = data?.pages.flatMap((page) => page.data) ?? []
  const kept = picked ?? new Set(chatbots.filter(({ readOnly }) => !readOnly).map(({ chatbotId }) => chatbotId))
  // The choice names all that are kept: made among some of them it would put the others out of use unseen.
  const isPartial = hasNextPage
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && error === null) void fetchNextPage()
  }, [hasNextPage, isFetchingNextPage, error, fetchNextPage])
  const save = useMutation({
    mutationFn: () => api.send(subscriptionSchema, 'PUT', '/api/billing/kept-chatbots', { chatbotIds: [...kept] }),
    onSuccess: async () => {
      await refreshBilling(queries)
      setPicked(null)
      // The button is of no use now, and loses the focus.
      heading.current?.focus()
    }
  })
  if (data === undefined) {
    if (error === null) return <Skeleton role="status" h={160} aria-label="Loading the chatbots" />
    return <ProblemAlert title="The chatbots could not be read" error={error} onRetry={() => void refetch()} />
  }
  return (
    <Paper withBorder p="md" component="section" aria-labelledby="parley-kept">
      <Stack gap="sm">
        <Title order={2} id="parley-kept" ref={heading} tabIndex={-1}>Choose the chatbots to keep in use</Title>
        <Text size="sm">
          Your plan holds {quota}. The others can be read and deleted; they are in use again as soon as all fit.
        </Text>
        <Stack gap={4} role="group" aria-label="Chatbots to keep in use">
          {chatbots.map(({ chatbotId, name }) => (
            <Checkbox
              key={chatbotId}
              label={name}
              checked={kept.has(chatbotId)}
              onChange={(event) => {
                const next = new Set(kept)
                if (event.currentTarget.checked) next.add(chatbotId)
                else next.delete(chatbotId)
                setPicked(next)
              }}
            />
          ))}
        </Stack>
        {isPartial && error === null && <Skeleton h={24} role="status" aria-label="Loading the other chatbots" />}
        {isPartial && error !== null && <ProblemAlert title="Not all chatbots could be read" error={error} onRetry={() => void fetchNextPage()} />}
        {save.error !== null && <ProblemAlert title="The choice was not saved" error={save.error} />}
        <Group>
          <Button disabled={isPartial || picked === null || kept.size > quota} loading={save.isPending} onClick={() => save.mutate()}>
            Keep these {kept.size}
          </Button>
          <Text size="sm" aria-live="polite">{kept.size > quota ? `At most ${quota} fit.` : picked === null && save.isSuccess ? 'Saved.' : ''}</Text>
        </Group>
      </Stack>
    </Paper>
  )
}

import { Group, Skeleton, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useApi } from '../../lib/api-context.tsx'
import { formatBytes } from '../../lib/format.ts'
import { usageQuery } from '../../lib/queries.ts'
import { AnchorLink } from '../../lib/links.tsx'
import { MeterBar } from '../../kit/meter-bar.tsx'
import { ProblemAlert } from '../../kit/problem-alert.tsx'

/** StorageCounter shows the storage of all the account's chatbots: what is used, what is left, and what is counted. */
export function StorageCounter() {
  const { data: usage, error, refetch } = useQuery(usageQuery(useApi()))
  const storage = usage?.metrics.find(({ metric }) => metric === 'storage_bytes')
  if (usage === undefined) {
    return error === null
      ? <Skeleton h={64} role="status" aria-label="Loading the storage in use" />
      : <ProblemAlert error={error} title="The storage in use could not be read" onRetry={() => void refetch()} />
  }
  if (storage === undefined) return null
  const { used, quota, remaining } = storage
  const words = `${formatBytes(used)}${quota === null ? '' : ` of ${formatBytes(quota)}`} of storage used`
  return (
    <Stack gap={6} mih={64}>
      <Group justify="space-between" gap="xs">
        <Text size="sm" fw={500}>{words}{remaining !== null && `, ${formatBytes(remaining)} left`}</Text>
        {quota !== null && <AnchorLink to="/settings/plans" size="sm">More storage</AnchorLink>}
      </Group>
      {quota !== null && <MeterBar label="Storage" used={used} quota={quota} text={words} />}
      <Text size="xs" c="dimmed">
        Counted is the size of the files, over all your chatbots. Deleting a document frees its space at once.
      </Text>
    </Stack>
  )
}

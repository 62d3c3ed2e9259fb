import { Button, Group, Text } from '@mantine/core'
import { useIsFetching, useQuery, useQueryClient } from '@tanstack/react-query'
import { useApi } from '../lib/api-context.tsx'
import { formatInstant, formatUtc } from '../lib/format.ts'
import { RefreshIcon } from '../lib/icons.tsx'
import { refreshBilling, usageQuery } from '../lib/queries.ts'

const REFRESH_MS = 60_000
const hours = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' })

/** RefreshBar says when the numbers were read and reads them again: by a button, and by itself every minute that somebody looks. */
export function RefreshBar() {
  const queries = useQueryClient()
  const { data, dataUpdatedAt, isRefetchError } = useQuery({ ...usageQuery(useApi()), refetchInterval: REFRESH_MS })
  const isReading = useIsFetching({ queryKey: ['usage'] }) > 0
  if (data === undefined) return null
  const isToday = new Date(data.asOf).toDateString() === new Date(dataUpdatedAt).toDateString()
  return (
    <Group gap="xs">
      <Text size="sm" c="dimmed">
        As of{' '}
        <time dateTime={data.asOf} title={formatUtc(data.asOf)}>
          {isToday ? hours.format(new Date(data.asOf)) : formatInstant(data.asOf)}
        </time>
        <span role="status">{isRefetchError && ', could not be read again since'}</span>
      </Text>
      <Button
        size="compact-sm"
        variant="subtle"
        loading={isReading}
        leftSection={<RefreshIcon />}
        onClick={() => void refreshBilling(queries)}
      >
        Refresh
      </Button>
    </Group>
  )
}

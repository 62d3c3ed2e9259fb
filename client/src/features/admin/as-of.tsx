import { Button, Group, Text } from '@mantine/core'
import { formatUtc } from '../../lib/format.ts'
import { RefreshIcon } from '../../lib/icons.tsx'

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })

/** AsOf says when what is shown was read, and reads it again. `readAtMs` is 0 before the first time. */
export function AsOf({ readAtMs, isReading, onRefresh }: { readAtMs: number; isReading: boolean; onRefresh: () => void }) {
  const instant = new Date(readAtMs).toISOString()
  return (
    <Group gap="xs" mih={30}>
      {readAtMs > 0 && (
        <Text size="sm" c="dimmed">
          As of <time dateTime={instant} title={formatUtc(instant)}>{clock.format(readAtMs)}</time>
        </Text>
      )}
      <Button size="compact-sm" variant="subtle" loading={isReading} leftSection={<RefreshIcon />} onClick={onRefresh}>Refresh</Button>
    </Group>
  )
}

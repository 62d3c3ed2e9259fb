import { Group, Paper, SimpleGrid, Text, Title } from '@mantine/core'
import type { ReconciliationRun } from '../../../../server/src/contract/admin.ts'
import { CheckIcon, WarningIcon } from '../../lib/icons.tsx'
import { LocalTime } from '../../lib/local-time.tsx'
import { processorName } from './admin-words.ts'
import { lastReconciled } from './reconciled-times.ts'

/**
 * LastReconciled says per processor when it was last compared to the end and put right; a dry run puts nothing right. `nowMs` is
 * when the runs were read.
 */
export function LastReconciled({ runs, hasOlder, nowMs }: { runs: ReconciliationRun[]; hasOlder: boolean; nowMs: number }) {
  return (
    <section>
      <Title order={2} mb="xs">Last reconciled</Title>
      <SimpleGrid cols={{ base: 1, sm: 3 }}>
        {lastReconciled(runs, nowMs).map(({ processor, finishedAt, isLate }) => (
          <Paper key={processor} withBorder p="sm">
            <Text size="sm" fw={600}>{processorName(processor)}</Text>
            <Group gap={6} wrap="nowrap" align="flex-start">
              {isLate ? <WarningIcon /> : <CheckIcon />}
              <Text size="sm">
                {finishedAt === null && (hasOlder ? 'Not among the runs shown here' : 'Never to the end')}
                {finishedAt !== null && <LocalTime instant={finishedAt} as="zoned" />}
                {isLate && finishedAt !== null && ', more than a day ago'}
              </Text>
            </Group>
          </Paper>
        ))}
      </SimpleGrid>
    </section>
  )
}

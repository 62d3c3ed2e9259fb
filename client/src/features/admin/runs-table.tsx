import { Table, Text } from '@mantine/core'
import type { ReconciliationRun } from '../../../../server/src/contract/admin.ts'
import { formatNumber } from '../../lib/format.ts'
import { AnchorLink } from '../../lib/links.tsx'
import { processorName } from './admin-words.ts'
import { RunStatusBadge } from './run-status.tsx'
import { TableTime } from './table-time.tsx'
import { WideTable } from './wide-table.tsx'

const WIDTH_PX = 1020
const ERROR_WIDTH_PX = 140
const HEADINGS = [
  'Started', 'Processor', 'Status', 'Since', ['Compared', 'right'], ['Differ', 'right'], ['Corrected', 'right'], 'Finished', 'Error'
] as const

/** RunsTable shows reconciliation runs; each leads to what it found to differ. */
export function RunsTable({ runs }: { runs: ReconciliationRun[] }) {
  return (
    <WideTable label="Runs" minWidth={WIDTH_PX} headings={HEADINGS}>
      {runs.map((run) => (
        <Table.Tr key={run.runId}>
          <Table.Td>
            <AnchorLink to="/admin/reconciliation/$runId" params={{ runId: run.runId }} preload={false} size="sm">
              <TableTime instant={run.startedAt} />
            </AnchorLink>
          </Table.Td>
          <Table.Td>{processorName(run.processor)}</Table.Td>
          <Table.Td>
            <RunStatusBadge status={run.status} />
            {run.dryRun && <Text size="xs" c="dimmed">dry run</Text>}
          </Table.Td>
          <Table.Td><TableTime instant={run.since} /></Table.Td>
          <Table.Td ta="right">{formatNumber(run.entries)}</Table.Td>
          <Table.Td ta="right" fw={run.drifts > 0 ? 700 : undefined}>{formatNumber(run.drifts)}</Table.Td>
          <Table.Td ta="right">{formatNumber(run.corrections)}</Table.Td>
          <Table.Td><TableTime instant={run.finishedAt} /></Table.Td>
          <Table.Td>
            <Text size="sm" miw={ERROR_WIDTH_PX} lineClamp={2} style={{ overflowWrap: 'anywhere' }}>{run.lastError ?? '–'}</Text>
          </Table.Td>
        </Table.Tr>
      ))}
    </WideTable>
  )
}

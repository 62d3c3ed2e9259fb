import { Group, Table, Text, VisuallyHidden } from '@mantine/core'
import { Fragment } from 'react'
import type { Drift } from '../../../../server/src/contract/admin.ts'
import { CheckIcon } from '../../lib/icons.tsx'
import { AnchorLink } from '../../lib/links.tsx'
import styles from './drifts.module.css'
import { WideTable } from './wide-table.tsx'

const WIDTH_PX = 860

/** DriftsTable shows each field that differed as a change from what Parley had to what the processor says. */
export function DriftsTable({ drifts }: { drifts: Drift[] }) {
  return (
    <WideTable label="What differed" minWidth={WIDTH_PX} headings={['Event', 'Field', 'Ours → theirs', 'Corrected']}>
      {drifts.map((drift) => (
        <Table.Tr key={`${drift.eventId} ${drift.field}`}>
          <Table.Td style={{ overflowWrap: 'anywhere' }}>
            <Text size="sm">{drift.eventType}</Text>
            <Text size="xs" c="dimmed">
              {[drift.eventId, drift.subscriptionId].map((id) => id !== null && <Fragment key={id}>{id}<br /></Fragment>)}
              {drift.accountId !== null && (
                <AnchorLink to="/admin/accounts/$accountId" params={{ accountId: drift.accountId }} preload={false} size="xs">
                  {drift.accountId}
                </AnchorLink>
              )}
            </Text>
          </Table.Td>
          <Table.Td>{drift.field}</Table.Td>
          <Table.Td>
            <div className={styles['change']}>
              <Side value={drift.ours} side="ours" />
              <span aria-hidden="true">→</span>
              <Side value={drift.theirs} side="theirs" />
            </div>
          </Table.Td>
          <Table.Td>
            {drift.corrected ? <Group gap={4} wrap="nowrap"><CheckIcon /> Yes</Group> : 'No'}
          </Table.Td>
        </Table.Tr>
      ))}
    </WideTable>
  )
}

function Side({ value, side }: { value: string | null; side: 'ours' | 'theirs' }) {
  const Element = side === 'ours' ? 'del' : 'ins'
  return (
    <Element className={styles[side]}>
      <VisuallyHidden>{side}: </VisuallyHidden>
      <span aria-hidden="true">{side === 'ours' ? '−' : '+'} </span>
      {value ?? <i>nothing</i>}
    </Element>
  )
}

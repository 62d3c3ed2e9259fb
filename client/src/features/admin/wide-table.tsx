import { Table } from '@mantine/core'
import type { ReactNode } from 'react'

/** WideTable is a table that scrolls in itself where the screen is too narrow for it, by keyboard too. */
export function WideTable({ label, minWidth, headings, children }: {
  label: string
  minWidth: number
  /** headings: a pair where a column is set to the right, as numbers are. */
  headings: readonly (string | readonly [string, 'right'])[]
  children: ReactNode
}) {
  return (
    <Table.ScrollContainer
      minWidth={minWidth}
      scrollAreaProps={{ viewportProps: { tabIndex: 0, role: 'region', 'aria-label': `${label}, scrollable` } }}
    >
      <Table verticalSpacing="xs" aria-label={label}>
        <Table.Thead>
          <Table.Tr>
            {headings.map((heading) => {
              const [text, align] = typeof heading === 'string' ? [heading, undefined] : heading
              return <Table.Th key={text} scope="col" ta={align} style={{ whiteSpace: 'nowrap' }}>{text}</Table.Th>
            })}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>{children}</Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

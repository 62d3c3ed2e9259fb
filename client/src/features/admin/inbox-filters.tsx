import { Button, CloseButton, Group, NativeSelect, Paper, Text, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { inboxQuerySchema } from '../../../../server/src/contract/admin.ts'
import type { InboxFilter } from './admin-queries.ts'
import { PROCESSOR_NAMES, processorName } from './admin-words.ts'
import { EVENT_STATUSES, STATUS_MEANINGS } from './event-words.ts'

const LONGEST_ID = 255
const statusSchema = inboxQuerySchema.shape.status
const processorSchema = inboxQuerySchema.shape.processor
const ANY = { value: '', label: 'Any' }

/** InboxFilters narrows the inbox by status, sender and account; each filter can be taken away. `onRemoved` moves the focus on. */
export function InboxFilters({ filter, onChange, onRemoved }: {
  filter: InboxFilter
  onChange: (filter: InboxFilter) => void
  onRemoved: () => void
}) {
  const { status, processor, accountId } = filter
  return (
    <>
      <Group align="flex-end">
        <NativeSelect
          label="Status"
          value={status ?? ''}
          onChange={({ currentTarget: { value } }) => onChange({ ...filter, status: statusSchema.safeParse(value).data })}
          data={[ANY, ...EVENT_STATUSES.map((value) => ({ value, label: value }))]}
        />
        <NativeSelect
          label="Processor"
          value={processor ?? ''}
          onChange={({ currentTarget: { value } }) => onChange({ ...filter, processor: processorSchema.safeParse(value).data })}
          data={[ANY, ...Object.entries(PROCESSOR_NAMES).map(([value, label]) => ({ value, label }))]}
        />
        <AccountField key={accountId ?? ''} accountId={accountId} onChange={(chosen) => onChange({ ...filter, accountId: chosen })} />
      </Group>
      <Chips filter={filter} onChange={onChange} onRemoved={onRemoved} />
      {status !== undefined && <Text size="sm" c="dimmed">{STATUS_MEANINGS[status]}</Text>}
    </>
  )
}

function AccountField({ accountId, onChange }: { accountId: string | undefined; onChange: (accountId: string | undefined) => void }) {
  const [typed, setTyped] = useState(accountId ?? '')
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    onChange(typed.trim() === '' ? undefined : typed.trim())
  }
  return (
    <form onSubmit={submit}>
      <Group gap="xs" align="flex-end" wrap="nowrap">
        <TextInput
          label="Account"
          placeholder="The whole id"
          maxLength={LONGEST_ID}
          value={typed}
          onChange={({ currentTarget: { value } }) => setTyped(value)}
        />
        <Button type="submit" variant="default">Filter</Button>
      </Group>
    </form>
  )
}

function Chips({ filter, onChange, onRemoved }: { filter: InboxFilter; onChange: (filter: InboxFilter) => void; onRemoved: () => void }) {
  const chips = [
    { key: 'status', text: filter.status && `Status: ${filter.status}` },
    { key: 'processor', text: filter.processor && `Processor: ${processorName(filter.processor)}` },
    { key: 'accountId', text: filter.accountId && `Account: ${filter.accountId}` }
  ].filter(({ text }) => text !== undefined)
  if (chips.length === 0) return null
  return (
    <Group gap="xs" role="group" aria-label="Filters">
      {chips.map(({ key, text }) => (
        <Paper key={key} withBorder radius="xl" pl="sm" pr={4} py={2} maw="100%">
          <Group gap={4} wrap="nowrap">
            <Text size="sm" truncate>{text}</Text>
            <CloseButton
              size="sm"
              radius="xl"
              aria-label={`Remove the filter ${text}`}
              onClick={() => {
                onChange({ ...filter, [key]: undefined })
                onRemoved()
              }}
            />
          </Group>
        </Paper>
      ))}
    </Group>
  )
}

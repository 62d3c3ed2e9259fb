import { CloseButton, Group, Paper, Text } from '@mantine/core'
import { useRef } from 'react'
import type { UsageEvent } from '../../../../server/src/contract/usage-history.ts'
import type { LedgerFilter } from '../../kit/ledger-filter.ts'
import { formatDay } from '../../lib/format.ts'
import { CHANNEL_NAMES } from './channel-names.ts'
import { formatFullUtcDay } from './utc-day.ts'

type FilterChipsProps = { filter: LedgerFilter; events: UsageEvent[]; onChange: (filter: LedgerFilter) => void }

/** FilterChips shows what the ledger is narrowed to; each chip can be taken away. */
export function FilterChips({ filter, events, onChange }: FilterChipsProps) {
  const group = useRef<HTMLDivElement>(null)
  const { windowStart, day, chatbotId, channel } = filter
  const chips = [
    { key: 'windowStart', text: windowStart && `Window from ${formatDay(windowStart)}` },
    { key: 'day', text: day && `${formatFullUtcDay(day)} (UTC)` },
    { key: 'chatbotId', text: chatbotId && nameOf(chatbotId, events) },
    { key: 'channel', text: channel && CHANNEL_NAMES[channel] }
  ]
  return (
    <Group ref={group} tabIndex={-1} gap="xs" role="group" aria-label="Filters">
      {chips.map(({ key, text }) => text && (
        <Paper key={key} withBorder radius="xl" pl="sm" pr={4} py={2}>
          <Group gap={4} wrap="nowrap">
            <Text size="sm" className="breaking">{text}</Text>
            <CloseButton
              size="sm"
              radius="xl"
              aria-label={`Remove the filter ${text}`}
              onClick={() => {
                // The button goes away with its chip; the focus must not.
                group.current?.focus()
                onChange({ ...filter, [key]: undefined })
              }}
            />
          </Group>
        </Paper>
      ))}
    </Group>
  )
}

function nameOf(chatbotId: string, events: UsageEvent[]): string {
  if (chatbotId === 'none') return 'No chatbot'
  const event = events.find((one) => one.chatbotId === chatbotId)
  return event === undefined ? 'One chatbot' : (event.chatbotName ?? 'A deleted chatbot')
}

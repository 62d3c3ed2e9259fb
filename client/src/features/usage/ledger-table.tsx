import { ActionIcon, CopyButton, Group, Table, Text, Tooltip } from '@mantine/core'
import type { UsageEvent } from '../../../../server/src/contract/usage-history.ts'
import type { Meter } from '../../kit/meter-state.ts'
import { formatAmount } from '../../lib/format.ts'
import { CheckIcon, CopyIcon } from '../../lib/icons.tsx'
import { LocalTime } from '../../lib/local-time.tsx'
import { eventSentence, reasonWord } from './ledger-words.ts'
import { AnchorLink } from '../../lib/links.tsx'
import { signedAmount } from './signed-amount.ts'

const WIDTH_PX = 900

/** LedgerTable shows rows of the ledger; the balance where the server could tell it. */
export function LedgerTable({ events, metrics }: { events: UsageEvent[]; metrics: Meter[] }) {
  const hasBalance = events.some(({ balanceAfter }) => balanceAfter !== null)
  return (
    <Table.ScrollContainer minWidth={WIDTH_PX} scrollAreaProps={{ viewportProps: { tabIndex: 0, role: 'region', 'aria-label': 'Ledger, scrollable' } }}>
      <Table verticalSpacing="xs" aria-label="Ledger">
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">Time</Table.Th>
            <Table.Th scope="col" ta="right">Amount</Table.Th>
            {hasBalance && <Table.Th scope="col" ta="right">Balance after</Table.Th>}
            <Table.Th scope="col">What</Table.Th>
            <Table.Th scope="col">Why</Table.Th>
            <Table.Th scope="col">Request</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {events.map((event) => (
            <Row key={event.eventId} event={event} title={metrics.find(({ metric }) => metric === event.metric)?.title ?? event.metric} hasBalance={hasBalance} />
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

function Row({ event, title, hasBalance }: { event: UsageEvent; title: string; hasBalance: boolean }) {
  const { metric, amount, balanceAfter, occurredAt, reason, requestId, chatbotId, chatbotName, conversationId } = event
  const sentence = eventSentence(event, title)
  const { word, meaning } = reasonWord(reason)
  // A chatbot that is gone has taken its conversations with it.
  const isReadable = chatbotId !== null && chatbotName !== null && conversationId !== null
  return (
    <Table.Tr>
      <Table.Td><Text size="sm" style={{ whiteSpace: 'nowrap' }}><LocalTime instant={occurredAt} /></Text></Table.Td>
      <Table.Td ta="right" style={{ whiteSpace: 'nowrap' }}>{signedAmount(metric, amount)}</Table.Td>
      {hasBalance && <Table.Td ta="right">{balanceAfter === null ? '–' : formatAmount(metric, balanceAfter)}</Table.Td>}
      <Table.Td className="breaking">
        {isReadable ? (
          <AnchorLink to="/bots/$chatbotId/chat" params={{ chatbotId }} search={{ conversation: conversationId }} preload={false} size="sm">
            {sentence}
          </AnchorLink>
        ) : sentence}
        <Text size="xs" c="dimmed">{title}</Text>
      </Table.Td>
      <Table.Td>
        <Tooltip label={meaning} multiline w={280} events={{ hover: true, focus: true, touch: true }}>
          <Text size="sm" span tabIndex={0} td="underline dotted">{word}</Text>
        </Tooltip>
      </Table.Td>
      <Table.Td>{requestId !== null && <RequestId requestId={requestId} />}</Table.Td>
    </Table.Tr>
  )
}

function RequestId({ requestId }: { requestId: string }) {
  return (
    <Group gap={4} wrap="nowrap">
      <Text size="xs" ff="monospace" maw={150} truncate title={requestId}>{requestId}</Text>
      <CopyButton value={requestId}>
        {({ copied, copy }) => (
          <ActionIcon variant="subtle" color="gray" size="sm" aria-label={copied ? 'Copied' : `Copy the request id ${requestId}`} onClick={copy}>
            {copied ? <CheckIcon /> : <CopyIcon />}
          </ActionIcon>
        )}
      </CopyButton>
    </Group>
  )
}

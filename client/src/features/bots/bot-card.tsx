import { ActionIcon, Badge, Group, Paper, Stack, Text, Title } from '@mantine/core'
import type { ChatbotBody } from '../../../../server/src/contract/chatbots.ts'
import { formatBytes, formatNumber, plural } from '../../lib/format.ts'
import { TrashIcon } from '../../lib/icons.tsx'
import { AnchorLink } from '../../lib/links.tsx'
import { MeterBar } from '../../kit/meter-bar.tsx'

/** BotCard is one chatbot in the list: what it knows, how much it answered, whether it is read-only. */
export function BotCard({ bot, onDelete }: { bot: ChatbotBody; onDelete: () => void }) {
  const { chatbotId, name, documentCount, storageBytes, monthlyMessageCap, messagesThisWindow, readOnly } = bot
  const documents = `${plural(documentCount, 'document')}, ${formatBytes(storageBytes)}`
  const answers = monthlyMessageCap === null
    ? `${plural(messagesThisWindow, 'message')} this month`
    : `${formatNumber(messagesThisWindow)} of ${plural(monthlyMessageCap, 'message')} this month`
  return (
    <Paper component="li" withBorder p="md">
      <Stack gap="xs" h="100%">
        <Group justify="space-between" wrap="nowrap" align="flex-start">
          <Title order={2} size="h3" style={{ overflowWrap: 'anywhere' }}>
            <AnchorLink to="/bots/$chatbotId/chat" params={{ chatbotId }} inherit c="inherit">{name}</AnchorLink>
          </Title>
          <ActionIcon variant="subtle" color="red" aria-label={`Delete ${name}`} onClick={onDelete}><TrashIcon /></ActionIcon>
        </Group>
        {readOnly && (
          <div>
            <Badge color="yellow" variant="light" c="inherit">Read-only</Badge>
            <Text size="xs" mt={4}>
              Your plan does not hold it: it can be read and deleted.{' '}
              <AnchorLink to="/settings/plans" size="xs" underline="always">Upgrade or choose chatbots to keep</AnchorLink>
            </Text>
          </div>
        )}
        <AnchorLink to="/bots/$chatbotId/knowledge" params={{ chatbotId }} size="sm">
          {documentCount === 0 ? 'No documents yet: add one' : documents}
        </AnchorLink>
        <Text size="sm" c="dimmed">{answers}</Text>
        {monthlyMessageCap !== null && (
          <MeterBar label={`Messages of ${name} this month`} used={messagesThisWindow} quota={monthlyMessageCap} text={answers} />
        )}
      </Stack>
    </Paper>
  )
}

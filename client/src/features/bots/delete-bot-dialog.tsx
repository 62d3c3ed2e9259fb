import { List, Text } from '@mantine/core'
import type { ChatbotBody } from '../../../../server/src/contract/chatbots.ts'
import { formatBytes, plural } from '../../lib/format.ts'
import { ConfirmDialog } from '../../lib/confirm-dialog.tsx'
import { useDeleteBot } from './use-delete-bot.ts'

type DeleteBotDialogProps = { bot: ChatbotBody; opened: boolean; onClose: () => void; onDeleted: () => void }

/** DeleteBotDialog names what is lost with a chatbot, and deletes it when told to. */
export function DeleteBotDialog({ bot, opened, onClose, onDeleted }: DeleteBotDialogProps) {
  const deleteBot = useDeleteBot()
  return (
    <ConfirmDialog
      opened={opened}
      title={`Delete “${bot.name}”?`}
      confirmLabel="Delete the chatbot"
      onClose={onClose}
      onConfirm={async () => {
        await deleteBot(bot)
        onDeleted()
      }}
    >
      <Text size="sm">This cannot be undone. Lost with it:</Text>
      <List size="sm">
        <List.Item>
          {plural(bot.documentCount, 'document')}
          {bot.documentCount > 0 && ` (${formatBytes(bot.storageBytes)})`}
        </List.Item>
        <List.Item>all its conversations</List.Item>
        <List.Item>its widget, which stops answering on your sites</List.Item>
      </List>
      <Text size="sm">
        Its place among your chatbots and the storage of its documents are free at once. Messages it has used stay counted until
        the count starts again.
      </Text>
    </ConfirmDialog>
  )
}

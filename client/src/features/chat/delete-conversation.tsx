import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { ConversationBody } from '../../../../server/src/contract/conversations.ts'
import { ApiProblem, nothing } from '../../lib/api.ts'
import { useApi } from '../../lib/api-context.tsx'
import { ProblemAlert } from '../../kit/problem-alert.tsx'
import { conversationsPath } from './chat-queries.ts'

/** DeleteConversation asks before a conversation is deleted. `conversation` stays while it closes. */
export function DeleteConversation(props: {
  conversation: ConversationBody | null
  opened: boolean
  onClose: () => void
  onDeleted: (conversationId: string) => void
}) {
  const { conversation, opened, onClose, onDeleted } = props
  const api = useApi()
  const queries = useQueryClient()
  const [isDeleted, setIsDeleted] = useState(false)
  const remove = useMutation({
    onMutate: () => setIsDeleted(false),
    mutationFn: async ({ chatbotId, conversationId }: ConversationBody) => {
      try {
        await api.send(nothing, 'DELETE', `${conversationsPath(chatbotId)}/${conversationId}`)
      } catch (error) {
        // Deleted elsewhere is deleted.
        if (!(error instanceof ApiProblem) || error.problem.status !== 404) throw error
      }
    },
    onSuccess: async (_, { chatbotId, conversationId }) => {
      await queries.invalidateQueries({ queryKey: ['conversations', chatbotId] })
      setIsDeleted(true)
      onDeleted(conversationId)
    }
  })
  const close = (): void => {
    remove.reset()
    onClose()
  }
  return (
    <Modal
      opened={opened}
      onClose={close}
      title="Delete this conversation?"
      closeButtonProps={{ 'aria-label': 'Close' }}
      // The button that asked goes with its row.
      returnFocus={!isDeleted}
    >
      <Stack>
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          “{conversation?.title || 'Untitled conversation'}” and its messages are deleted for good. What they have used stays used.
        </Text>
        <ProblemAlert error={remove.error} title="It could not be deleted" />
        <Group justify="flex-end">
          <Button variant="default" onClick={close} data-autofocus>Keep it</Button>
          <Button color="red" loading={remove.isPending} onClick={() => conversation !== null && remove.mutate(conversation)}>Delete</Button>
        </Group>
      </Stack>
    </Modal>
  )
}

import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { UploadStateView } from '../knowledge/upload-list.tsx'
import { canRetry, type UploadState } from '../knowledge/upload-queue.ts'

type Target = '/bots/$chatbotId/chat' | '/bots/$chatbotId/knowledge'
type CreateBotSourceProps = {
  name: string
  fileName: string
  state: UploadState
  onRetry: () => void
  onOpen: (to: Target) => void
}

/** CreateBotSource shows the first source of a new chatbot on its way, and what to do where it did not arrive. */
export function CreateBotSource({ name, fileName, state, onRetry, onOpen }: CreateBotSourceProps) {
  const isOver = state.kind === 'failed' || state.kind === 'will_not_fit' || state.kind === 'cancelled'
  return (
    <Stack>
      <Text size="sm">“{name}” is created.</Text>
      <div aria-live="polite">
        {isOver ? (
          <Alert color="red" title={`“${fileName}” was not added`}>
            <UploadStateView state={state} name={fileName} />
            <Text size="xs" mt={4}>The chatbot stays. You can add this or another source at any time under Knowledge.</Text>
          </Alert>
        ) : (
          <Stack gap={4}>
            <Text size="sm" fw={500}>{fileName}</Text>
            <UploadStateView state={state} name={fileName} />
          </Stack>
        )}
      </div>
      <Group justify="flex-end">
        {isOver ? (
          <>
            {canRetry({ id: '', name: fileName, sizeBytes: 0, state }) && (
              <Button variant="default" onClick={onRetry}>Try again</Button>
            )}
            <Button onClick={() => onOpen('/bots/$chatbotId/knowledge')} data-autofocus>Open Knowledge</Button>
          </>
        ) : (
          <Button variant="default" onClick={() => onOpen('/bots/$chatbotId/chat')}>Go on without it</Button>
        )}
      </Group>
    </Stack>
  )
}

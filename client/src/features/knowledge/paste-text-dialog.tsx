import { Alert, Button, Group, Modal, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { formatBytes } from '../../lib/format.ts'
import { createIntentKeys } from '../../lib/intent-keys.ts'
import { BusyButton } from '../../lib/busy-button.tsx'
import { useLimitDialog } from '../limits/limit-dialog.tsx'
import { isLimitDialogOpen } from '../limits/open-limit-dialog.ts'
import { textFile } from './document-file.ts'
import { UploadStateView } from './upload-list.tsx'
import { isActive } from './upload-queue.ts'
import { useSendSource } from './use-send-source.ts'

/** PasteTextDialog adds a document that is typed or pasted. What is in it stays until it is added, whatever happens. */
export function PasteTextDialog({ chatbotId, opened, onClose }: { chatbotId: string; opened: boolean; onClose: () => void }) {
  const [name, setName] = useState('')
  const [text, setText] = useState('')
  const [isMissing, setIsMissing] = useState(false)
  const [keys] = useState(() => createIntentKeys())
  const explain = useLimitDialog()
  const { state, send, cancel, reset } = useSendSource()
  const isBusy = state !== null && isActive({ id: '', name: '', sizeBytes: 0, state })
  const file = textFile(name, text)

  const close = (): void => {
    if (isLimitDialogOpen()) return
    cancel()
    onClose()
  }
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    setIsMissing(text.trim() === '')
    if (text.trim() === '' || isBusy) return
    const { state: end, error } = await send(chatbotId, file, keys.keyFor(JSON.stringify([name, text])))
    if (end.kind !== 'ready') {
      if (end.kind === 'failed') explain(error)
      return
    }
    keys.done()
    setName('')
    setText('')
    reset()
    onClose()
  }

  return (
    <Modal opened={opened} onClose={close} title="Add a text" size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <form onSubmit={(event) => void submit(event)} noValidate>
        <Stack>
          <TextInput
            label="Name"
            description="How the chatbot cites it."
            placeholder="Refunds"
            value={name}
            maxLength={200}
            onChange={(event) => setName(event.currentTarget.value)}
            data-autofocus
          />
          <Textarea
            label="Text"
            description="Markdown is understood."
            autosize
            minRows={8}
            maxRows={16}
            value={text}
            error={isMissing && text.trim() === '' ? 'Type or paste a text first.' : undefined}
            onChange={(event) => setText(event.currentTarget.value)}
            required
          />
          <Text size="xs" c="dimmed">{formatBytes(file.size)} of storage</Text>
          <div aria-live="polite">
            {state !== null && state.kind !== 'ready' && (
              <Alert color={isBusy ? 'gray' : 'red'}>
                <UploadStateView state={state} name={file.name} />
                {state.kind === 'will_not_fit' && (
                  <Text size="xs" mt={4}>Shorten it, or delete documents first. Your text stays here.</Text>
                )}
              </Alert>
            )}
          </div>
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>Cancel</Button>
            <BusyButton type="submit" isBusy={isBusy}>Add the text</BusyButton>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

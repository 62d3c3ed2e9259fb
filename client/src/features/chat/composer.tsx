import { ActionIcon, Group, Text, Textarea } from '@mantine/core'
import { type KeyboardEvent, type RefObject, useId } from 'react'
import { SendIcon, StopIcon } from '../../lib/icons.tsx'
import { lengthNote } from './notes.ts'

/**
 * Composer is the box to write in. `blocked` says why nothing can be sent now, null where it can; `isSending` keeps the text as
 * it is until the server has taken it. One button sends or stops, so that the focus stays on it.
 */
export function Composer(props: {
  box: RefObject<HTMLTextAreaElement | null>
  text: string
  onType: (text: string) => void
  onSend: () => void
  onStop: () => void
  isRunning: boolean
  isSending: boolean
  isStopping: boolean
  blocked: string | null
  remaining: string | null
}) {
  const { box, text, onType, onSend, onStop, isRunning, isSending, isStopping, blocked, remaining } = props
  const { note, isTooLong } = lengthNote(text)
  const id = useId()
  const canSend = blocked === null && !isTooLong && text.trim() !== ''
  const isInert = isRunning ? isStopping : !canSend
  const hint = isSending ? 'Sending…' : isRunning ? 'The answer is being written.' : 'Enter sends, Shift+Enter starts a new line.'
  const send = (): void => {
    if (canSend && !isRunning) onSend()
    else box.current?.focus()
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    // Enter also ends the choice of a character, where characters are composed.
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
    event.preventDefault()
    send()
  }
  return (
    <div>
      <Group gap="xs" align="flex-end" wrap="nowrap">
        <Textarea
          ref={box}
          flex={1}
          autosize
          minRows={1}
          maxRows={8}
          aria-label="Your message"
          aria-describedby={`${id}-hint ${id}-note`}
          aria-invalid={isTooLong}
          placeholder="Ask something"
          value={text}
          readOnly={isSending}
          {...(isTooLong && { styles: { input: { borderColor: 'var(--mantine-color-error)' } } })}
          onChange={(event) => onType(event.currentTarget.value)}
          onKeyDown={onKeyDown}
        />
        <ActionIcon
          size={36}
          variant={isRunning ? 'default' : 'filled'}
          aria-label={isStopping ? 'Stopping' : isRunning ? 'Stop the answer' : 'Send'}
          aria-disabled={isInert}
          {...(isInert && { 'data-disabled': true })}
          onClick={isRunning ? onStop : send}
        >
          {isRunning ? <StopIcon /> : <SendIcon />}
        </ActionIcon>
      </Group>
      <Group justify="space-between" gap="xs" mt={4} mih={18} wrap="nowrap">
        <Text size="xs" id={`${id}-hint`} role="status" {...(blocked === null && { c: 'dimmed' })}>{blocked ?? hint}</Text>
        <Text size="xs" c={isTooLong ? 'red' : 'dimmed'} id={`${id}-note`} ta="right" {...(isTooLong && { role: 'alert' })}>
          {note ?? remaining}
        </Text>
      </Group>
    </div>
  )
}

import { Button, Group, List, Modal, Stack, Textarea } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useRef, useState } from 'react'
import { type InboxDetail, inboxActionSchema, reasonSchema } from '../../../../server/src/contract/admin.ts'
import { ProblemAlert } from '../../kit/problem-alert.tsx'
import { ApiProblem } from '../../lib/api.ts'
import { useApi } from '../../lib/api-context.tsx'
import { fieldErrorsOf, fieldErrorsOfParse } from '../../lib/field-errors.ts'
import { eventPath, eventQuery } from './admin-queries.ts'
import type { EventAct } from './event-words.ts'

const TEXTS: Record<EventAct, { title: string; confirm: string; failed: string; effects: readonly string[] }> = {
  replay: {
    title: 'Replay this delivery?',
    confirm: 'Replay it',
    failed: 'The delivery was not replayed',
    effects: [
      'It is due at once, with all its attempts before it.',
      'It cannot apply twice: if its effect is already there, nothing changes.',
      'If something newer is known of the subscription, that stays.',
      'If it fails again, it is tried again by itself, as any delivery is.'
    ]
  },
  discard: {
    title: 'Discard this delivery?',
    confirm: 'Discard it',
    failed: 'The delivery was not discarded',
    effects: [
      'It stays without effect: the account is as if it had never come.',
      'It is not tried again, and the same delivery coming once more changes nothing.',
      'It is kept, and can be replayed later.'
    ]
  }
}

type Props = { act: EventAct | null; event: InboxDetail; onClose: () => void; onDone: (act: EventAct) => void }

/** EventActionDialog says what a replay or a discard does and asks for the reason, which is kept. `act` null: it is closed. */
export function EventActionDialog({ act, event, onClose, onDone }: Props) {
  // What it was about stays to be read while the dialog closes.
  const [shown, setShown] = useState<EventAct>('replay')
  if (act !== null && act !== shown) setShown(act)
  return (
    <Modal opened={act !== null} onClose={onClose} title={TEXTS[shown].title} closeButtonProps={{ 'aria-label': 'Close' }}>
      <ReasonForm act={shown} event={event} onClose={onClose} onDone={onDone} />
    </Modal>
  )
}

function ReasonForm({ act, event, onClose, onDone }: Props & { act: EventAct }) {
  const api = useApi()
  const queries = useQueryClient()
  const field = useRef<HTMLTextAreaElement>(null)
  const [reason, setReason] = useState('')
  const [fieldError, setFieldError] = useState<string>()
  const { confirm, failed, effects } = TEXTS[act]
  const { mutate, isPending, error } = useMutation({
    // Without an Idempotency-Key: a repetition leaves the delivery as it is.
    mutationFn: (body: { reason: string }) => api.send(inboxActionSchema, 'POST', `${eventPath(event)}/${act}`, body),
    onSuccess: () => {
      onDone(act)
      onClose()
    },
    onError: (problem) => {
      setFieldError(fieldErrorsOf(problem)['reason'])
      // Somebody else, or the server itself, was faster.
      if (problem instanceof ApiProblem && problem.problem.status === 409) {
        void queries.invalidateQueries({ queryKey: eventQuery(api, event).queryKey })
      }
    }
  })
  const submit = (submitted: FormEvent): void => {
    submitted.preventDefault()
    const parsed = reasonSchema.safeParse({ reason })
    if (parsed.success) {
      setFieldError(undefined)
      mutate(parsed.data)
      return
    }
    setFieldError(fieldErrorsOfParse(parsed.error)['reason'])
    field.current?.focus()
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <List size="sm">
          {effects.map((effect) => <List.Item key={effect}>{effect}</List.Item>)}
        </List>
        <Textarea
          ref={field}
          label="Reason"
          description="Kept in the log of what operators did, with your name: 3 to 500 characters."
          required
          data-autofocus
          autosize
          minRows={2}
          maxRows={8}
          value={reason}
          error={fieldError}
          onChange={({ currentTarget: { value } }) => setReason(value)}
        />
        {error !== null && fieldError === undefined && <ProblemAlert title={failed} error={error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>Leave it as it is</Button>
          <Button type="submit" {...(act === 'discard' && { color: 'red' })} loading={isPending}>{confirm}</Button>
        </Group>
      </Stack>
    </form>
  )
}

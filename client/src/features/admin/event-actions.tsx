import { Button, Group, Stack, Text } from '@mantine/core'
import { useId, useState } from 'react'
import type { InboxDetail } from '../../../../server/src/contract/admin.ts'
import { RefreshIcon, TrashIcon } from '../../lib/icons.tsx'
import { EventActionDialog } from './event-action-dialog.tsx'
import { type EventAct, refusalOf } from './event-words.ts'

/** EventActions offers to replay and to discard a delivery, and says why where that cannot be. */
export function EventActions({ event, onDone }: { event: InboxDetail; onDone: (act: EventAct) => void }) {
  const [asked, setAsked] = useState<EventAct | null>(null)
  const why = useId()
  const refusals = { replay: refusalOf('replay', event.status), discard: refusalOf('discard', event.status) }
  const sentence = refusals.replay ?? refusals.discard
  const button = (act: EventAct) => {
    const isRefused = refusals[act] !== null
    return {
      // Not `disabled`: the focus must not be lost when a delivery is processed while somebody is here.
      ...(isRefused && { 'data-disabled': true, 'aria-disabled': true, 'aria-describedby': why }),
      onClick: () => {
        if (!isRefused) setAsked(act)
      }
    }
  }
  return (
    <Stack gap="xs">
      <Group gap="xs">
        <Button leftSection={<RefreshIcon />} {...button('replay')}>Replay…</Button>
        <Button variant="default" leftSection={<TrashIcon />} {...button('discard')}>Discard…</Button>
      </Group>
      {sentence !== null && <Text size="sm" c="dimmed" id={why}>{sentence}</Text>}
      <EventActionDialog act={asked} event={event} onClose={() => setAsked(null)} onDone={onDone} />
    </Stack>
  )
}

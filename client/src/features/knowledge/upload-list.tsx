import { Button, Group, Paper, Progress, Stack, Text, Title } from '@mantine/core'
import { useRef } from 'react'
import { CheckIcon, FileIcon, WarningIcon } from '../../lib/icons.tsx'
import { formatBytes } from '../../lib/format.ts'
import { AnchorLink } from '../../lib/links.tsx'
import { canCancel, canRetry, describeState, isActive, type UploadAction, type UploadItem } from './upload-queue.ts'
import { useUploads } from './uploads.tsx'

/** UploadList is the queue as people see it: every file with its one state, and what can be done about it. */
export function UploadList() {
  const { items, dispatch } = useUploads()
  const heading = useRef<HTMLHeadingElement>(null)
  const act = (action: UploadAction): void => {
    dispatch(action)
    // The button that was pressed may be gone with the state it belonged to.
    heading.current?.focus()
  }
  if (items.length === 0) return null
  const isAnyOver = items.some(({ state }) => state.kind === 'ready' || (state.kind === 'failed' && !state.canRetry))
  return (
    <Stack gap="xs" component="section" aria-label="Uploads">
      <Group justify="space-between" mih={30}>
        <Title order={3} ref={heading} tabIndex={-1}>Uploads</Title>
        {isAnyOver && <Button variant="subtle" size="xs" onClick={() => act({ type: 'cleared' })}>Clear finished</Button>}
      </Group>
      <Stack gap="xs" component="ul" m={0} p={0} style={{ listStyle: 'none' }}>
        {items.map((item) => <UploadRow key={item.id} item={item} act={act} />)}
      </Stack>
    </Stack>
  )
}

function UploadRow({ item, act }: { item: UploadItem; act: (action: UploadAction) => void }) {
  const { id, name, sizeBytes, state } = item
  return (
    <Paper component="li" withBorder p="sm">
      <Group gap="sm" wrap="nowrap" align="flex-start">
        <StateIcon item={item} />
        <Stack gap={4} style={{ flex: 1, minWidth: 0 }}>
          <Text size="sm" fw={500} style={{ overflowWrap: 'anywhere' }}>
            {name} <Text span size="xs" c="dimmed" fw={400}>{formatBytes(sizeBytes)}</Text>
          </Text>
          <UploadStateView state={state} name={name} />
          {state.kind === 'will_not_fit' && (
            <Text size="xs">
              Delete documents to free space, or{' '}
              <AnchorLink to="/settings/plans" size="xs" underline="always">see the plans</AnchorLink>.
            </Text>
          )}
          <Group gap="xs">
            {canRetry(item) && (
              <RowButton label={`Try again: ${name}`} isMain onPress={() => act({ type: 'retried', id })}>Try again</RowButton>
            )}
            {canCancel(item) && (
              <RowButton label={`Cancel ${name}`} onPress={() => act({ type: 'cancelled', id })}>Cancel</RowButton>
            )}
            {!isActive(item) && state.kind !== 'waiting' && state.kind !== 'ready' && (
              <RowButton label={`Remove ${name} from the list`} onPress={() => act({ type: 'removed', id })}>Remove</RowButton>
            )}
          </Group>
        </Stack>
      </Group>
    </Paper>
  )
}

function RowButton(props: { label: string; isMain?: boolean; onPress: () => void; children: string }) {
  const { label, isMain = false, onPress, children } = props
  return (
    <Button size="compact-xs" variant={isMain ? 'default' : 'subtle'} aria-label={label} onClick={onPress}>{children}</Button>
  )
}

function StateIcon({ item: { state } }: { item: UploadItem }) {
  if (state.kind === 'ready') return <CheckIcon />
  return state.kind === 'failed' || state.kind === 'will_not_fit' ? <WarningIcon /> : <FileIcon />
}

/** UploadStateView says where a file is, with a bar while it is sent. */
export function UploadStateView({ state, name }: { state: UploadItem['state']; name: string }) {
  return (
    <>
      <Text size="xs">{describeState(state)}</Text>
      {state.kind === 'failed' && state.requestId !== null && <Text size="xs" c="dimmed">Request {state.requestId}</Text>}
      {(state.kind === 'uploading' || state.kind === 'reading') && (
        <Progress
          size="sm"
          value={state.kind === 'uploading' ? Math.round(state.percent) : 100}
          animated={state.kind === 'reading'}
          aria-label={`Upload of ${name}`}
        />
      )}
    </>
  )
}

import { Button, Group, Modal, Text } from '@mantine/core'
import { useBlocker } from '@tanstack/react-router'
import type { ReactNode } from 'react'

type LeaveGuardProps = {
  isActive: boolean
  /** isInside tells whether a path loses nothing. */
  isInside: (path: string) => boolean
  title: string
  leaveLabel: string
  children: ReactNode
}

/** LeaveGuard asks before a screen is left on which something would be lost. Closing the tab asks in the browser's own words. */
export function LeaveGuard({ isActive, isInside, title, leaveLabel, children }: LeaveGuardProps) {
  const { status, proceed, reset } = useBlocker({
    shouldBlockFn: ({ next }) => isActive && !isInside(next.pathname),
    enableBeforeUnload: isActive,
    withResolver: true
  })
  return (
    <Modal opened={status === 'blocked'} onClose={() => reset?.()} title={title} closeButtonProps={{ 'aria-label': 'Close' }}>
      <Text size="sm">{children}</Text>
      <Group mt="md" justify="flex-end">
        <Button variant="default" onClick={() => proceed?.()}>{leaveLabel}</Button>
        <Button onClick={() => reset?.()} data-autofocus>Stay</Button>
      </Group>
    </Modal>
  )
}

import { Button, Group, Modal, Stack } from '@mantine/core'
import { useMounted } from '@mantine/hooks'
import { type ReactNode, useState } from 'react'
import { BusyButton } from './busy-button.tsx'
import { ProblemAlert } from '../kit/problem-alert.tsx'

type ConfirmDialogProps = {
  opened: boolean
  title: string
  confirmLabel: string
  /** onConfirm: what it throws is shown, and the dialog stays. */
  onConfirm: () => Promise<void>
  onClose: () => void
  children: ReactNode
}

/** ConfirmDialog asks before something is deleted; `children` say what is lost. */
export function ConfirmDialog({ opened, title, confirmLabel, onConfirm, onClose, children }: ConfirmDialogProps) {
  // The dialog returns the focus only to what had it when it opened; one that is open from the first moment never opened.
  const isMounted = useMounted()
  const [error, setError] = useState<unknown>(null)
  const [isBusy, setIsBusy] = useState(false)
  const close = (): void => {
    if (isBusy) return
    setError(null)
    onClose()
  }
  const confirm = async (): Promise<void> => {
    if (isBusy) return
    setIsBusy(true)
    setError(null)
    try {
      await onConfirm()
    } catch (thrown) {
      setError(thrown)
    } finally {
      setIsBusy(false)
    }
  }
  return (
    <Modal opened={opened && isMounted} onClose={close} title={title} closeButtonProps={{ 'aria-label': 'Close' }}>
      <Stack>
        {children}
        <ProblemAlert error={error} />
        <Group justify="flex-end">
          <Button variant="default" onClick={close} data-autofocus>Keep it</Button>
          <BusyButton color="red" isBusy={isBusy} onClick={() => void confirm()}>{confirmLabel}</BusyButton>
        </Group>
      </Stack>
    </Modal>
  )
}

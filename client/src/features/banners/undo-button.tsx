import { Button, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { type Undoable, useUndo } from '../../kit/use-undo.ts'
import { focusContent } from './focus-content.ts'

/** UndoButton takes back a scheduled change or a planned cancellation. */
export function UndoButton({ what, children }: { what: Undoable; children: ReactNode }) {
  const { mutate, isPending, error } = useUndo(what, focusContent)
  return (
    <Stack gap={4}>
      <Button size="xs" variant="default" loading={isPending} onClick={() => mutate()}>{children}</Button>
      {error !== null && <Text size="xs" role="alert">{error.message}</Text>}
    </Stack>
  )
}

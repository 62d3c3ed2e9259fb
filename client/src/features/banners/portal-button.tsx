import { Button, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { usePortal } from '../../kit/use-portal.ts'

/** PortalButton leads to the processor's page for payment methods. */
export function PortalButton({ children }: { children: ReactNode }) {
  const { mutate, isPending, error } = usePortal()
  return (
    <Stack gap={4}>
      <Button size="xs" variant="default" loading={isPending} onClick={() => mutate()}>{children}</Button>
      {error !== null && <Text size="xs" role="alert">{error.message}</Text>}
    </Stack>
  )
}

import { Button, type ButtonProps, Loader } from '@mantine/core'
import type { ComponentPropsWithRef } from 'react'

type Props = Omit<ButtonProps, 'loading'> & Omit<ComponentPropsWithRef<'button'>, keyof ButtonProps> & { isBusy: boolean }

/**
 * BusyButton shows that its action is under way and keeps the focus meanwhile, which Mantine's loading button loses by being
 * disabled: a dialog that explains why it failed must know where to return to. What it does must bear a second press.
 */
export function BusyButton({ isBusy, leftSection, ...props }: Props) {
  const loader = <Loader size={14} color="currentColor" aria-hidden />
  return <Button {...props} aria-busy={isBusy} leftSection={isBusy ? loader : leftSection} />
}

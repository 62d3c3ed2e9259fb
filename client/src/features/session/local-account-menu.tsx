import { Menu, UnstyledButton } from '@mantine/core'
import type { ReactNode } from 'react'
import type { Identity } from './local-identity.ts'

/** LocalAccountMenu tells who is signed in and signs out. It is open when it appears: it was asked for. */
export function LocalAccountMenu(props: { identity: Identity; label: ReactNode; onSignOut: () => void }) {
  const { userId, organization } = props.identity
  return (
    <Menu position="bottom-end" defaultOpened>
      <Menu.Target>
        <UnstyledButton title="Account">{props.label}</UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {organization === undefined ? `Signed in as ${userId}` : `${userId}, ${organization.role} of ${organization.id}`}
        </Menu.Label>
        <Menu.Item onClick={props.onSignOut}>Sign out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}

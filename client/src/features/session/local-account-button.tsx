import { Badge, Group, Text, UnstyledButton } from '@mantine/core'
import { lazy, Suspense, useState } from 'react'
import type { Identity } from './local-identity.ts'

const loadMenu = async () => {
  const [module] = await Promise.all([import('./local-account-menu.tsx'), import('../../app/screen-styles.ts')])
  return { default: module.LocalAccountMenu }
}
const LocalAccountMenu = lazy(loadMenu)

/** LocalAccountButton names who is signed in; its menu is loaded when it is first wanted. */
export function LocalAccountButton({ identity, onSignOut }: { identity: Identity; onSignOut: () => void }) {
  const [isWanted, setIsWanted] = useState(false)
  const name = identity.organization?.id ?? identity.userId
  const label = (
    <Group gap="xs" wrap="nowrap">
      <Text size="sm" fw={500} maw={160} truncate>{name}</Text>
      {identity.operator === true && <Badge size="xs" variant="light">operator</Badge>}
    </Group>
  )
  const button = (
    <UnstyledButton
      title="Account"
      aria-haspopup="menu"
      onClick={() => setIsWanted(true)}
      onPointerEnter={() => void loadMenu()}
    >
      {label}
    </UnstyledButton>
  )
  if (!isWanted) return button
  return (
    <Suspense fallback={button}>
      <LocalAccountMenu identity={identity} label={label} onSignOut={onSignOut} />
    </Suspense>
  )
}

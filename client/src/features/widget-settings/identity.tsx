import { Button, Code, Group, PasswordInput, Stack, Switch, Text, Title } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import type { WidgetSettings } from '../../../../server/src/contract/widget.ts'
import { ProblemAlert } from '../../kit/problem-alert.tsx'
import { ConfirmDialog } from '../../lib/confirm-dialog.tsx'
import type { Change } from './widget-settings-page.tsx'

const EXAMPLE = `import { createHmac } from 'node:crypto'
const signature = createHmac('sha256', process.env.PARLEY_IDENTITY_SECRET).update(user.id).digest('hex')
// <script async src="…/widget.js" data-widget="…" data-user-id="{user.id}" data-user-signature="{signature}"></script>`

/** Identity lets a site say who its visitor is, so that a conversation follows the person and nobody reads another's. */
export function Identity({ widget, onChange }: { widget: WidgetSettings; onChange: Change }) {
  const [problem, setProblem] = useState<Error | null>(null)
  const [isAsking, { open, close }] = useDisclosure(false)
  return (
    <Stack gap="sm">
      <Title order={3}>Signed visitors</Title>
      <Text size="sm">
        If your site knows its users, sign their ids on your server with this secret. Their conversation then follows them to other
        devices, and nobody can pretend to be them.
      </Text>
      <PasswordInput label="Secret" description="It belongs on a server, never into a page." value={widget.identitySecret} readOnly />
      <Code block tabIndex={0} role="region" aria-label="How to sign an id">{EXAMPLE}</Code>
      <Switch
        label="Only signed visitors"
        description="Visitors whom your site has not signed in cannot chat."
        checked={widget.identityRequired}
        onChange={(event) => void onChange({ identityRequired: event.currentTarget.checked }).then(setProblem)}
      />
      <ProblemAlert error={problem} />
      <Group>
        <Button variant="default" onClick={open}>Replace the secret…</Button>
      </Group>
      <ConfirmDialog
        opened={isAsking}
        title="Replace the secret?"
        confirmLabel="Replace it"
        onClose={close}
        onConfirm={async () => {
          const failed = await onChange({ rotateIdentitySecret: true })
          if (failed !== null) throw failed
          close()
        }}
      >
        <Text size="sm">Signatures made with the present one are refused from then on, until your server has the new one.</Text>
      </ConfirmDialog>
    </Stack>
  )
}

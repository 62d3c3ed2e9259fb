import { Alert, Anchor, Button, Checkbox, Collapse, Container, Paper, SegmentedControl, Stack, Text, TextInput, Title } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { newLocalSessionSchema } from '../../../../server/src/contract/local-session.ts'
import { type Identity, signIn } from './local-identity.ts'

/** LocalSignIn asks who to be. */
export function LocalSignIn({ onSignedIn }: { onSignedIn: (identity: Identity) => void }) {
  const [name, setName] = useState('')
  const [organizationId, setOrganizationId] = useState('')
  const [role, setRole] = useState<'admin' | 'member'>('admin')
  const [operator, setOperator] = useState(false)
  const [hasMore, setHasMore] = useState(false)
  const [problem, setProblem] = useState<string | null>(null)
  const [isBusy, setIsBusy] = useState(false)

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    const organization = organizationId.trim() === '' ? {} : { organization: { id: organizationId, role } }
    const parsed = newLocalSessionSchema.safeParse({ userId: name, operator, ...organization })
    if (!parsed.success) {
      const issue = parsed.error.issues[0]
      setProblem(`${issue?.path[0] === 'userId' ? 'The name' : 'The organization'} ${issue?.message ?? 'is not valid'}.`)
      return
    }
    setIsBusy(true)
    try {
      await signIn(parsed.data)
      onSignedIn(parsed.data)
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error))
      setIsBusy(false)
    }
  }

  return (
    <Container size={420} py={80} component="main">
      <Title order={1} ta="center">Parley</Title>
      <Text c="dimmed" ta="center" mt="xs">Chatbots that answer from your documents.</Text>
      <Paper withBorder p="lg" mt="xl" radius="md" component="form" onSubmit={(event: FormEvent) => void submit(event)} noValidate>
        <Stack>
          <TextInput
            label="Your name"
            description="This is the local sign-in: any name opens its own account. With Clerk's keys in .env, Clerk signs people in."
            placeholder="alice"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            autoFocus
            autoComplete="username"
            required
          />
          <Anchor component="button" type="button" size="sm" aria-expanded={hasMore} onClick={() => setHasMore(!hasMore)}>
            {hasMore ? 'Fewer choices' : 'Organization, operator…'}
          </Anchor>
          <Collapse expanded={hasMore}>
            <Stack>
              <TextInput
                label="Organization (optional)"
                placeholder="acme"
                value={organizationId}
                onChange={(event) => setOrganizationId(event.currentTarget.value)}
              />
              <SegmentedControl
                aria-label="Role in the organization"
                data={[{ value: 'admin', label: 'Admin' }, { value: 'member', label: 'Member' }]}
                value={role}
                onChange={setRole}
                disabled={organizationId.trim() === ''}
              />
              <Checkbox label="I operate this service" checked={operator} onChange={(event) => setOperator(event.currentTarget.checked)} />
            </Stack>
          </Collapse>
          {problem !== null && <Alert color="red" role="alert">{problem}</Alert>}
          <Button type="submit" loading={isBusy}>Sign in</Button>
        </Stack>
      </Paper>
    </Container>
  )
}

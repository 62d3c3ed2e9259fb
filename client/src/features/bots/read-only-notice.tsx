import { Alert, Group, Text } from '@mantine/core'
import { ButtonLink } from '../../lib/links.tsx'

/** ReadOnlyNotice tells what read-only means for a chatbot, and the ways out of it. */
export function ReadOnlyNotice() {
  return (
    <Alert color="yellow" title="This chatbot is read-only" mb="md" styles={{ title: { color: 'var(--mantine-color-text)' } }}>
      <Text size="sm">
        Your plan does not hold all your chatbots, so this one gives no answers and takes no changes. Nothing is deleted: you can
        read everything, and it works again when the plan holds it.
      </Text>
      <Group mt="sm" gap="sm">
        <ButtonLink to="/settings/plans" size="xs">Upgrade</ButtonLink>
        <ButtonLink to="/settings/plans" size="xs" variant="default">Choose chatbots to keep</ButtonLink>
      </Group>
    </Alert>
  )
}

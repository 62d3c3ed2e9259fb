import { Alert, Button, Skeleton, Stack, Text } from '@mantine/core'

/** Welcome is what the chatbot says first, and to who has asked nothing yet what this is. */
export function Welcome({ text, name, hasItems }: { text: string; name: string; hasItems: boolean }) {
  if (text === '' && hasItems) return null
  return (
    <Stack gap={4} mb="lg">
      <Text style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>{text === '' ? `Ask ${name} something.` : text}</Text>
      {!hasItems && (
        <Text size="sm" c="dimmed">It answers from its documents and shows which passages it used. Messages here count like any other.</Text>
      )}
    </Stack>
  )
}

/** MessagesLoading has the size of a question and its answer. */
export function MessagesLoading() {
  return (
    <Stack role="status" aria-label="Loading the messages" gap="lg">
      <Skeleton h={40} w="60%" ml="auto" />
      <Skeleton h={110} />
    </Stack>
  )
}

/** Gone is shown for a conversation that was deleted. */
export function Gone({ onNew }: { onNew: () => void }) {
  return (
    <Alert color="gray" title="This conversation is not there">
      <Stack align="flex-start">
        <Text size="sm">It was deleted, or its address is mistyped.</Text>
        <Button onClick={onNew}>New conversation</Button>
      </Stack>
    </Alert>
  )
}

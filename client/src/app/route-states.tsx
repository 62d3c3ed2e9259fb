import { Alert, Button, Center, Container, Loader, Stack, Text, Title } from '@mantine/core'
import { type ErrorComponentProps, Link, useRouter } from '@tanstack/react-router'
import { ApiProblem } from '../lib/api.ts'
import { isServerThere, MissingScreen } from './missing-screen.ts'

/** RoutePending is what a screen shows while it is loaded. */
export function RoutePending() {
  return (
    <Center h={240}>
      <Loader aria-label="Loading" />
    </Center>
  )
}

/** RouteError is what a screen shows that cannot: why, the request to name to whoever helps, and how to try again. */
export function RouteError({ error, reset }: ErrorComponentProps) {
  const router = useRouter()
  return (
    <Container size="sm" py="xl">
      <Alert color="red" title="This page could not be shown" role="alert">
        <Stack align="flex-start">
          <Text size="sm">{sentenceOf(error)}</Text>
          {error instanceof ApiProblem && <Text size="xs" c="dimmed">Request {error.problem.requestId}</Text>}
          <Button
            variant="default"
            onClick={() => {
              // A screen of an older build is gone from the server: only the page itself can find the new one.
              if (isMissingScreen(error)) {
                void isServerThere().then((isThere) => {
                  if (isThere) window.location.reload()
                })
                return
              }
              reset()
              void router.invalidate()
            }}
          >
            Try again
          </Button>
        </Stack>
      </Alert>
    </Container>
  )
}

function sentenceOf(error: unknown): string {
  if (isMissingScreen(error)) return 'This screen could not be loaded. The connection may be away, or Parley was updated meanwhile.'
  return error instanceof Error ? error.message : String(error)
}

// As Chromium, Firefox and Safari word it.
function isMissingScreen(error: unknown): boolean {
  return error instanceof MissingScreen || error instanceof TypeError && /dynamically imported module|module script failed/i.test(error.message)
}

/** NotFound is the screen of an address that leads nowhere. */
export function NotFound() {
  return (
    <Container size="sm" py="xl">
      <Stack align="flex-start">
        <Title order={1}>Nothing here</Title>
        <Text>This address leads to no page. It may have been deleted, or mistyped.</Text>
        <Button component={Link} to="/bots">To your chatbots</Button>
      </Stack>
    </Container>
  )
}

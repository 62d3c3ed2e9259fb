import { Alert, Button, Group, Text } from '@mantine/core'
import { ApiProblem } from '../lib/api.ts'

const SERVER_FAULT = 500
const TOO_MANY_REQUESTS = 429

/**
 * ProblemAlert says why something did not work, which request to name where the fault is Parley's, and offers to try again where
 * that can help. Nothing where `error` is null.
 */
export function ProblemAlert({ error, title, onRetry }: { error: unknown; title?: string; onRetry?: () => void }) {
  if (error === null || error === undefined) return null
  const problem = error instanceof ApiProblem ? error.problem : null
  const isFault = problem !== null && problem.status >= SERVER_FAULT && problem.requestId !== ''
  // Any other refusal would be repeated word for word.
  const mayWork = problem === null || problem.status >= SERVER_FAULT || problem.status === TOO_MANY_REQUESTS
  return (
    <Alert color="red" role="alert" title={title}>
      <Text size="sm">{error instanceof Error ? error.message : 'Something went wrong.'}</Text>
      {isFault && <Text size="xs" c="dimmed" mt={4}>Request {problem.requestId}</Text>}
      {onRetry !== undefined && mayWork && (
        <Group mt="sm">
          <Button size="xs" variant="default" onClick={onRetry}>Try again</Button>
        </Group>
      )}
    </Alert>
  )
}

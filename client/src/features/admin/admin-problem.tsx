import { Alert, Stack, Text } from '@mantine/core'
import { ProblemAlert } from '../../kit/problem-alert.tsx'
import { ApiProblem } from '../../lib/api.ts'
import { AnchorLink } from '../../lib/links.tsx'

/** AdminProblem says why a page of the operator shows nothing: not allowed, not there, or something to try again. */
export function AdminProblem({ error, title, onRetry }: { error: unknown; title: string; onRetry: () => void }) {
  const status = error instanceof ApiProblem ? error.problem.status : null
  if (error instanceof ApiProblem && status === 403) return <OperatorOnly sentence={error.message} />
  // What is not there, or asked for wrongly, is not there the next time either.
  if (status === 404 || status === 400) return <ProblemAlert title={title} error={error} />
  return <ProblemAlert title={title} error={error} onRetry={onRetry} />
}

/** OperatorOnly is what somebody reads who opened a page that is for operators. */
function OperatorOnly({ sentence }: { sentence: string }) {
  return (
    <Alert color="blue" role="alert" title="This page is for operators">
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{sentence}</Text>
        <AnchorLink to="/bots" size="sm">To your chatbots</AnchorLink>
      </Stack>
    </Alert>
  )
}

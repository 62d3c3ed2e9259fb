import { ActionIcon, Alert, Badge, Button, Group, Stack, Text, Tooltip, VisuallyHidden } from '@mantine/core'
import type { Citation } from '../../../../server/src/contract/messages.ts'
import { ApiProblem } from '../../lib/api.ts'
import { CopyIcon, InfoIcon, RefreshIcon } from '../../lib/icons.tsx'
import { AnswerText } from './answer-text.tsx'
import classes from './chat.module.css'
import { costOf } from './notes.ts'
import { Sources } from './sources.tsx'
import type { ThreadItem } from './thread-items.ts'

/** QuestionItem is what a person has asked. */
export function QuestionItem({ item }: { item: ThreadItem }) {
  return (
    <li>
      <VisuallyHidden>You asked:</VisuallyHidden>
      <div className={classes.question} data-pending={item.isPending || undefined}>{item.content}</div>
    </li>
  )
}

/** AnswerActions are what can be done with an answer; `onAgain` is null where it cannot be given anew. */
export type AnswerActions = {
  onCite: (citation: Citation) => void
  onCopy: (text: string) => void
  onAgain: (() => void) | null
}

/** AnswerItem is one answer, finished or under way. `failure` is what is known of why the last one failed. */
export function AnswerItem({ item, failure, onCite, onCopy, onAgain }: AnswerActions & { item: ThreadItem; failure: unknown }) {
  const { status, content, citations } = item
  const isRunning = status === 'streaming'
  return (
    <li aria-busy={isRunning}>
      <VisuallyHidden>The chatbot answered:</VisuallyHidden>
      {content === '' && isRunning ? <Waiting /> : <AnswerText text={content} citations={citations} onCite={onCite} />}
      <Sources citations={citations} onCite={onCite} />
      {status === 'failed' && <Failed item={item} failure={failure} onAgain={onAgain} />}
      {!isRunning && status !== 'failed' && (
        <Group gap={4} mt={4}>
          {status === 'stopped' && <Badge variant="light" color="gray" c="inherit" mr={4}>Stopped</Badge>}
          {content !== '' && (
            <ActionIcon variant="subtle" color="gray" aria-label="Copy the answer" onClick={() => onCopy(content)}>
              <CopyIcon />
            </ActionIcon>
          )}
          {onAgain !== null && (
            <ActionIcon variant="subtle" color="gray" aria-label="Answer again" onClick={onAgain}>
              <RefreshIcon />
            </ActionIcon>
          )}
          <Tooltip label={costOf(item)} multiline maw={260} events={{ hover: true, focus: true, touch: true }}>
            <ActionIcon variant="subtle" color="gray" aria-label="What this answer cost">
              <InfoIcon />
            </ActionIcon>
          </Tooltip>
        </Group>
      )}
    </li>
  )
}

/** Waiting is an answer before its first word. */
export function Waiting() {
  return (
    <div className={classes.waiting} aria-hidden="true">
      <span />
      <span />
      <span />
    </div>
  )
}

function Failed({ item, failure, onAgain }: { item: ThreadItem; failure: unknown; onAgain: (() => void) | null }) {
  const sentence = failure instanceof Error ? failure.message : (item.error ?? 'It broke off.')
  return (
    <Alert color="red" mt="xs" title="This answer failed and cost nothing" {...(failure !== null && { role: 'alert' })}>
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{sentence}</Text>
        {failure instanceof ApiProblem && failure.problem.requestId !== '' && failure.problem.status >= 500 && (
          <Text size="xs" c="dimmed">Request {failure.problem.requestId}</Text>
        )}
        {onAgain !== null && <Button variant="default" size="xs" onClick={onAgain}>Try again</Button>}
      </Stack>
    </Alert>
  )
}

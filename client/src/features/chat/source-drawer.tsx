import { Alert, Drawer, Skeleton, Stack, Text } from '@mantine/core'
import { useMounted } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import type { Citation } from '../../../../server/src/contract/messages.ts'
import { useApi } from '../../lib/api-context.tsx'
import { ApiProblem } from '../../lib/api.ts'
import { ProblemAlert } from '../../kit/problem-alert.tsx'
import { passagesQuery } from './chat-queries.ts'
import classes from './chat.module.css'

/** SourceDrawer shows the passage that an answer cites, in its document. */
export function SourceDrawer(props: { chatbotId: string; citation: Citation; opened: boolean; onClose: () => void }) {
  const { chatbotId, citation, opened, onClose } = props
  // The drawer returns the focus only to what had it when it opened; one that is open from the first moment never opened.
  const isMounted = useMounted()
  return (
    <Drawer
      opened={opened && isMounted}
      onClose={onClose}
      position="right"
      size="lg"
      title={citation.documentName}
      closeButtonProps={{ 'aria-label': 'Close the source' }}
    >
      <Passages key={`${citation.documentId} ${citation.place}`} chatbotId={chatbotId} citation={citation} />
    </Drawer>
  )
}

function Passages({ chatbotId, citation }: { chatbotId: string; citation: Citation }) {
  const { data, error, refetch } = useQuery(passagesQuery(useApi(), chatbotId, citation.documentId, citation.place))
  const excerpt = <div className={`${classes.passage} ${classes.cited}`}>{citation.excerpt}</div>

  if (error instanceof ApiProblem && error.problem.status === 404) {
    return (
      <Stack>
        <Alert color="gray" title="This document was deleted" role="status">The answer was written while it was there. This is what it cites:</Alert>
        {excerpt}
      </Stack>
    )
  }
  if (error !== null) {
    return (
      <Stack>
        <ProblemAlert error={error} title="The passage could not be read" onRetry={() => void refetch()} />
        {excerpt}
      </Stack>
    )
  }
  if (data === undefined) {
    return (
      <Stack role="status" aria-label="Loading the passage">
        <Skeleton h={90} />
        {excerpt}
        <Skeleton h={90} />
      </Stack>
    )
  }
  return (
    <Stack gap="xs">
      <Text size="xs" c="dimmed">Passage {citation.place} of {data.passageCount}</Text>
      {data.passages.map(({ place, text }) =>
        place === citation.place ? (
          <Cited key={place} text={text} />
        ) : (
          <div key={place} className={classes.passage}>{text}</div>
        )
      )}
    </Stack>
  )
}

/** Cited is the passage itself: what the reader came for has the focus. */
function Cited({ text }: { text: string }) {
  const element = useRef<HTMLDivElement>(null)
  useEffect(() => {
    element.current?.focus({ preventScroll: true })
    element.current?.scrollIntoView({ block: 'center' })
  }, [])
  return (
    <div ref={element} tabIndex={-1} role="group" aria-label="The cited passage" className={`${classes.passage} ${classes.cited}`}>
      {text}
    </div>
  )
}

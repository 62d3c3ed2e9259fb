import { Box, Button, Group, Text, VisuallyHidden } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useCallback, useRef, useState } from 'react'
import type { Citation } from '../../../../server/src/contract/messages.ts'
import { ApiProblem } from '../../lib/api.ts'
import { useApi } from '../../lib/api-context.tsx'
import { usageQuery } from '../../lib/queries.ts'
import { ProblemAlert } from '../../kit/problem-alert.tsx'
import classes from './chat.module.css'
import { Composer } from './composer.tsx'
import { AnswerItem, QuestionItem, Waiting } from './message-items.tsx'
import { remainingNote } from './notes.ts'
import { SourceDrawer } from './source-drawer.tsx'
import { Gone, MessagesLoading, Welcome } from './thread-states.tsx'
import { useAnnouncer } from './use-announcer.ts'
import { useConversation } from './use-conversation.ts'
import { useStickToEnd } from './use-stick-to-end.ts'

/** Thread is one conversation: its messages, the answer being written, and the box to write in. */
export function Thread(props: {
  chatbotId: string
  conversationId: string | null
  onOpened: (conversationId: string) => void
  onNew: () => void
  listButton: ReactNode
}) {
  const { chatbotId, conversationId, onOpened, onNew, listButton } = props
  const { data: usage } = useQuery(usageQuery(useApi()))
  const talk = useConversation(chatbotId, conversationId, onOpened)
  const { chatbot, messages, items, turn } = talk
  const { announcements, say } = useAnnouncer(turn)
  const { scroller, content, isAtEnd, toEnd, onScroll } = useStickToEnd(items[0]?.messageId)
  const box = useRef<HTMLTextAreaElement>(null)
  const [source, setSource] = useState<{ citation: Citation; isOpen: boolean } | null>(null)
  const cite = useCallback((citation: Citation) => setSource({ citation, isOpen: true }), [])
  const copy = useCallback((text: string) => {
    void copyText(text).then((isCopied) => say(isCopied ? 'Copied.' : 'The browser did not allow copying.'))
  }, [say])

  const last = items.at(-1)
  const error = messages.error ?? talk.conversation.error
  const isGone = error instanceof ApiProblem && error.problem.status === 404
  return (
    <section className={classes.thread} aria-label="Conversation">
      <Group hiddenFrom="md" mb="xs">{listButton}</Group>
      <div className={classes.frame}>
        <Box ref={scroller} className={classes.messages} onScroll={onScroll} tabIndex={0} role="region" aria-label="Messages">
          <div ref={content} className={classes.column}>
            {isGone && <Gone onNew={onNew} />}
            {messages.hasNextPage && (
              <Group justify="center" mb="md">
                <Button variant="subtle" size="xs" loading={messages.isFetchingNextPage} onClick={() => void messages.fetchNextPage()}>
                  Show older messages
                </Button>
              </Group>
            )}
            {conversationId !== null && messages.isPending && items.length === 0 && !isGone && <MessagesLoading />}
            {messages.error !== null && messages.data === undefined && !isGone && (
              <ProblemAlert error={messages.error} title="The messages could not be read" onRetry={() => void messages.refetch()} />
            )}
            {(conversationId === null || messages.data !== undefined) && !messages.hasNextPage && chatbot !== undefined && !isGone && (
              <Welcome text={chatbot.welcomeMessage} name={chatbot.name} hasItems={items.length > 0} />
            )}
            <ol className={classes.items}>
              {!isGone && items.map((item) =>
                item.role === 'user' ? (
                  <QuestionItem key={item.messageId} item={item} />
                ) : (
                  <AnswerItem
                    key={item.messageId}
                    item={item}
                    failure={item === last ? (turn.failure?.error ?? null) : null}
                    onCite={cite}
                    onCopy={copy}
                    onAgain={item === last ? talk.answerAgain : null}
                  />
                )
              )}
              {turn.phase === 'waiting' && last?.status !== 'streaming' && <li><Waiting /></li>}
            </ol>
            {turn.failure !== null && last?.status !== 'failed' && (
              <Box mt="md"><ProblemAlert error={turn.failure.error} title="This was not answered" onRetry={talk.repeat} /></Box>
            )}
            {turn.isLost && (
              <Text size="sm" c="dimmed" role="status">
                The connection was lost. The answer goes on; it is shown as soon as Parley can be reached.
              </Text>
            )}
            <ProblemAlert error={talk.stopError} title="The answer could not be stopped" onRetry={talk.stop} />
          </div>
        </Box>
        {!isAtEnd && <Button className={classes.jump} size="xs" variant="default" onClick={toEnd}>Jump to the newest</Button>}
      </div>
      <VisuallyHidden>
        <div aria-live="polite" aria-relevant="additions">
          {announcements.map(({ id, words }) => <p key={id}>{words}</p>)}
        </div>
      </VisuallyHidden>
      {!isGone && (
        <Composer
          box={box}
          text={talk.text}
          onType={talk.type}
          onSend={() => {
            toEnd()
            talk.send()
          }}
          onStop={talk.stop}
          isRunning={turn.phase !== 'idle'}
          isSending={turn.phase === 'waiting' && turn.attempt?.content === talk.text.trim()}
          isStopping={turn.isStopping}
          blocked={talk.blocked}
          remaining={remainingNote(usage, chatbot)}
        />
      )}
      {source !== null && (
        <SourceDrawer
          chatbotId={chatbotId}
          citation={source.citation}
          opened={source.isOpen}
          onClose={() => setSource({ ...source, isOpen: false })}
        />
      )}
    </section>
  )
}

async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    // Refused, or not there at all: a page without https has no clipboard.
    return false
  }
}

import { Button, Drawer, Title, VisuallyHidden } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { type RefObject, useLayoutEffect, useRef, useState } from 'react'
import { ConversationList } from './conversation-list.tsx'
import classes from './chat.module.css'
import { Thread } from './thread.tsx'

/** ChatPage is the playground of a chatbot: its conversations beside the one that is open. */
export function ChatPage() {
  const { chatbotId } = useParams({ from: '/bots/$chatbotId/chat' })
  const { conversation = null } = useSearch({ from: '/bots/$chatbotId/chat' })
  const navigate = useNavigate()
  const [isListOpen, list] = useDisclosure(false)
  const frame = useRef<HTMLDivElement>(null)
  const listButton = useRef<HTMLButtonElement>(null)
  useTop(frame)

  // A conversation that its first question opens keeps its screen, on which the answer is being written.
  const [shown, setShown] = useState({ key: 0, chatbotId, conversation, opened: conversation })
  if (shown.chatbotId !== chatbotId || shown.conversation !== conversation) {
    const isSame = shown.chatbotId === chatbotId && conversation !== null && shown.opened === conversation
    setShown({ key: isSame ? shown.key : shown.key + 1, chatbotId, conversation, opened: conversation })
  }
  const open = (conversationId: string | null): void => {
    list.close()
    const search = conversationId === null ? {} : { conversation: conversationId }
    void navigate({ to: '/bots/$chatbotId/chat', params: { chatbotId }, search })
  }
  const onOpened = (opened: string): void => {
    setShown((before) => ({ ...before, opened }))
    void navigate({ to: '/bots/$chatbotId/chat', params: { chatbotId }, search: { conversation: opened }, replace: true })
  }
  const conversations = (
    <ConversationList
      chatbotId={chatbotId}
      currentId={conversation}
      onOpen={open}
      onDeleted={(conversationId) => {
        if (conversationId === conversation) open(null)
      }}
    />
  )
  return (
    <div ref={frame} className={classes.chat}>
      <VisuallyHidden><Title order={2}>Playground</Title></VisuallyHidden>
      <Drawer
        opened={isListOpen}
        onClose={list.close}
        title="Conversations"
        size="xs"
        hiddenFrom="md"
        // By us: what was deleted in it would take the focus along.
        returnFocus={false}
        onExitTransitionEnd={() => listButton.current?.focus()}
        closeButtonProps={{ 'aria-label': 'Close the conversations' }}
      >
        {conversations}
      </Drawer>
      <div className={classes.side}>{conversations}</div>
      <Thread
        key={shown.key}
        chatbotId={chatbotId}
        conversationId={conversation}
        onOpened={onOpened}
        onNew={() => open(null)}
        listButton={
          <Button ref={listButton} variant="default" size="xs" hiddenFrom="md" aria-haspopup="dialog" onClick={list.open}>Conversations</Button>
        }
      />
    </div>
  )
}

/** useTop tells the style sheet where an element begins on the page, which banners and notices above it move. */
function useTop(element: RefObject<HTMLElement | null>): void {
  useLayoutEffect(() => {
    const measure = (): void => {
      const top = (element.current?.getBoundingClientRect().top ?? 0) + window.scrollY
      element.current?.style.setProperty('--chat-top', `${Math.round(top)}px`)
    }
    measure()
    const observer = new ResizeObserver(measure)
    for (const sibling of element.current?.parentElement?.children ?? []) {
      if (sibling !== element.current) observer.observe(sibling)
    }
    observer.observe(document.body)
    return () => observer.disconnect()
  }, [element])
}

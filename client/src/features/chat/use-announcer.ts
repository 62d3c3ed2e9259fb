import { useCallback, useEffect, useRef, useState } from 'react'
import { plural } from '../../lib/format.ts'
import { takeAnnouncement } from './announcements.ts'
import type { Turn } from './turn-runner.ts'

const KEPT = 3

/** Announcement is one thing for the live region to say. */
export type Announcement = { id: number; words: string }

/** useAnnouncer tells a screen reader what happens in a turn, sentence by sentence; `say` adds something of one's own. */
export function useAnnouncer(turn: Turn): { announcements: Announcement[]; say: (words: string) => void } {
  const [announcements, setAnnouncements] = useState<Announcement[]>([])
  const count = useRef(0)
  const spoken = useRef<{ messageId: string | null; characters: number }>({ messageId: null, characters: 0 })
  const say = useCallback((words: string) => {
    if (words === '') return
    count.current += 1
    const id = count.current
    setAnnouncements((before) => [...before.slice(1 - KEPT), { id, words }])
  }, [])

  const { answer, phase } = turn
  useEffect(() => {
    if (phase === 'waiting') say('The chatbot is answering.')
  }, [phase, say])
  useEffect(() => {
    if (answer === null) return
    const isNew = spoken.current.messageId !== answer.messageId
    const from = isNew ? 0 : spoken.current.characters
    const next = takeAnnouncement(answer.text, from, answer.ended !== null)
    spoken.current = { messageId: answer.messageId, characters: next.spoken }
    say(next.words)
    if (answer.ended === 'stopped') say('Stopped.')
    const sources = answer.citations.length
    if (answer.ended === 'complete') say(`The answer is complete${sources === 0 ? '' : `, with ${plural(sources, 'source')}`}.`)
  }, [answer, say])
  return { announcements, say }
}

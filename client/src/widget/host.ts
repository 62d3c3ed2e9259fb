import { z } from 'zod'
import type { Identity } from './visit.ts'

const messageSchema = z.union([
  z.object({
    type: z.literal('parley:identity'),
    identity: z.object({ userId: z.string(), signature: z.string() }).nullable()
  }),
  z.object({ type: z.literal('parley:focus') })
])

/** isFramed tells whether the page is inside another one. */
export function isFramed(): boolean {
  return window.parent !== window
}

/** closeChat asks the page around to hide the chat. */
export function closeChat(): void {
  tell('parley:close')
}

/**
 * listenToHost hears what the page around says: who the visitor is (signed, so it may come from any page), and that the chat
 * was opened.
 */
export function listenToHost(on: { identity: (identity: Identity | null) => void; focus: () => void }): void {
  window.addEventListener('message', (event) => {
    if (event.source !== window.parent) return
    const message = messageSchema.safeParse(event.data)
    if (!message.success) return
    if (message.data.type === 'parley:focus') on.focus()
    else on.identity(message.data.identity)
  })
  tell('parley:ready')
}

function tell(type: string): void {
  // Which page is around is not known here, and nothing is said that it may not know.
  if (isFramed()) window.parent.postMessage({ type }, '*')
}

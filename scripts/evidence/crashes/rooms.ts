import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import type { Caller } from './caller.ts'
import type { Lane } from './instances.ts'
import { create } from './requests.ts'

/** Room is a conversation with a chatbot of an account that may ask as much as it likes; `path` takes its questions. */
export type Room = { accountId: string; chatbotId: string; conversationId: string; path: string }

const PATIENCE_MS = 60_000
const REPEAT_AFTER_MS = 20

/** openRoom subscribes the account to the largest plan, and makes a chatbot and a conversation. */
export async function openRoom(caller: Caller, lane: Lane, accountId: string): Promise<Room> {
  const subscribed = { processor: 'stripe', accountId, event: 'created', plan: 'enterprise', place: 1, id: `evt_${accountId}` } as const
  await caller.delivery(subscribed).untilDone(lane)
  const { chatbotId } = await make(caller, lane, accountId, '/api/chatbots', { name: 'Helpdesk' }, z.object({ chatbotId: z.string() }))
  return anotherRoom(caller, lane, { accountId, chatbotId })
}

/** anotherRoom opens one more conversation with the same chatbot. */
export async function anotherRoom(caller: Caller, lane: Lane, { accountId, chatbotId }: Pick<Room, 'accountId' | 'chatbotId'>): Promise<Room> {
  const path = `/api/chatbots/${chatbotId}/conversations`
  const { conversationId } = await make(caller, lane, accountId, path, {}, z.object({ conversationId: z.string() }))
  return { accountId, chatbotId, conversationId, path: `${path}/${conversationId}/messages` }
}

// The server may be killed meanwhile; a conversation too many does no harm.
async function make<Schema extends z.ZodType>(caller: Caller, lane: Lane, accountId: string, path: string, body: object, schema: Schema): Promise<z.output<Schema>> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    const { url } = await lane.current()
    const made = await create(`${url}${path}`, caller.token(accountId), body, schema)
    if (made !== null) return made
    if (performance.now() > deadline) throw new Error(`POST ${path} was not answered for ${PATIENCE_MS / 1000} s.`)
    await pause(REPEAT_AFTER_MS)
  }
}

import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { estimateTokens } from '../../../server/src/llm/tokens.ts'
import type { Ground } from '../ground.ts'
import { MISDEEDS, type Misdeed } from './bad-model.ts'
import { type Caller, openCaller } from './caller.ts'
import type { House } from './house.ts'
import type { Cost, ModelCase, StoppedCase } from './model-judge.ts'

// The longest answer a server waits for, and what it takes around it.
const GIVE_UP_MS = 130_000
// The instructions every answer is given with, by a generous count.
const PROMPT_TOKENS = 400

const costSchema = z.object({ messages: z.number(), tokens: z.number(), open: z.number() })

const SHORT = ['status 401', 'a page with status 200', 'an answer without words', 'no JSON', 'an end after a word', 'a flood']

/** misdeedsOf are those a dose has the time for. */
export function misdeedsOf(short: boolean): [string, Misdeed][] {
  return Object.entries(MISDEEDS).filter(([name]) => !short || SHORT.includes(name))
}

/** openAsker opens an account of its own, so that what it was charged is what its one answer cost. */
export function openAsker(ground: Ground, house: House): Promise<Caller> {
  return openCaller(ground, house.server.url, `user_${randomUUID()}`, GIVE_UP_MS)
}

/** askBadModel asks for one misdeed, streamed or as JSON. */
export async function askBadModel(
  ground: Ground,
  house: House,
  caller: Caller,
  name: string,
  misdeed: Misdeed,
  stream: boolean
): Promise<ModelCase> {
  const { text: _text, ...note } = await caller.ask(`Go wrong: [[${name}]]`, { stream })
  const { moment, takes } = misdeed
  return { name: `${name}, over ${house.transport}`, moment, takes, note, cost: await costOf(ground, caller.accountId) }
}

/** stopBadModel asks for a misdeed that says something and then nothing good, and stops the answer after its first word. */
export async function stopBadModel(ground: Ground, house: House, caller: Caller, name: string): Promise<StoppedCase> {
  let stopping: Promise<{ status: number }> = Promise.resolve({ status: 0 })
  const { text } = await caller.ask(`Go wrong: [[${name}]]`, {
    stream: true,
    onStart: (messageId) => {
      stopping = caller.post(`${caller.conversationPath}/${messageId}/stop`, {})
    }
  })
  const { status } = await stopping
  const deltas = text.matchAll(/"type":"text-delta".*?"delta":("(?:[^"\\]|\\.)*")/g)
  const words = [...deltas].map(([, word]) => z.string().parse(JSON.parse(word ?? '""')))
  return {
    name: `${name}, over ${house.transport}`, status,
    streamedTokens: estimateTokens(words.join('')), promptTokens: PROMPT_TOKENS, cost: await costOf(ground, caller.accountId)
  }
}

// Nothing is waited for: whoever was told of the end was told after it was settled.
async function costOf(ground: Ground, accountId: string): Promise<Cost> {
  const owner = await ground.connect()
  const { rows } = await owner.query(
    `select coalesce(sum(amount) filter (where metric = 'messages'), 0)::int as messages,
            coalesce(sum(amount) filter (where metric = 'llm_tokens'), 0)::int as tokens,
            (select count(*)::int from app.usage_reservations where account_id = $1 and status = 'open') as open
     from app.usage_events where account_id = $1`,
    [accountId]
  )
  await owner.end()
  return costSchema.parse(rows[0])
}

import { z } from 'zod'
import { codeOf, StartError } from '../embedded/start-error.ts'

/** Move is how the clock is to move: by an interval such as `1 month`, or to a time in RFC 3339. */
export type Move = { advance: string } | { to: string }

const clockSchema = z.looseObject({ now: z.iso.datetime({ offset: true }), before: z.iso.datetime({ offset: true }).optional() })

/** ClockAnswer is what `/sandbox/clock` answers: the time, the one before a move, and counts of what happened in between. */
export type ClockAnswer = z.infer<typeof clockSchema>

// Years of renewals take their time.
const TIMEOUT_MS = 600_000

/** moveOf reads `+1 month`, `+14 days` or a time; null when it is neither. */
export function moveOf(words: string): Move | null {
  const interval = /^\+\s*(\d{1,6})\s*(second|minute|hour|day|week|month|year)s?$/i.exec(words.trim())
  if (interval !== null) {
    const [, count, unit] = interval
    return { advance: `${count} ${unit?.toLowerCase()}${count === '1' ? '' : 's'}` }
  }
  const time = new Date(words.trim())
  const isTime = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/.test(words.trim())
  return isTime && !Number.isNaN(time.getTime()) ? { to: time.toISOString() } : null
}

/** readClock asks the server at `url` for its time. Throws {@link StartError} with a sentence. */
export function readClock(url: string): Promise<ClockAnswer> {
  return ask(url, null)
}

/** moveClock moves it. Throws {@link StartError} with a sentence. */
export function moveClock(url: string, move: Move): Promise<ClockAnswer> {
  return ask(url, move)
}

/** describeMove puts the answer into lines for people. */
export function describeMove({ before, now, ...rest }: ClockAnswer): string[] {
  if (before === undefined) return [now, ...factsOf(rest)]
  return [`${before} -> ${now}`, ...factsOf(rest)]
}

function factsOf(rest: Record<string, unknown>): string[] {
  return Object.entries(rest).map(([name, value]) => `  ${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
}

async function ask(url: string, move: Move | null): Promise<ClockAnswer> {
  const answer = await send(`${url}/sandbox/clock`, move)
  if (answer.status === 404) {
    throw new StartError(
      `The server at ${url} has no clock that can be moved: it runs on keys of real processors, on a database that is no sandbox, or in production.`
    )
  }
  const text = await answer.text()
  if (!answer.ok) throw new StartError(`The clock was not moved: ${sentenceIn(text) ?? `the server answered ${answer.status}`}`)
  const parsed = clockSchema.safeParse(jsonOf(text))
  if (!parsed.success) throw new StartError(`What answers at ${url} is no Parley: its /sandbox/clock tells no time.`)
  return parsed.data
}

async function send(url: string, move: Move | null): Promise<Response> {
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  try {
    if (move === null) return await fetch(url, { signal })
    return await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(move), signal })
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined
    const reason = codeOf(cause) || (error instanceof Error ? error.message : String(error))
    throw new StartError(`No server answers at ${new URL(url).origin} (${reason}): start it with npm start, or name another's with --url.`, { cause: error })
  }
}

// A refusal is application/problem+json.
function sentenceIn(text: string): string | null {
  const problem = z.object({ detail: z.string() }).safeParse(jsonOf(text))
  return problem.success ? problem.data.detail : null
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

import { type Check, type Finding, startFinding } from '../suite.ts'
import type { BodyOf, Credentials } from './control.ts'
import { hostileBodies, rawRequests } from './hostile-bodies.ts'
import { askPatiently, inParallel } from './http-client.ts'
import { faultOf } from './judge.ts'
import type { Operation } from './operations.ts'
import { type RawAnswer, sendRaw } from './raw-socket.ts'
import { requestOf } from './requests.ts'
import type { Scene } from './scene.ts'
import { idsFor, type Tenant } from './tenant.ts'

/** PATIENCE_MS is how long a sender that never ends may hold a connection: the 30 s for a whole request, as Node checks them. */
const PATIENCE_MS = 75_000

/**
 * attackBodies sends bodies of every wrong kind to every operation that takes one, and to those that take none; requests that
 * are no HTTP; and, with `slow`, bodies that never end.
 */
export async function attackBodies(
  scene: Scene, operations: readonly Operation[], bodyOf: BodyOf, attacker: Tenant, credentials: Credentials,
    dose: { share: number; slow: boolean }, draw: () => number
): Promise<Check> {
  const finding = startFinding('a body of a wrong kind is answered in time and as a problem, and never brings a fault')
  const writing = operations.filter(({ method }) => method !== 'GET' && method !== 'DELETE')
  const { token } = attacker
  const slow = dose.slow ? scene.servers.map(({ process }) => neverEnding(process.port, attacker, finding)) : []
  let rawCount = 0
  for (const { transport, ask, process } of scene.servers) {
    const attacks = writing.flatMap((operation) => {
      const ids = idsFor(attacker, operation)
      const good = JSON.stringify(bodyOf(operation, ids) ?? {})
      const { path, headers } = requestOf(operation, { ids, headers: credentials(operation.scheme, operation) })
      return bodiesOnce(good).filter(() => draw() < dose.share).map((hostile) =>
        ({ operation, path, own: headers ?? {}, ...hostile }))
    })
    await inParallel(attacks, 8, async ({ operation, path, own, kind, headers, body }) => {
      finding.tried()
      const answer = await ask({ method: operation.method, path, headers: { ...own, ...headers }, body })
      const fault = faultOf(answer, { mayBeAway: operation.statuses.includes(503) })
      if (fault !== null) finding.violation(`${operation.name}, ${kind} (${transport}): ${fault}`)
    })
    const head = `Authorization: Bearer ${token}\r\n`
    await inParallel(rawRequests('/api/chatbots', head), 8, async ({ kind, bytes }) => {
      finding.tried()
      rawCount += 1
      const fault = faultOfRaw(await sendRaw(process.port, bytes, { limitMs: 10_000, untilAnswer: true }))
      if (fault !== null) finding.violation(`${kind} (${transport}): ${fault}`)
    })
  }
  await Promise.all(slow)
  const alive = await Promise.all(scene.servers.map(({ ask }) => askPatiently(ask, { method: 'GET', path: '/readyz' })))
  const statuses = alive.map(({ status }) => status).join(', ')
  if (alive.some(({ status }) => status !== 200)) finding.violation(`a server is not ready afterwards: ${statuses}`)
  const never = dose.slow ? `, ${ENDLESS.length} bodies that never end × ${scene.servers.length}` : ''
  return finding.check(
    (tried) =>
      `${tried.toLocaleString('en-US')} requests over ${writing.length} writing routes × ${scene.servers.length} servers: ` +
      `${bodiesOnce('{}').length} kinds, ${rawCount} that are no HTTP${never}`,
    'no 5xx, none slower than 10 s, all from 400 on problem+json; the servers are ready afterwards'
  )
}

const made = new Map<string, ReturnType<typeof hostileBodies>>()

/** bodiesOnce makes them once for the same good body: bombs take a second. */
function bodiesOnce(good: string): ReturnType<typeof hostileBodies> {
  const known = made.get(good) ?? hostileBodies(good)
  made.set(good, known)
  return known
}

/** faultOfRaw judges what came back for bytes that are no request: a refusal, or an answer that is no fault of the server. */
export function faultOfRaw({ status, text, closed }: RawAnswer): string | null {
  if (text.includes('root:x:0:0:') || text.includes('"name": "parley"')) return 'a file of the machine was read'
  if (status >= 500 && status !== 505) return `a fault of the server: ${status}`
  if (status === 0 && !closed) return 'neither an answer nor an end within 10 s'
  return null
}

// Drop by drop, below every limit of size: only time can end these.
const ENDLESS = [
  { kind: 'a chunk of a byte each second', lines: 'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n',
    first: '1\r\n{\r\n', trickle: '1\r\n \r\n' },
  { kind: 'a byte of a long body each second', lines: 'Content-Type: application/json\r\nContent-Length: 90000\r\n', first: '{',
    trickle: ' ' },
  { kind: 'a form that goes on', lines: 'Content-Type: multipart/form-data; boundary=edge\r\nTransfer-Encoding: chunked\r\n',
    first: '', trickle: '6\r\n--edge\r\n' },
  { kind: 'a header each second', lines: '', first: null, trickle: 'X-A: b\r\n' }
] as const

async function neverEnding(port: number, { token, ids }: Tenant, finding: Finding): Promise<void> {
  await Promise.all(
    ENDLESS.map(async ({ kind, lines, first, trickle }) => {
      finding.tried()
      const path = kind.startsWith('a form') ? `/api/chatbots/${ids['chatbotId'] ?? ''}/documents` : '/api/chatbots'
      const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n${lines}`
      const answer = await sendRaw(port, first === null ? head : `${head}\r\n${first}`,
        { limitMs: PATIENCE_MS, trickle, everyMs: 1_000 })
      if (!answer.closed) finding.violation(`${kind} holds its connection after ${PATIENCE_MS / 1000} s`)
      else if (answer.status >= 500) finding.violation(`${kind}: ${answer.status}`)
    })
  )
}

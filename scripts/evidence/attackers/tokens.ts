import { type Check, startFinding } from '../suite.ts'
import { type Forged, forgedTokens } from './forged-tokens.ts'
import { type Answer, type Ask, inParallel } from './http-client.ts'
import { faultOf, problemOf } from './judge.ts'
import type { Operation } from './operations.ts'
import { bodiesFor, requestOf } from './requests.ts'
import type { Scene } from './scene.ts'
import { idsFor, type Tenant } from './tenant.ts'

/** TokenDose: how many operations each forged token is tried on (all: Infinity), and how often it is repeated on a warm server. */
export type TokenDose = { operations: number; repeats: number }

/**
 * attackTokens shows every forged token to every operation that is secured, on each server, in the header and in the cookie,
 * with the good token of the same user used right before and right after: whatever a cache remembers of the one must not help
 * the other.
 */
export async function attackTokens(scene: Scene, operations: readonly Operation[], victim: Tenant, dose: TokenDose,
  pick: () => number): Promise<Check> {
  const finding = startFinding('a session token that is forged, expired, early or meant for others opens nothing')
  const secured = operations.filter(({ scheme }) => scheme !== null)
  const forged = forgedTokens(victim.token, scene.ground.secrets.clerk, victim.accountId)
  let goodCount = 0
  for (const { transport, ask } of scene.servers) {
    const useGood = async (): Promise<void> => {
      goodCount += 1
      const answer = await ask({ method: 'GET', path: '/api/me', headers: { Authorization: `Bearer ${victim.token}` } })
      if (!isServed(answer)) finding.violation(`the good token is refused too (${transport}): ${answer.status} ${answer.fault ?? ''}`)
    }
    await useGood()
    await inParallel(forged, 16, async ({ kind, token }) => {
      const some = dose.operations >= secured.length ? secured : secured.filter(() => pick() < dose.operations / secured.length)
      for (const operation of some) {
        for (const place of ['header', 'cookie'] as const) {
          finding.tried()
          const fault = faultOfForged(await show(ask, operation, victim, token, place), token)
          if (fault !== null) finding.violation(`${operation.name}, ${kind}, in the ${place} (${transport}): ${fault}`)
        }
      }
      await useGood()
    })
    await inParallel(forged, 8, (each) => repeatBesideGood(ask, each, victim, dose.repeats, finding.tried, finding.violation))
  }
  return finding.check(
    (tried) =>
      `${tried.toLocaleString('en-US')} requests: ${forged.length} forged tokens × ${secured.length} secured routes × ` +
      `header, cookie × ${scene.servers.length} servers`,
    `all 401, the good token ${goodCount.toLocaleString('en-US')} times 200 in between`
  )
}

// Node's own limit (--max-http-header-size).
const LARGEST_HEAD = 16_384

/** faultOfForged judges the answer to a forged token: 401 as a problem, or a head so large that Node's parser refuses it. */
export function faultOfForged(answer: Answer, token = ''): string | null {
  const isTooLarge = token.length > LARGEST_HEAD
  // The connection is closed then, which may reach a sender in the middle of such a head before the answer does.
  if (isTooLarge && /^the connection broke: (ECONNRESET|EPIPE)$/.test(answer.fault ?? '')) return null
  const fault = faultOf(answer, { statuses: isTooLarge ? [401, 431] : [401], mayBeAway: false })
  if (fault === null && answer.status === 431) return null
  if (fault !== null) return fault
  return problemOf(answer)?.code === 'unauthenticated' ? null : `the problem is ${problemOf(answer)?.code ?? 'none'}`
}

/** isServed: an overloaded machine may answer 503, but knows who asks. */
function isServed(answer: Answer): boolean {
  return answer.status === 200 || (answer.status === 503 && problemOf(answer)?.code === 'service_unavailable')
}

function show(ask: Ask, operation: Operation, victim: Tenant, token: string, place: 'header' | 'cookie'): Promise<Answer> {
  const ids = idsFor(victim, operation)
  const headers: Record<string,
    string> = place === 'header' ? { Authorization: `Bearer ${token}` } : { Cookie: `__session=${token}` }
  return ask(requestOf(operation, { ids, headers, body: bodiesFor(operation, ids).at(-1) }))
}

/** repeatBesideGood sends good and forged at the same moment, as fast as it goes: a cache has every chance to mix them up. */
async function repeatBesideGood(ask: Ask, { kind, token }: Forged, victim: Tenant, repeats: number, tried: () => void,
  violation: (sentence: string) => void): Promise<void> {
  for (let round = 0; round < repeats; round += 1) {
    const send = (shown: string) => ask({ method: 'GET', path: '/api/me', headers: { Authorization: `Bearer ${shown}` } })
    const [good, bad] = await Promise.all([send(victim.token), send(token)])
    tried()
    const fault = faultOfForged(bad, token)
    if (fault !== null) violation(`beside the good token, ${kind}: ${fault}`)
    if (!isServed(good)) violation(`the good token is refused beside ${kind}: ${good.status}`)
  }
}

import { type Check, startFinding } from '../suite.ts'
import { type Canary, canaryIn } from './canaries.ts'
import type { BodyOf } from './control.ts'
import { type Answer, inParallel, type Sent } from './http-client.ts'
import { faultOf } from './judge.ts'
import type { Operation } from './operations.ts'
import { requestOf } from './requests.ts'
import { changedTables, rowsOf } from './rows.ts'
import type { Scene } from './scene.ts'
import { slotsOf, withValue } from './schema-values.ts'
import { idsFor, type Tenant } from './tenant.ts'

/**
 * Foreign is one request of an attacker with something of a victim's in it. `isInPath`: the path names an object of the
 * victim's. `isEssential`: it belongs to the smallest dose too.
 */
export type Foreign = { what: string; sent: Sent; isInPath: boolean; isEssential: boolean }

// 503 where the contract has it: an overloaded machine refuses too.
const REFUSALS = [400, 401, 402, 403, 404, 409, 422, 503]

/**
 * attackTenants asks every operation for another tenant's things: each id of the victim's, of every kind, in each place of the
 * path, the query, the headers and the body, beside ids of the attacker's and of the victim's; its keys and cursors too.
 */
export async function attackTenants(
  scene: Scene,
  operations: readonly Operation[],
  bodyOf: BodyOf,
  pairs: readonly { attacker: Tenant; victim: Tenant }[],
  share: number,
  draw: () => number
): Promise<Check> {
  const finding = startFinding("nothing of another tenant is read or changed by naming its ids, keys or cursors")
  for (const { attacker, victim } of pairs) {
    const before = await rowsOf(scene.owner, victim.accountId)
    const canaries = scene.canaries.list(({ owner }) => owner === victim.accountId)
    // First what must be refused: it needs the attacker's own things to be there, and the victim's ids in none of them.
    for (const make of [foreignPaths, foreignParts]) {
      for (const { transport, ask } of scene.servers) {
        const attacks = operations.flatMap((operation) =>
          make(operation, attacker, victim, bodyOf).map((foreign) => ({ operation, ...foreign })))
        const drawn = attacks.filter(({ isEssential }) => isEssential || draw() < share)
        await inParallel(drawn, 16, async ({ operation, what, sent, isInPath }) => {
          finding.tried()
          const about = { operation, sent, isInPath, victim: make === foreignPaths ? victim : null, canaries }
          const fault = faultOfForeign(await ask(sent), about)
          if (fault !== null) finding.violation(`${operation.name} with ${what} of another tenant's (${transport}): ${fault}`)
        })
      }
    }
    const after = await rowsOf(scene.owner, victim.accountId)
    for (const table of changedTables(before, after)) finding.violation(`the rows of ${victim.accountId} in ${table} have changed`)
  }
  const size = `${operations.length} routes × ids, keys and cursors of ${pairs.length} tenants × ${scene.servers.length} servers`
  return finding.check((tried) => `${tried.toLocaleString('en-US')} requests: ${size}`,
    'refused each time, no text of theirs in any answer, their rows as before')
}

/**
 * faultOfForeign judges the answer to a request with a victim's things in it; null where it gave nothing away. `victim` null:
 * the attacker has stored ids of theirs already, which may come back.
 */
export function faultOfForeign(
  answer: Answer,
  about: { operation: Pick<Operation, 'scheme' | 'statuses'>; sent: Sent; isInPath: boolean; victim: Pick<Tenant,
    'ids' | 'otherIds'> | null; canaries: readonly Canary[] }
): string | null {
  const { operation, sent, isInPath, victim, canaries } = about
  const found = canaryIn(answer.text, operation.scheme === null ? canaries.filter(({ isPublic }) => !isPublic) : canaries)
  if (found !== null) return `the answer (${answer.status}) holds ${found.name}`
  const isOpen = answer.status >= 200 && answer.status < 300
  if (isInPath && operation.scheme !== null && isOpen) return `it is answered with ${answer.status}`
  if (isOpen && victim !== null) {
    // An id that was not sent was found out.
    const said = `${sent.path}\n${JSON.stringify(sent.headers)}\n${String(sent.body ?? '')}`
    const ids = Object.entries({ ...victim.ids, ...victim.otherIds }).filter(([name, id]) => !NO_IDS.has(name) &&
      id.length > 12 && !said.includes(id))
    const told = ids.find(([, id]) => answer.text.includes(id))
    if (told !== undefined) return `the answer (${answer.status}) tells the ${told[0]}`
  }
  const statuses = isInPath && operation.scheme !== null ? { statuses: REFUSALS } : {}
  return faultOf(answer, { ...statuses, mayBeAway: operation.statuses.includes(503) })
}

/** foreignPaths are the requests whose path names something of the victim's, and lists that are asked for by nobody's id. */
export function foreignPaths(operation: Operation, attacker: Tenant, victim: Tenant, bodyOf: BodyOf): Foreign[] {
  const slots = operation.parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name)
  const [own, theirs] = [idsFor(attacker, operation), idsFor(victim, operation)]
  const attack = (what: string, ids: Record<string, string>, parameters: Record<string, string>): Foreign => ({
    what,
    sent: requestOf(operation, { ids, parameters, body: bodyOf(operation, own), headers: authorization(operation, attacker) }),
    isInPath: Object.entries(parameters).some(([name]) => !NO_IDS.has(name)),
    isEssential: what === 'every id'
  })
  const all = attack('every id', own, Object.fromEntries(slots.map((name) => [name, theirs[name] ?? ''])))
  const each = slots.flatMap((slot) =>
    idsOf(victim).flatMap(([kind, id]) =>
      [own, theirs].map((others) =>
        attack(`its ${kind} as ${slot}`, own, { ...Object.fromEntries(slots.map((name) => [name, others[name] ?? ''])), [slot]: id })
      )
    )
  )
  return [all, ...each.filter(({ sent }) => sent.path !== '')]
}

// Not anybody's: who delivers webhooks, and the files of the documentation.
const NO_IDS = new Set(['processor', 'file'])

/** foreignParts are the requests about the attacker's own things with a victim's id, key or cursor elsewhere than in the path. */
export function foreignParts(operation: Operation, attacker: Tenant, victim: Tenant, bodyOf: BodyOf): Foreign[] {
  // What it deletes of its own would be missing afterwards.
  if (operation.method === 'DELETE') return []
  const ids = idsFor(attacker, operation)
  const body = bodyOf(operation, ids)
  const headers = authorization(operation, attacker)
  const attack = (what: string, filling: Partial<Parameters<typeof requestOf>[1]>): Foreign => ({
    what,
    sent: requestOf(operation, { ids, body, ...filling, headers: { ...headers, ...filling.headers } }),
    isInPath: false,
    isEssential: filling.headers?.['X-accountId'] !== undefined
  })
  const queries = operation.parameters.filter((parameter) => parameter.in === 'query')
  const inQuery = queries.flatMap(({ name }) =>
    [...idsOf(victim), ...victim.cursors.map((cursor) => ['cursor', cursor] as const)].map(([kind, id]) =>
      attack(`its ${kind} as ?${name}`, { parameters: { [name]: id } })
    )
  )
  const inBody = (operation.json === null ? [] : slotsOf(operation.json)).flatMap(({ keys }) =>
    idsOf(victim).map(([kind, id]) => attack(`its ${kind} as ${keys.join('.')} in the body`, { body: withValue(body, keys, id) }))
  )
  const inKey = operation.parameters.some(({ name }) => name === 'Idempotency-Key')
    ? victim.keys.map((key) => attack('an Idempotency-Key', { headers: { 'Idempotency-Key': key } }))
    : []
  const smuggled = ['accountId', 'account_id', 'userId', 'o', 'sub'].flatMap((name) => [
    attack(`its account as an unasked header ${name}`, {
      headers: { [`X-${name}`]: victim.accountId, 'X-Clerk-User-Id': victim.accountId }
    }),
    ...(operation.json === null
      ? []
      : [attack(`its account as an unasked ${name} in the body`, { body: withValue(body, [name], victim.accountId) })])
  ])
  return [...inQuery, ...inBody, ...inKey, ...smuggled]
}

function idsOf({ ids, otherIds }: Tenant): [string, string][] {
  return Object.entries({ ...ids, ...otherIds }).filter(([name]) => !NO_IDS.has(name) && name !== 'around')
}

function authorization({ scheme }: Operation, { token, visitorToken }: Tenant): Record<string, string> {
  return { Authorization: `Bearer ${scheme === 'visitor' ? visitorToken : token}` }
}

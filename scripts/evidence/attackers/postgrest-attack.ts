import { createHmac } from 'node:crypto'
import { type Check, startFinding } from '../suite.ts'
import { type Canary, canaryIn } from './canaries.ts'
import { readCatalog } from './database-catalog.ts'
import { type Answer, createAsk, inParallel } from './http-client.ts'
import type { Scene } from './scene.ts'
import { changedTables, rowsOf } from './rows.ts'
import type { Tenant } from './tenant.ts'

/** Caller is somebody who comes to PostgREST: by which token, and whether it is one that PostgREST must refuse as such. */
export type Caller = { name: string; token: string | null; isForged: boolean; readsOwn: boolean }

/** callersOf makes those who come: nobody, the attacker as signed in, and whoever forges a better role. */
export function callersOf(jwtSecret: string, attacker: string): Caller[] {
  const inAnHour = Math.floor(Date.now() / 1000) + 3600
  const signed = (claims: object, secret = jwtSecret, header: object = { alg: 'HS256', typ: 'JWT' }) =>
    jwt(header, { exp: inAnHour, sub: attacker, ...claims }, secret)
  const forged = (name: string, token: string): Caller => ({ name, token, isForged: true, readsOwn: false })
  const [head = '', body = '', signature = ''] = signed({ role: 'authenticated' }).split('.')
  const better = Buffer.from(JSON.stringify({ role: 'service_role', exp: inAnHour })).toString('base64url')
  return [
    { name: 'nobody', token: null, isForged: false, readsOwn: false },
    { name: 'anon', token: signed({ role: 'anon' }), isForged: false, readsOwn: false },
    { name: 'the attacker, signed in', token: signed({ role: 'authenticated' }), isForged: false, readsOwn: true },
    // Truly signed, for roles that the login may not become.
    ...['postgres', 'operator', 'parley_server', 'pg_read_all_data', 'none', 'service_role; --', '',
      'SERVICE_ROLE'].map((role) => forged(`the role ${role}`, signed({ role }))),
    forged('service_role, signed with another secret', signed({ role: 'service_role' }, 'x'.repeat(64))),
    forged('service_role, signed with nothing', signed({ role: 'service_role' }, '')),
    forged('service_role, not signed',
      `${jwt({ alg: 'none' }, { role: 'service_role', exp: inAnHour }, '').split('.').slice(0, 2).join('.')}.`),
    forged('service_role by HS512 with a part of the secret',
      signed({ role: 'service_role' }, jwtSecret.slice(0, 32), { alg: 'HS512' })),
    forged('service_role, expired', signed({ role: 'service_role', exp: 1 })),
    forged('service_role, not yet', signed({ role: 'service_role', nbf: inAnHour })),
    forged('service_role with the signature of another', `${head}.${better}.${signature}`),
    forged('a signature cut', `${head}.${body}.${signature.slice(0, -4)}`),
    forged('no token', 'x')
  ]
}

function jwt(header: object, claims: object, secret: string): string {
  const text = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}

type Wish = {
  what: string
  method: string
  path: string
  headers?: Record<string, string>
  body?: string
  isOwnView: boolean
  isPlainCall?: boolean
}

/** attackPostgrest asks a real PostgREST for every function, table and view, in every way it knows, as all {@link callersOf}. */
export async function attackPostgrest(scene: Scene, attacker: Tenant, victim: Tenant, share: number,
  draw: () => number): Promise<Check> {
  const finding = startFinding('through PostgREST nobody calls a function or reaches a table, and a signed-in user reads own rows only')
  const canaries = scene.canaries.list(({ owner }) => owner === victim.accountId)
  const catalog = await readCatalog(scene.owner)
  const before = await rowsOf(scene.owner, victim.accountId)
  const ask = createAsk({ url: scene.postgrest.url, forbidden: () => canaries,
    forbiddenInErrors: () => scene.canaries.list(({ kind }) => kind === 'secret') })
  const functions = catalog.functions.filter(({ schema }) =>
    schema !== 'public').flatMap(({ schema, name, argumentNames }): Wish[] => {
    const args = Object.fromEntries(argumentNames.map((argument) =>
      [argument, /account/.test(argument) ? victim.accountId : null]))
    const query = new URLSearchParams(Object.fromEntries(argumentNames.map((argument) =>
      [argument, victim.accountId]))).toString()
    const path = `/rpc/${name}`
    return [
      { what: `calls ${schema}.${name}`, method: 'POST', path, body: JSON.stringify(args), isOwnView: false, isPlainCall: true },
      { what: `calls ${schema}.${name} by GET`, method: 'GET', path: `${path}?${query}`, isOwnView: false },
      { what: `calls ${schema}.${name} in its schema`, method: 'POST', path, headers: { 'Content-Profile': schema },
        body: JSON.stringify(args), isOwnView: false }
    ]
  })
  const relations = catalog.relations.flatMap(({ schema, name, columns }): Wish[] => {
    const short = name.split('.').at(-1) ?? ''
    const isOwnView = schema === 'api'
    const [first = '*'] = columns
    const body = JSON.stringify({ [first]: null })
    const wish = (what: string, method: string, query = '', headers: Record<string, string> = {}): Wish => ({
      what: `${what} ${name}`, method, path: `/${short}${query}`, headers, isOwnView: isOwnView &&
        (method === 'GET' || method === 'HEAD'), ...(/POST|PATCH|PUT/.test(method) && { body })
    })
    return [
      wish('reads', 'GET'), wish('counts', 'HEAD', '', { Prefer: 'count=exact' }), wish('counts', 'GET', '?select=count'),
        wish('sees the plan of', 'GET', '', { Accept: 'application/vnd.pgrst.plan+json; options=analyze|verbose' }),
      wish('reads by another schema', 'GET', '', { 'Accept-Profile': schema }),
        wish('reads as CSV', 'GET', '', { Accept: 'text/csv' }),
        wish('embeds from', 'GET', '?select=*,accounts(*),messages(*),chatbots(*)'),
      wish('filters', 'GET', `?or=(${first}.not.is.null,${first}.is.null)&order=${first}`), wish('writes', 'POST'),
        wish('upserts', 'POST', '', { Prefer: 'resolution=merge-duplicates' }),
        wish('changes', 'PATCH', `?${first}=not.is.null`), wish('puts', 'PUT', `?${first}=eq.x`),
        wish('deletes from', 'DELETE', `?${first}=not.is.null`)
    ]
  })
  const others: Wish[] = ['/', '/rpc/', '/rpc/pg_sleep', '/rpc/pg_read_file?filename=/etc/passwd', '/rpc/lo_create',
    '/rpc/set_config', '/rpc/version', '/pg_authid', '/pg_stat_activity', '/information_schema.tables', '/..%2fapp.accounts',
    '/my_messages;select'].flatMap((path) => [
    { what: `asks for ${path}`, method: 'GET', path, isOwnView: false },
    { what: `asks for ${path} in pg_catalog`, method: 'GET', path, headers: { 'Accept-Profile': 'pg_catalog' }, isOwnView: false }
  ])
  const wishes = [...functions, ...relations, ...others]
  const callers = callersOf(scene.postgrest.jwtSecret, attacker.accountId)
  let ownReads = 0
  const all = callers.flatMap((caller) => wishes.map((wish) => ({ caller, wish })))
  // What the attacker may read, and every function called by somebody signed in, is always among them.
  const drawn = all.filter(({ caller, wish }) => (caller.readsOwn && (wish.isOwnView || wish.isPlainCall === true)) || draw() < share)
  await inParallel(drawn, 16, async ({ caller, wish }) => {
    finding.tried()
    const { what, method, path, headers = {}, body } = wish
    const authorization = caller.token === null ? {} : { Authorization: `Bearer ${caller.token}` }
    const answer = await ask({ method, path, headers: { ...(body !== undefined && { 'Content-Type': 'application/json' }),
      ...headers, ...authorization }, body })
    const fault = faultOfRest(answer, caller, wish.isOwnView, canaries)
    if (fault !== null) finding.violation(`${caller.name} ${what}: ${fault}`)
    if (caller.readsOwn && wish.isOwnView && answer.status === 200) ownReads += 1
  })
  // A PostgREST that refuses everybody would hold as well.
  if (ownReads === 0) finding.violation('the attacker does not even read rows of its own')
  const after = await rowsOf(scene.owner, victim.accountId)
  for (const table of changedTables(before, after)) finding.violation(`the victim's rows in ${table} have changed`)
  return finding.check(
    (tried) => `${tried.toLocaleString('en-US')} requests: ${wishes.length} wishes × ${callers.length} callers`,
    `refused, but for ${ownReads} reads of the attacker's own rows`
  )
}

/** faultOfRest judges an answer of PostgREST's: 2xx only for a signed-in user at the views of schema api, and no word of the victim's. */
export function faultOfRest(answer: Answer, caller: Pick<Caller, 'isForged' | 'readsOwn'>, isOwnView: boolean,
  canaries: readonly Canary[]): string | null {
  if (answer.fault !== null) return answer.fault
  if (answer.leak !== null) return `the answer tells ${answer.leak}`
  const found = canaryIn(answer.text, canaries)
  if (found !== null) return `the answer tells ${found.name}`
  if (answer.status >= 200 && answer.status < 300 && !(caller.readsOwn &&
    isOwnView)) return `it is answered with ${answer.status}: ${answer.text.slice(0, 100)}`
  if (answer.status >= 500) return `a fault: ${answer.status} ${answer.text.slice(0, 200)}`
  return null
}

import { type Check, type Finding, startFinding } from '../suite.ts'
import type { BodyOf, Credentials } from './control.ts'
import { HUGE_TEXT, hostileTexts, type Marks, mayPass, NUMBERS, pollutions, WRONG_TYPES } from './hostile-values.ts'
import { type Answer, type Ask, inParallel, type Sent } from './http-client.ts'
import { faultOf } from './judge.ts'
import type { Operation, Schema } from './operations.ts'
import { requestOf } from './requests.ts'
import type { Scene } from './scene.ts'
import { slotsOf, withValue } from './schema-values.ts'
import { idsFor, type Tenant } from './tenant.ts'

/** Hostile is one request with a hostile value. `allowed`: whether the contract lets it pass. */
export type Hostile = { what: string; sent: Sent; allowed: boolean }

// Replaced in the text of a body, because no value of JavaScript's becomes the literal 9223372036854775808, nor NaN.
const PLACE = '@@place@@'

/**
 * attackInputs puts hostile values into every parameter and every member of every body: injections, what cannot be stored,
 * numbers at every edge, wrong types, prototypes, much too much. A value that passes must be one the contract allows.
 */
export async function attackInputs(
  scene: Scene, operations: readonly Operation[], bodyOf: BodyOf, attacker: Tenant, credentials: Credentials, marks: Marks,
    share: number, draw: () => number
): Promise<Check> {
  const finding = startFinding('injections, numbers at every edge, wrong types and polluted prototypes are refused or stay mere text')
  // It would take the attacker's own things away, and the rest of the values would meet nothing.
  const ends = (operation: Operation) => operation.method === 'DELETE' && !operation.path.includes('{')
  for (const { transport, ask } of scene.servers) {
    const before = await behaviour(ask, attacker)
    const attacks = operations.filter((operation) => !ends(operation)).flatMap((operation) =>
      hostileRequests(operation, attacker, bodyOf, credentials(operation.scheme, operation), marks)
        .filter(() => draw() < share)
        .map((hostile) => ({ operation, ...hostile }))
    )
    await inParallel(attacks, 16, async ({ operation, what, sent, allowed }) => {
      finding.tried()
      const fault = faultOfHostile(await ask(sent), operation, allowed, marks)
      if (fault !== null) finding.violation(`${operation.name}, ${what} (${transport}): ${fault}`)
    })
    const after = await behaviour(ask, attacker)
    if (before !== after) finding.violation(`the server behaves otherwise (${transport}): ${after} instead of ${before}`)
    noForgedLine(scene, marks, finding)
  }
  return finding.check(
    (tried) =>
      `${tried.toLocaleString('en-US')} requests over ${operations.length} routes × ${scene.servers.length} servers: ` +
      `${Object.keys(hostileTexts(marks)).length + 1} texts, ${NUMBERS.length} numbers, ` +
      `${WRONG_TYPES.length} wrong types, ${pollutions(marks).length} pollutions`,
    'no 5xx, none slower than 10 s, nothing evaluated, no log line forged, same behaviour as before'
  )
}

/** faultOfHostile judges the answer to a hostile value. */
export function faultOfHostile(answer: Answer, operation: Pick<Operation, 'statuses'>, allowed: boolean,
  marks: Marks): string | null {
  const said = `${JSON.stringify(answer.headers)}\n${answer.text}`
  if (said.includes(marks.evaluated)) return 'a template was evaluated'
  if (said.includes('root:x:0:0:')) return 'a file of the machine was read'
  if (answer.headers['set-cookie'] !== undefined) return 'a header was smuggled in'
  if (answer.headers['content-type']?.includes('html') && /<script>attack/.test(answer.text)) return 'a script is in the page'
  if (answer.status >= 200 && answer.status < 300 &&
    !allowed) return `it passed with ${answer.status}, though the contract does not allow it`
  return faultOf(answer, { mayBeAway: operation.statuses.includes(503) })
}

/** hostileRequests are all for one operation; everything else in them is as the owner sends it. */
export function hostileRequests(operation: Operation, attacker: Tenant, bodyOf: BodyOf, headers: Record<string, string>,
  marks: Marks): Hostile[] {
  const ids = idsFor(attacker, operation)
  const body = bodyOf(operation, ids)
  const texts = Object.entries(hostileTexts(marks))
  const attack = (what: string, allowed: boolean, filling: Partial<Parameters<typeof requestOf>[1]>): Hostile => ({
    what, allowed, sent: requestOf(operation, { ids, body, ...filling, headers: { ...headers, ...filling.headers } })
  })
  const inParameters = operation.parameters.filter(({ in: place }) => place !== 'header').flatMap(({ name, schema, in: place }) =>
    [...texts, ...NUMBERS.map((number) => [`the number ${number}`, number.replaceAll('"', '')] as const)].flatMap(([kind,
    text]) =>
      // An empty part is another path, and where one is taken apart anew ids may follow by name.
      place === 'path' && text === '' ? [] : [attack(`${kind.slice(0, 60)} as ${name}`, passes(schema, text),
        { parameters: { [name]: text } })]
    )
  )
  const inKey = operation.parameters.filter(({ name }) => name === 'Idempotency-Key').flatMap(({ name }) =>
    texts.filter(([, text]) => /^[\t\x20-\x7e\x80-\xff]*$/.test(text)).map(([kind, text]) =>
      attack(`${kind} as ${name}`, true, { parameters: { [name]: text } }))
  )
  if (operation.json === null) return [...inParameters, ...inKey]
  const literal = (what: string, allowed: boolean, keys: readonly (string | number)[], text: string) =>
    attack(what, allowed, { text: JSON.stringify(withValue(body, keys, PLACE)).replace(`"${PLACE}"`, () => text) })
  const inBody = slotsOf(operation.json).flatMap(({ keys, schema }) => {
    const at = keys.join('.')
    const values = [...texts.map(([kind, text]) => [kind, JSON.stringify(text)] as const),
      ...NUMBERS.map((each) => [`the number ${each}`, each] as const),
      ...WRONG_TYPES.map((each) => [`the value ${each}`, each] as const)]
    return [
      ...values.map(([kind, text]) => literal(`${kind.slice(0, 60)} as ${at}`, mayPass(schema, text), keys, text)),
      literal(`1 MB as ${at}`, operation.path.endsWith('/documents') || operation.path.startsWith('/webhooks'), keys,
        JSON.stringify(HUGE_TEXT))
    ]
  })
  const isLoose = operation.path.startsWith('/webhooks')
  const whole = JSON.stringify(body ?? {})
  const polluted = pollutions(marks).flatMap((member) => [
    attack(`the member ${member.slice(0, 24)}`, true, { text: whole.replace(/\}$/, `${whole === '{}' ? '' : ','}${member}}`) }),
    attack(`only ${member.slice(0, 24)}`, isLoose || !operation.bodyRequired || operation.json?.required.length === 0,
      { text: `{${member}}` })
  ])
  return [...inParameters, ...inKey, ...inBody, ...polluted]
}

function passes(schema: Schema, text: string): boolean {
  return mayPass(schema, JSON.stringify(text))
}

/** behaviour is what requests that depend on nobody's prototype are answered with: it must not change. */
async function behaviour(ask: Ask, { token }: Tenant): Promise<string> {
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }
  const statuses: string[] = []
  for (const [method, path] of [['POST', '/api/billing/plan-change/check'], ['POST', '/api/chatbots'],
    ['PUT', '/api/billing/kept-chatbots'], ['GET', '/api/admin/accounts'], ['GET', '/api/me']] as const) {
    const { status, text } = await ask({ method, path, headers, body: method === 'GET' ? undefined : '{}' })
    const members = status === 200 ? Object.keys(JSON.parse(text)).join(' ') : ''
    statuses.push(`${method} ${path} ${status} ${members}`)
  }
  return statuses.join(', ')
}

function noForgedLine({ servers }: Scene, { forged, evaluated }: Marks, finding: Finding): void {
  for (const { transport, process } of servers) {
    for (const line of process.output().split('\n')) {
      if (line.startsWith('{') &&
        !isOwnLine(line, forged)) finding.violation(`a log line was forged (${transport}): ${line.slice(0, 200)}`)
      if (line.includes(evaluated)) finding.violation(`a template was evaluated in a log line (${transport})`)
    }
  }
}

/** isOwnLine tells whether a log line is one the server wrote itself: JSON, and not the attacker's message. */
export function isOwnLine(line: string, forged: string): boolean {
  try {
    const parsed: unknown = JSON.parse(line)
    return typeof parsed === 'object' && parsed !== null && !('msg' in parsed && parsed.msg === forged)
  } catch {
    return false
  }
}

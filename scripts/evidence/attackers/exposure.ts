import { type Check, startFinding } from '../suite.ts'
import { type Canary, canaryIn } from './canaries.ts'
import { ASK_FOR_REFUSAL } from './fake-model.ts'
import type { Scene } from './scene.ts'
import { makeSigners } from './signature-mutations.ts'
import type { Tenant } from './tenant.ts'

/**
 * searchForCanaries lets things fail that hold secrets and personal texts (a model that repeats its key and the prompt,
 * deliveries that cannot be read or applied), and then looks for every canary in all that was written: the servers' logs,
 * Postgres' log, the metrics, and every column that keeps a failure.
 */
export async function searchForCanaries(scene: Scene, victim: Tenant): Promise<Check> {
  const finding = startFinding('no secret, token, signature or personal text is in a log, a metric, an error or a stored failure')
  const failures = await provokeFailures(scene, victim)
  const canaries = scene.canaries.list()
  const places = [...scene.seen(), ...(await metricsOf(scene)), ...(await storedFailures(scene))]
  let bytes = 0
  for (const { name, text } of places) {
    bytes += text.length
    for (const canary of canaries) {
      finding.tried()
      const sentence = exposureOf(name, text, canary)
      if (sentence !== null) finding.violation(sentence)
    }
  }
  if (!places.some(({ name, text }) => name.startsWith('the log of') &&
    text.length > 1_000)) finding.violation('the servers wrote no log')
  return finding.check(
    (tried) =>
      `${tried.toLocaleString('en-US')} searches: ${canaries.length} canaries in ${places.length} places, ` +
      `${(bytes / 2 ** 20).toFixed(1)} MiB, after ${failures} failures on purpose`,
    'none found; every error body of the other checks was searched as well'
  )
}

/** exposureOf tells where a canary is that must not be there, with what stands around it; null where it is not. */
export function exposureOf(place: string, text: string, canary: Canary): string | null {
  if (canaryIn(text, [canary]) === null) return null
  const at = text.indexOf(canary.text)
  const around = at < 0 ? '(encoded)' : text.slice(Math.max(at - 160, 0), at).replace(/\s+/g, ' ')
  return `${canary.name} is in ${place}, after: ${around}`
}

async function provokeFailures(scene: Scene, { token, ids }: Tenant): Promise<number> {
  const { canaries, digest } = scene
  const personal = (name: string): string => {
    const text = `${name}-${digest(name).slice(0, 20)}@example.com`
    canaries.add({ name: `the ${name}`, text, kind: 'personal' })
    return text
  }
  let failures = 0
  const conversation = `/api/chatbots/${ids['chatbotId'] ?? ''}/conversations/${ids['conversationId'] ?? ''}/messages`
  for (const { ask } of scene.servers) {
    for (const accept of ['application/json', 'text/event-stream']) {
      const content = `${ASK_FOR_REFUSAL} ${personal(`question to a model that refuses, for ${accept}`)}`
      await ask({ method: 'POST', path: conversation, headers: { Authorization: `Bearer ${token}`, Accept: accept,
        'Content-Type': 'application/json' }, body: JSON.stringify({ content }) })
      failures += 1
    }
  }
  const { stripeWebhookSecret: stripe, paddleWebhookSecret: paddle, razorpayWebhookSecret: razorpay,
    clerkWebhookSecret: clerk } = scene.ground.secrets
  for (const signer of makeSigners({ stripe, paddle, razorpay, clerk })) {
    for (const [place, body] of brokenDeliveries(personal(`buyer at ${signer.source}`)).entries()) {
      const delivery = signer.sign(body, Math.floor(Date.now() / 1000))
      for (const [name, value] of Object.entries(delivery.headers)) {
        if (name.endsWith('signature')) canaries.add({ name: `a signature of ${signer.source} (${place})`,
          text: String(value).split(/v1=|h1=|v1,/).at(-1) ?? '', kind: 'secret' })
      }
      const server = scene.servers[place % scene.servers.length]
      await server?.ask({ method: 'POST', path: `/webhooks/${signer.source}`, headers: delivery.headers, body: delivery.body })
      failures += 1
    }
  }
  return failures
}

/** Deliveries that are signed and yet wrong, each with the buyer in the place that is at fault. */
function brokenDeliveries(buyer: string): string[] {
  const event = (type: string, object: object) => JSON.stringify({
    id: `evt_${buyer}`, event_id: `evt_${buyer}`, type, event_type: type, event: type, entity: 'event', created: 1_790_000_000,
      created_at: 1_790_000_000, occurred_at: '2026-11-21T00:00:00Z', timestamp: 1_790_000_000_000,
    data: { object, id: buyer, ...object }, payload: { subscription: { entity: object } }, contains: ['subscription']
  })
  const types = ['customer.subscription.updated', 'subscription.updated', 'subscription.charged', 'user.deleted', 'invoice.paid',
    buyer]
  return [
    ...types.map((type) => event(type, { id: buyer, status: buyer, customer: buyer, customer_id: buyer, plan_id: buyer,
      email: buyer, current_period_start: buyer, items: buyer, metadata: { account_id: `${buyer} ` },
      custom_data: { account_id: `${buyer}\u0007` }, notes: buyer })),
    `{"id":"${buyer}`, `"${buyer}"`, `[${JSON.stringify(buyer)}]`, JSON.stringify({ id: buyer, type: { buyer } }),
    `${buyer}\u0000`, JSON.stringify({ [buyer]: buyer })
  ]
}

async function metricsOf({ servers, metricsToken }: Scene): Promise<{ name: string; text: string }[]> {
  return Promise.all(
    servers.map(async ({ transport, ask }) => {
      const { status, text } = await ask({ method: 'GET', path: '/metrics',
        headers: { Authorization: `Bearer ${metricsToken}` } })
      if (status !== 200) throw new Error(`The metrics answered ${status}.`)
      return { name: `the metrics (${transport})`, text }
    })
  )
}

/** storedFailures reads every column whose name says that it keeps why something failed. */
async function storedFailures({ owner }: Scene): Promise<{ name: string; text: string }[]> {
  const { rows } = await owner.query<{ relation: string; column: string }>(
    `select format('%I.%I', n.nspname, c.relname) as relation, quote_ident(a.attname) as "column"
       from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'app' and c.relkind = 'r' and a.attnum > 0
        and a.attname ~ '(error|reason|cause|fault|detail|failure)' and a.atttypid in ('text'::regtype, 'jsonb'::regtype)`
  )
  const places: { name: string; text: string }[] = []
  for (const { relation, column } of rows) {
    const kept = `select distinct ${column}::text as line from ${relation} where ${column} is not null`
    const { rows: lines } = await owner.query<{ line: string }>(kept)
    places.push({ name: `${relation}.${column}`, text: lines.map(({ line }) => line).join('\n') })
  }
  return places
}

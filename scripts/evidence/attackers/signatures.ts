import { createClerk } from '../../../server/src/billing/clerk/clerk.ts'
import type { EventSource } from '../../../server/src/billing/processor.ts'
import { createPaddle } from '../../../server/src/billing/processors/paddle/paddle.ts'
import { createRazorpay } from '../../../server/src/billing/processors/razorpay/razorpay.ts'
import { createStripe } from '../../../server/src/billing/processors/stripe/stripe.ts'
import { composeScenario } from '../../webhook/compose.ts'
import { buildEvent } from '../../webhook/delivery.ts'
import { type Check, type Finding, startFinding } from '../suite.ts'
import { askPatiently, inParallel } from './http-client.ts'
import { faultOf } from './judge.ts'
import type { Scene } from './scene.ts'
import { ACCEPTED, type Forgery, makeSigners, MUTATIONS, type Signed, type Signer } from './signature-mutations.ts'

/** SignatureDose: forgeries in all, and how many of them go over HTTP; the rest goes to the verify functions directly. */
export type SignatureDose = { forgeries: number; overHttp: number }

const GOOD_EACH = 100

/**
 * attackSignatures forges the signatures of all four sources: over HTTP, where nothing may be stored, with a good delivery in
 * between, which must be; and directly at the functions that verify, at a time that stands still, so that the edges of the
 * tolerance are exact.
 */
export async function attackSignatures(scene: Scene, dose: SignatureDose, random: () => number): Promise<Check> {
  const finding = startFinding('a delivery whose signature is forged is refused, and leaves nothing in the inbox')
  const { stripeWebhookSecret: stripe, paddleWebhookSecret: paddle, razorpayWebhookSecret: razorpay,
    clerkWebhookSecret: clerk } = scene.ground.secrets
  const signers = makeSigners({ stripe, paddle, razorpay, clerk })
  const goodCount = await overHttp(scene, signers, dose.overHttp, random, finding)
  const sources = new Map<string, EventSource>([
    ['stripe', createStripe({ webhookSecrets: [stripe], apiKey: null })],
    ['paddle', createPaddle({ webhookSecrets: [paddle], apiKey: null, environment: 'sandbox' })],
    ['razorpay', createRazorpay({ webhookSecrets: [razorpay], keyId: null, keySecret: null, accountId: null })],
    ['clerk', createClerk({ webhookSecrets: [clerk] })]
  ])
  const now = 1_800_000_000
  const direct = dose.forgeries - dose.overHttp
  for (let place = 0; place < direct; place += 1) {
    const { signer, forgery } = forge(signers, place, now, random)
    finding.tried()
    const source = sources.get(signer.source)
    const fault = source === undefined ? 'there is no such source' : faultOfVerifier(source, forgery, now, false)
    if (fault !== null) finding.violation(`${signer.source}, ${forgery.kind}: ${fault}`)
    if (place % GOOD_EACH === 0 && source !== undefined) {
      const { kind, make } = ACCEPTED[(place / GOOD_EACH) % ACCEPTED.length] ?? { kind: '',
        make: () => ({ headers: {}, body: '' }) }
      const good = make({ signer, others: signers, body: bodyOf(signer, place), now, random })
      const refused = faultOfVerifier(source, good, now, true)
      if (refused !== null) finding.violation(`${signer.source}, good, ${kind}: ${refused}`)
    }
  }
  const split = `${dose.overHttp.toLocaleString('en-US')} over HTTP, ${direct.toLocaleString('en-US')} at the verify functions`
  return finding.check(
    (tried) => `${tried.toLocaleString('en-US')} forged headers of ${signers.length} sources, ${MUTATIONS.length} mutations: ${split}`,
    `all 401 or 400, the inbox holds the ${goodCount} good ones in between and no other`
  )
}

function forge(signers: readonly Signer[], place: number, now: number,
  random: () => number): { signer: Signer; forgery: Forgery } {
  const signer = signers[place % signers.length]
  const mutation = MUTATIONS[Math.floor(place / signers.length) % MUTATIONS.length]
  if (signer === undefined || mutation === undefined) throw new Error('There is nothing to forge.')
  const others = signers.filter(({ source }) => source !== signer.source)
  return { signer, forgery: { kind: mutation.kind, ...mutation.make({ signer, others, body: bodyOf(signer, place), now,
    random }) } }
}

/** faultOfVerifier asks a verify function; null where it decides as it must. It must not throw, and not repeat a signature. */
export function faultOfVerifier(source: Pick<EventSource, 'verify'>, delivery: Signed, nowSeconds: number,
  isGood: boolean): string | null {
  // Node joins a header that came twice with a comma.
  const headers = Object.fromEntries(Object.entries(delivery.headers).map(([name, value]) =>
    [name, Array.isArray(value) ? value.join(', ') : value]))
  try {
    const verification = source.verify({ rawBody: Buffer.from(delivery.body), headers, nowMs: nowSeconds * 1000 })
    if (verification.valid !== isGood) return verification.valid ? 'it was taken' : `it was refused: ${verification.reason}`
    const said = verification.valid ? '' : verification.reason
    return Object.values(headers).some((value) => value.length > 20 &&
      said.includes(value)) ? 'the reason repeats what was sent' : null
  } catch (error) {
    return `it threw ${String(error)}`
  }
}

async function overHttp(scene: Scene, signers: Signer[], count: number, random: () => number, finding: Finding): Promise<number> {
  const inbox = async (): Promise<number> =>
    Number((await scene.owner.query<{ count: string }>(`select count(*) from app.webhook_events where payload like '%\\_signature\\_%'`)).rows[0]?.count)
  const before = await inbox()
  let good = 0
  const places = Array.from({ length: count }, (_, place) => place)
  await inParallel(places, 24, async (place) => {
    const now = Math.floor(Date.now() / 1000)
    const { signer, forgery } = forge(signers, place, now, random)
    const { transport, ask } = scene.servers[place % scene.servers.length] ?? {}
    if (ask === undefined) return
    finding.tried()
    const path = `/webhooks/${signer.source}`
    const answer = await ask({ method: 'POST', path, headers: { 'Content-Type': 'application/json', ...onTheWire(forgery) },
      body: forgery.body })
    const fault = faultOf(answer, { statuses: [400, 401], mayBeAway: false })
    if (fault !== null) finding.violation(`${signer.source}, ${forgery.kind} (${transport ?? ''}): ${fault}`)
    if (place % GOOD_EACH !== 0) return
    // Four at a time, one of each source.
    for (const each of signers) {
      const delivery = each.sign(bodyOf(each, 1_000_000 + place), now)
      const sent = { method: 'POST', path: `/webhooks/${each.source}`, headers: onTheWire(delivery), body: delivery.body }
      const taken = await askPatiently(ask, sent)
      if (taken.status === 200) good += 1
      else finding.violation(`a good delivery of ${each.source} is refused: ${taken.status} ${taken.text.slice(0, 200)}`)
    }
  })
  const after = await inbox()
  if (after - before !== good) finding.violation(`${after - before} deliveries were stored, of which ${good} were good`)
  return good
}

/** onTheWire writes headers as bytes that Node sends: UTF-8, without what no header can hold. */
function onTheWire({ headers }: Signed): Record<string, string | string[]> {
  const write = (value: string) => Buffer.from(value, 'utf8').toString('latin1').replace(/[^\t\x20-\x7e\x80-\xff]/g, '\u00a0')
  return Object.fromEntries(Object.entries(headers).map(([name, value]) =>
    [name, Array.isArray(value) ? value.map(write) : write(value)]))
}

/** bodyOf is a delivery of a stranger's, whose account is not known: whatever becomes of it changes nobody's plan. */
function bodyOf(signer: Signer, place: number): string {
  if (signer.source === 'clerk') return JSON.stringify({ type: 'user.updated', object: 'event',
    timestamp: 1_790_000_000_000 + place, data: { id: `user_signature_${place}` } })
  const { scenario } = composeScenario(
    { processor: signer.source, event: 'created', account: `user_signature_${place % 1_000}`, plan: 'starter', shape: 'current',
      eventId: `evt_signature_${place}`, occurredAt: new Date(1_790_000_000_000 + place * 1000) },
    null,
    new Date(1_790_000_000_000)
  )
  return JSON.stringify(buildEvent(signer.source, scenario))
}

import { createHash, createHmac } from 'node:crypto'

/** Source is who delivers webhooks. */
export type Source = 'stripe' | 'paddle' | 'razorpay' | 'clerk'

/** Signed is a delivery: its headers (an array: sent several times) and its body. */
export type Signed = { headers: Record<string, string | string[]>; body: string }

/** Forgery is a delivery that must be refused, and what is wrong with it. `atMs` is when it arrives. */
export type Forgery = Signed & { kind: string }

/** Signer knows a source: `sign` makes a good delivery of the body at a time in Unix seconds. */
export type Signer = { source: Source; secret: string; sign(body: string, atSeconds: number, secret?: string): Signed }

/**
 * SIGNERS build deliveries by the processors' own rules, apart from the code that checks them: HMAC-SHA256 in hex over `t.body`
 * (docs.stripe.com/webhooks/signature), over `ts:body` (developer.paddle.com), over the body (razorpay.com/docs/webhooks), and in
 * base64 over `id.timestamp.body` with the decoded secret (docs.svix.com/receiving/verifying-payloads/how-manual).
 */
export function makeSigners(secrets: Record<Source, string>): Signer[] {
  const hex = (secret: string, text: string) => createHmac('sha256', secret).update(text).digest('hex')
  return [
    { source: 'stripe', secret: secrets.stripe, sign: (body, at, secret = secrets.stripe) =>
      ({ headers: { 'stripe-signature': `t=${at},v1=${hex(secret, `${at}.${body}`)}` }, body }) },
    { source: 'paddle', secret: secrets.paddle, sign: (body, at, secret = secrets.paddle) =>
      ({ headers: { 'paddle-signature': `ts=${at};h1=${hex(secret, `${at}:${body}`)}` }, body }) },
    { source: 'razorpay', secret: secrets.razorpay, sign: (body, _at, secret = secrets.razorpay) =>
      ({ headers: { 'x-razorpay-signature': hex(secret, body) }, body }) },
    {
      source: 'clerk',
      secret: secrets.clerk,
      sign(body, at, secret = secrets.clerk) {
        const id = `msg_${createHash('sha256').update(body).digest('hex').slice(0, 24)}`
        const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
        const signature = createHmac('sha256', key).update(`${id}.${at}.${body}`).digest('base64')
        return { headers: { 'svix-id': id, 'svix-timestamp': String(at), 'svix-signature': `v1,${signature}` }, body }
      }
    }
  ]
}

type Mutation = { kind: string; make(parts: { signer: Signer; others: Signer[]; body: string; now: number; random: () =>
  number }): Signed }

/** MUTATIONS make forgeries of good deliveries: each result must be refused, whatever is drawn. */
export const MUTATIONS: readonly Mutation[] = [
  byTime('older than the tolerance', ({ now, random }) => now - 301 - 20 - Math.floor(random() * 1e6)),
  byTime('newer than the tolerance', ({ now, random }) => now + 301 + 20 + Math.floor(random() * 1e6)),
  byTime('in milliseconds', ({ now }) => now * 1000),
  byTime('of the year 1970', ({ random }) => 1 + Math.floor(random() * 100)),
  { kind: 'another body', make: ({ signer, body, now, random }) => ({ ...signer.sign(body, now), body: changed(body, random) }) },
  { kind: 'the body with a line end', make: ({ signer, body, now }) => ({ ...signer.sign(body, now), body: `${body}\n` }) },
  { kind: 'the body written anew', make: ({ signer, body, now }) =>
    ({ ...signer.sign(body, now), body: JSON.stringify(JSON.parse(body), null, 1) }) },
  { kind: 'no body', make: ({ signer, body, now }) => ({ ...signer.sign(body, now), body: '' }) },
  { kind: "another processor's secret", make: ({ signer, others, body, now, random }) =>
    signer.sign(body, now, pick(others, random).secret) },
  { kind: 'an empty secret', make: ({ signer, body, now }) => signer.sign(body, now, '') },
  { kind: 'the secret without its beginning', make: ({ signer, body, now }) =>
    signer.sign(body, now, signer.secret.slice(signer.source === 'clerk' ? 12 : 6)) },
  { kind: 'the secret in capitals', make: ({ signer, body, now }) => signer.sign(body, now, signer.secret.toUpperCase()) },
  { kind: "another processor's headers", make: ({ others, body, now, random }) => pick(others, random).sign(body, now) },
  { kind: 'one letter of the signature changed', make: onSignature((text, random) => changedAt(text, random, HEX)) },
  { kind: 'the signature cut', make: onSignature((text, random) => text.slice(0, Math.floor(random() * (text.length - 2)))) },
  { kind: 'the signature longer', make: onSignature((text, random) =>
    `${text}${'0123456789abcdef'[Math.floor(random() * 16)] ?? ''}`) },
  { kind: 'the signature twice in one', make: onSignature((text) => `${text}${text}`) },
  { kind: 'the signature in the other case', make: onSignature((text) =>
    (text === text.toUpperCase() ? text.toLowerCase() : text.toUpperCase())) },
  { kind: 'the signature backwards', make: onSignature((text) => [...text].toReversed().join('')) },
  { kind: 'the signature in another alphabet', make: onSignature((text) =>
    Buffer.from(text, /^[0-9a-f]+$/.test(text) ? 'hex' : 'base64').toString(/^[0-9a-f]+$/.test(text) ? 'base64' : 'hex')) },
  { kind: 'digits of another script', make: onSignature((text) =>
    text.replace(/[0-9]/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)))) },
  { kind: 'a space in the signature', make: onSignature((text, random) =>
    insert(text, ' ', 1 + Math.floor(random() * (text.length - 2)))) },
  { kind: 'NUL in the signature', make: onSignature((text, random) =>
    insert(text, '\u0000', 1 + Math.floor(random() * (text.length - 2)))) },
  { kind: 'an empty signature', make: onSignature(() => '') },
  { kind: 'a signature of zeros', make: onSignature((text) => '0'.repeat(text.length)) },
  { kind: 'the signature in quotes', make: onSignature((text) => `"${text}"`) },
  { kind: 'a shorter signature repeated', make: onSignature((text) => text.slice(0, 32) + text.slice(0, 32)) },
  { kind: 'another digest', make: onSignature((_text, random) => createHash('sha256').update(String(random())).digest('hex')) },
  { kind: 'one letter of a header changed', make: onHeader((text, random) => changedAt(text, random, PRINTABLE)) },
  { kind: 'one letter of a header left out', make: onHeader((text, random) =>
    cut(text, 1 + Math.floor(random() * (text.length - 3)))) },
  { kind: 'a header cut', make: onHeader((text, random) => text.slice(0, Math.floor(random() * (text.length - 2)))) },
  { kind: 'a header in capitals', make: onHeader((text) => (text.toUpperCase() === text ? `X${text}` : text.toUpperCase())) },
  { kind: 'an enormous header', make: onHeader((text, random) => text + ';,x'.repeat(1_400 + Math.floor(random() * 1_000))) },
  { kind: 'a thousand bad signatures', make: onHeader((text) =>
    `${text.replace(/(v1=|h1=|v1,)\S+/, '')}${`,v1=${'0'.repeat(64)} v1,${'A'.repeat(43)}=;h1=${'0'.repeat(64)}`.repeat(60)}`.slice(0, 6_000)) },
  { kind: 'a version nobody knows', make: onHeader((text) =>
    (/(v1|h1)[=,]/.test(text) ? text.replace(/(v1|h1)([=,])/,
    (_, _version: string, sign: string) => `v0${sign}`) : `v0=${text}`)) },
  { kind: 'a header sent twice', make: ({ signer, body, now }) => twice(signer.sign(body, now)) },
  { kind: 'no header', make: ({ body }) => ({ headers: {}, body }) },
  { kind: 'a header of another name', make: ({ signer, body, now }) =>
    ({ headers: Object.fromEntries(Object.entries(signer.sign(body, now).headers).map(([name, value]) =>
    [`x-${name}-x`, value])), body }) },
  { kind: 'one header left out', make: ({ signer, body, now, random }) => leaveOut(signer.sign(body, now), random) },
  { kind: 'nonsense', make: ({ signer, body, now, random }) =>
    filledWith(signer.sign(body, now), () => Array.from({ length: Math.floor(random() * 200) },
    () => pick([...PRINTABLE], random)).join('')) },
  { kind: 'only separators', make: ({ signer, body, now, random }) =>
    filledWith(signer.sign(body, now), () => Array.from({ length: 1 + Math.floor(random() * 40) },
    () => pick([',', ';', '=', ' ', 't=', 'v1=', 'ts=', 'h1=', 'v1,'], random)).join('')) },
  { kind: 'a strange timestamp', make: strangeTime }
]

const HEX = '0123456789abcdef'
const PRINTABLE = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&()*+-./:<>?@^_|~'

/** ACCEPTED are deliveries that differ from the usual and are good all the same; a check that refused them would be worthless too. */
export const ACCEPTED: readonly Mutation[] = [
  { kind: 'as it is', make: ({ signer, body, now }) => signer.sign(body, now) },
  { kind: 'at the edge of the tolerance, old', make: ({ signer, body, now }) => signer.sign(body, now - 300) },
  { kind: 'at the edge of the tolerance, new', make: ({ signer, body, now }) => signer.sign(body, now + 300) },
  {
    kind: 'a bad signature before the good one',
    make: ({ signer, body, now }) => {
      const good = signer.sign(body, now)
      if (signer.source === 'razorpay') return good
      const extra = { stripe: `v1=${'0'.repeat(64)},v1=`, paddle: `h1=${'0'.repeat(64)};h1=`,
        clerk: `v1,${'A'.repeat(43)}= v1,` }[signer.source]
      return onlySignature(good, (text) => text.replace(/(v1|h1)[=,]/, () => extra))
    }
  }
]

function byTime(kind: string, at: (parts: { now: number; random: () => number }) => number): Mutation {
  return {
    kind: `signed at a time ${kind}`,
    // Razorpay signs no time; a body it never signed stands in.
    make: ({ signer, body, now, random }) => (signer.source === 'razorpay' ? { ...signer.sign(body, now),
      body: changed(body, random) } : signer.sign(body, at({ now, random })))
  }
}

type Change = (text: string, random: () => number) => string

function onSignature(change: Change): Mutation['make'] {
  return ({ signer, body, now, random }) =>
    onlySignature(signer.sign(body, now), (header) => {
      const [, before = '', signature = ''] = /^(.*(?:v1=|h1=|v1,)|)([^=]+=?)$/.exec(header) ?? []
      const next = change(signature, random)
      return next === signature ? `${header}0` : before + next
    })
}

function onHeader(change: Change): Mutation['make'] {
  return ({ signer, body, now, random }) => {
    const good = signer.sign(body, now)
    return onlySignature(good, (header) => {
      const next = change(header, random)
      return next === header ? '' : next
    })
  }
}

function onlySignature({ headers, body }: Signed, change: (header: string) => string): Signed {
  return { headers: Object.fromEntries(Object.entries(headers).map(([name, value]) =>
    [name, name.endsWith('signature') ? change(String(value)) : value])), body }
}

function filledWith({ headers, body }: Signed, make: () => string): Signed {
  return { headers: Object.fromEntries(Object.keys(headers).map((name) => [name, make()])), body }
}

function twice({ headers, body }: Signed): Signed {
  return { headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [String(value), String(value)]])),
    body }
}

function leaveOut({ headers, body }: Signed, random: () => number): Signed {
  const gone = pick(Object.keys(headers), random)
  return { headers: Object.fromEntries(Object.entries(headers).filter(([name]) => name !== gone)), body }
}

const STRANGE = [
  (at: number) => `+${at}`, (at: number) => `0${at}`, (at: number) => `${at}.0`, (at: number) => `${at}e0`,
  (at: number) => `0x${at.toString(16)}`, (at: number) => `-${at}`, () => 'NaN', () => 'Infinity',
  () => '', () => 'null', () => '9'.repeat(400), (at: number) =>
  String(at).replace(/\d/g, (digit) => String.fromCodePoint(0x0660 + Number(digit))), (at: number) => `${at} 1`,
  (at: number) => `${at},${at}`
]

function strangeTime({ signer, body, now, random }: Parameters<Mutation['make']>[0]): Signed {
  const { headers } = signer.sign(body, now)
  const time = pick(STRANGE, random)(now)
  const written = Object.fromEntries(Object.entries(headers).map(([name, value]) =>
    [name, name === 'svix-timestamp' ? time : String(value).replace(/^(t|ts)=\d+/, (_, key: string) => `${key}=${time}`)]))
  return signer.source === 'razorpay' ? { headers: { 'x-razorpay-signature': time }, body } : { headers: written, body }
}

function changed(body: string, random: () => number): string {
  const place = Math.floor(random() * body.length)
  return `${body.slice(0, place)}${body[place] === ' ' ? 'x' : ' '}${body.slice(place + 1)}`
}

/** changedAt changes one letter, never the last two: base64 ends in bits that nobody reads. */
function changedAt(text: string, random: () => number, alphabet: string): string {
  const place = Math.floor(random() * Math.max(text.length - 2, 1))
  const letters = [...alphabet].filter((letter) => letter !== text[place])
  return text.slice(0, place) + pick(letters, random) + text.slice(place + 1)
}

function insert(text: string, letter: string, place: number): string {
  return text.slice(0, place) + letter + text.slice(place)
}

function cut(text: string, place: number): string {
  return text.slice(0, place) + text.slice(place + 1)
}

function pick<Entry>(entries: readonly Entry[], random: () => number): Entry {
  const drawn = entries[Math.floor(random() * entries.length)]
  if (drawn === undefined) throw new Error('There is nothing to pick from.')
  return drawn
}

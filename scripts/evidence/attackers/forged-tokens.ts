import { createHmac, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'

/** Forged is a session token that must be refused, and what is wrong with it. */
export type Forged = { kind: string; token: string }

type Part = object | string

/**
 * forgedTokens makes them from a good token of the same user: some with keys that anybody can have, some that the true key
 * (PEM) has signed but that are expired, early, of another issuer or for another site. All claim to be an operator's.
 */
export function forgedTokens(good: string, keys: { privateKey: string; publicKey: string }, other: string): Forged[] {
  const [headPart = '', bodyPart = '', signaturePart = ''] = good.split('.')
  const head: object = JSON.parse(Buffer.from(headPart, 'base64url').toString())
  const claims: object = { ...JSON.parse(Buffer.from(bodyPart, 'base64url').toString()), metadata: { role: 'operator' } }
  const now = Math.floor(Date.now() / 1000)
  const forged: Forged[] = []
  const add = (kind: string, token: string) => forged.push({ kind, token })
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const edwards = generateKeyPairSync('ed25519')

  for (const alg of ['none', 'None', 'NONE', 'nOnE', '']) {
    add(`alg ${alg}`, join({ ...head, alg }, claims, ''))
    add(`alg ${alg} with the signature of another token`, `${join({ ...head, alg }, claims, '').slice(0, -1)}.${signaturePart}`)
  }
  const der = createPublicKey(keys.publicKey).export({ type: 'spki', format: 'der' })
  const shared: [string, string | Buffer][] = [
    ['the public key', keys.publicKey], ['the public key without its last line end', keys.publicKey.trim()],
    ['the public key in DER', der],
    ['the public key in base64', der.toString('base64')], ['an empty key', ''], ['an easy key', 'secret']
  ]
  for (const [name, key] of shared) {
    for (const bits of ['256', '384', '512']) add(`HS${bits} with ${name}`,
      hmacSigned({ ...head, alg: `HS${bits}` }, claims, bits, key))
    add(`RS256 that is an HMAC with ${name}`, hmacSigned(head, claims, '256', key))
  }
  const withKey = (kind: string, header: Part, body: Part, key: KeyObject | string, hash: string | null = 'sha256') =>
    add(kind, signed(header, body, key, hash))
  withKey("a stranger's key", head, claims, stranger.privateKey)
  withKey("a stranger's key, brought along", { ...head, jwk: stranger.publicKey.export({ format: 'jwk' }) }, claims,
    stranger.privateKey)
  for (const [name, extra] of Object.entries({ jku: 'http://127.0.0.1:9/jwks', x5u: 'http://127.0.0.1:9/x5u',
    x5c: [stranger.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')] })) {
    withKey(`a stranger's key by ${name}`, { ...head, [name]: extra }, claims, stranger.privateKey)
  }
  for (const kid of ['ins_foreign', '../../../../dev/null', "x' union select 'key' --", '__proto__', 'constructor', '', 0, null,
    ['ins_local'], {}, 'x'.repeat(1000)]) {
    withKey(`the kid ${JSON.stringify(kid).slice(0, 40)}`, { ...head, kid }, claims, stranger.privateKey)
    add(`HS256 with an empty key and the kid ${JSON.stringify(kid).slice(0, 40)}`,
      hmacSigned({ ...head, alg: 'HS256', kid }, claims, '256', ''))
  }
  for (const [alg, hash] of [['RS512', 'sha512'], ['RS384', 'sha384'], ['RS512', 'sha256'], ['PS256', 'sha256'],
    ['rs256', 'sha256'], ['RS1', 'sha1'], ['ES256', 'sha256']] as const) {
    withKey(`${alg} signed by the true key with ${hash}`, { ...head, alg }, claims, keys.privateKey, hash)
  }
  withKey('ES256 with a key of its own', { ...head, alg: 'ES256' }, claims, curve.privateKey)
  withKey('RS256 signed on a curve', head, claims, curve.privateKey)
  withKey('EdDSA with a key of its own', { ...head, alg: 'EdDSA' }, claims, edwards.privateKey, null)

  // From here on the true key has signed: the claims are at fault.
  const wrong: Record<string, object> = {
    'expired a minute ago': { exp: now - 60 }, 'expired an hour ago': { exp: now - 3600, iat: now - 7200, nbf: now - 7200 },
    'expired in 1970': { exp: 0 },
    'valid from in ten minutes': { nbf: now + 600 }, 'issued in ten minutes': { iat: now + 600 },
    'without exp': { exp: undefined },
    'exp as text': { exp: '9999999999' }, 'exp null': { exp: null }, 'exp as a list': { exp: [now + 600] },
    'exp true': { exp: true }, 'exp negative': { exp: -1 },
    'nbf as text': { nbf: '0' }, 'iat as text': { iat: '0' },
    'another issuer': { iss: 'https://evil.clerk.accounts.dev' },
    'an issuer that begins alike': { iss: 'https://local.clerk.accounts.dev.evil.example' },
    'an issuer with a path': { iss: 'https://local.clerk.accounts.dev/' }, 'no issuer': { iss: undefined },
    'a list of issuers': { iss: ['https://local.clerk.accounts.dev'] },
    'for another site': { azp: 'https://evil.example' }, 'for no site': { azp: undefined }, 'for an empty site': { azp: '' },
    'for null': { azp: null },
    'for a list of sites': { azp: ['http://localhost:4000'] },
    'for a site that begins alike': { azp: 'http://localhost:4000.evil.example' },
    'no subject': { sub: undefined }, 'an empty subject': { sub: '' }, 'a subject of 300 letters': { sub: 'u'.repeat(300) },
    'a subject with NUL': { sub: 'user\u0000x' },
    'a list of subjects': { sub: [other] }, 'an object as subject': { sub: { $ne: '' } }, 'a number as subject': { sub: 1 },
    'a subject with spaces': { sub: `${other} ` },
    'a pending session': { sts: 'pending' }, 'an organization that is a list': { o: { id: [other], rol: 'admin' } }
  }
  for (const [kind, change] of Object.entries(wrong)) withKey(kind, head, { ...claims, ...change }, keys.privateKey)
  const text = JSON.stringify(claims).slice(1, -1)
  withKey('two exp, the last one past', head, `{${text},"exp":${now - 60}}`, keys.privateKey)
  withKey('two azp, the last one another', head, `{${text},"azp":"https://evil.example"}`, keys.privateKey)
  withKey('exp beyond all numbers, negative', head, `{${text},"exp":-1e999}`, keys.privateKey)
  withKey('exp not a number', head, `{${text},"exp":NaN}`, keys.privateKey)
  for (const body of ['null', '[]', '"text"', '', '{', '1']) withKey(`claims that are ${body || 'empty'}`, head, body,
    keys.privateKey)
  for (const header of ['null', '[]', '"RS256"', '{', '{}', '{"alg":["RS256"]}', '{"alg":{"a":"RS256"}}', '[{"alg":"RS256"}]',
    `${'['.repeat(500)}${']'.repeat(500)}`]) {
    withKey(`a header that is ${header.slice(0, 30)}`, header, claims, keys.privateKey)
  }
  withKey('a token of 16 kB', head, { ...claims, padding: 'x'.repeat(9_000) }, keys.privateKey)
  withKey('a token of 64 kB', head, { ...claims, padding: 'x'.repeat(48_000) }, keys.privateKey)

  // And the good one, taken apart.
  const unsigned = `${headPart}.${bodyPart}`
  for (const length of [0, 1, 10, 170, signaturePart.length - 2]) add(`a signature of ${length} letters`,
    `${unsigned}.${signaturePart.slice(0, length)}`)
  add('a signature with a letter more', `${unsigned}.${signaturePart}AAAA`)
  add('a signature with one letter changed', `${unsigned}.${flip(signaturePart, 20)}`)
  add('claims swapped', `${headPart}.${encode(claims)}.${signaturePart}`)
  add('a header with a space', `${encode(`${Buffer.from(headPart, 'base64url').toString()} `)}.${bodyPart}.${signaturePart}`)
  add('claims with one letter changed', `${headPart}.${flip(bodyPart, 40)}.${signaturePart}`)
  add('four parts', `${good}.${signaturePart}`)
  add('five parts, as if encrypted', `${good}.${bodyPart}.${signaturePart}`)
  add('two parts', unsigned)
  add('two tokens', `${good},${good}`)
  add('a token in quotes', `"${good}"`)
  add('a token percent-encoded', good.replaceAll('.', '%2e'))
  add('no token', 'undefined')
  return forged
}

function join(header: Part, body: Part, signature: string): string {
  return `${encode(header)}.${encode(body)}.${signature}`
}

function signed(header: Part, body: Part, key: KeyObject | string, hash: string | null): string {
  const text = `${encode(header)}.${encode(body)}`
  return `${text}.${sign(hash, Buffer.from(text), key).toString('base64url')}`
}

function hmacSigned(header: Part, body: Part, bits: string, key: string | Buffer): string {
  const text = `${encode(header)}.${encode(body)}`
  return `${text}.${createHmac(`sha${bits}`, key).update(text).digest('base64url')}`
}

function encode(part: Part): string {
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')
}

function flip(text: string, place: number): string {
  return `${text.slice(0, place)}${text[place] === 'A' ? 'B' : 'A'}${text.slice(place + 1)}`
}

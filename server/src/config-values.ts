import { createPrivateKey, createPublicKey } from 'node:crypto'
import { z } from 'zod'

/** LOG_LEVELS are pino's. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

/** text is any value without the spaces around it. */
export const text = z.string().trim().min(1)

/** flag is on as `1` or `true`, off as `0`, `false` or when left out. */
export const flag = z
  .enum(['0', '1', 'false', 'true'], 'is neither 1 nor 0; write one of them')
  .optional()
  .transform((value) => value === '1' || value === 'true')

/** oneOf is one of a few words. */
export function oneOf<const Words extends readonly [string, ...string[]]>(...words: Words) {
  return z.enum(words, `is none of ${words.join(', ')}; write one of them`)
}

/** wholeNumber is a decimal number without sign or fraction, both bounds included. */
export function wholeNumber(minimum: number, maximum: number) {
  const problem = `is not a whole number from ${minimum} to ${maximum}; write one`
  return z
    .string()
    .trim()
    .regex(/^[0-9]{1,9}$/, problem)
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, problem)
}

/** prefixed is a key that starts with one of the prefixes its issuer uses. */
export function prefixed(...prefixes: string[]) {
  return text.refine(
    (value) => prefixes.some((prefix) => value.startsWith(prefix)),
    `does not start with ${prefixes.join(' or ')}; copy it again`
  )
}

/** listOf is a list with commas in between, of one entry or more. */
export function listOf<Output>(entry: z.ZodType<Output, string>) {
  return z
    .string()
    .transform((value) => value.split(',').map((part) => part.trim()).filter((part) => part !== ''))
    .pipe(z.array(entry).min(1, 'names nothing; write one entry or more with commas in between'))
}

/** webUrl is an http or https URL, without a slash at its end. */
export const webUrl = url(['http:', 'https:'], 'is not a URL that starts with http:// or https://; correct it').transform(
  (value) => value.replace(/\/+$/, '')
)

/** postgresUrl is a connection string in URL form. */
export const postgresUrl = url(
  ['postgres:', 'postgresql:'],
  'is not a URL like postgresql://user:password@host:5432/database; correct it'
)

/** origin is the scheme, host and port of a web address, as browsers send it. */
export const origin = webUrl.refine(
  (value) => URL.canParse(value) && new URL(value).origin === value,
  'is not just scheme, host and port, like https://chat.example.com; remove the rest'
)

/** path starts with a slash. */
export const path = text.regex(/^\/[\w/-]*$/, 'is not a path like /rest/v1; begin it with a slash')

/** publicKey is a PEM public key; `\n` may be written for line ends, as one-line .env files need it. */
export const publicKey = text
  .transform((value) => value.replaceAll('\\n', '\n').trim())
  .refine(isPublicKey, 'is not a public key in PEM form (-----BEGIN PUBLIC KEY-----); copy it again from the Clerk dashboard')

/** privateKey is a PEM private key, of the local sign-in only. */
export const privateKey = text.refine(isPrivateKey, 'is not a private key in PEM form; leave it out, `npm start` brings its own')

/** publishableKey is Clerk's public key, which carries the host of its frontend API: `pk_live_` + base64 of `host$`. */
export const publishableKey = text.transform((key, context) => {
  const frontendApi = /^pk_(?:test|live)_(.+)$/.exec(key)?.[1]
  const host = frontendApi === undefined ? '' : Buffer.from(frontendApi, 'base64').toString('utf8')
  if (/^[a-z0-9.-]+\.[a-z0-9-]+\$$/i.test(host)) return { key, frontendApi: host.slice(0, -1) }
  context.addIssue('is not a publishable key (pk_test_... or pk_live_...); copy it again from the Clerk dashboard')
  return z.NEVER
})

/** describe makes a sentence of a fault; zod's own messages are never used where they could repeat the value. */
export function describe(issue: z.core.$ZodIssue): string {
  const [name, place] = issue.path
  const entry = typeof place === 'number' ? ` (entry ${place + 1})` : ''
  return `${String(name)}${entry} ${issue.message}.`
}

function url(schemes: string[], problem: string) {
  return text.refine((value) => URL.canParse(value) && schemes.includes(new URL(value).protocol), problem)
}

function isPrivateKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).type === 'private'
  } catch {
    return false
  }
}

function isPublicKey(pem: string): boolean {
  try {
    // createPublicKey would also derive one from a private key, which has no place here.
    return !pem.includes('PRIVATE') && createPublicKey(pem).type === 'public'
  } catch {
    return false
  }
}

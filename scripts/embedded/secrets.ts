import { createHmac, generateKeyPair, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { z } from 'zod'
import type { DataPaths } from './data-folder.ts'
import { readPrivateFile, writePrivateFile } from './private-file.ts'
import { StartError } from './start-error.ts'

const secret = z.string().min(16)

const fileSchema = z.object({
  clerk: z.object({ keyId: z.string(), privateKey: z.string().startsWith('-----BEGIN'), publicKey: z.string().startsWith('-----BEGIN') }),
  stripeWebhookSecret: secret,
  paddleWebhookSecret: secret,
  razorpayWebhookSecret: secret,
  // Files of older versions do not have it.
  clerkWebhookSecret: secret.optional(),
  postgrestJwt: z.string().min(32),
  passwords: z.object({ superuser: secret, authenticator: secret, server: secret, operator: secret })
})

/**
 * Secrets are made once per data folder: the key pair that signs local session tokens (PEM, RS256), the secrets that sign
 * sandbox webhooks, PostgREST's JWT secret and the database passwords.
 */
export type Secrets = z.infer<typeof fileSchema> & { clerkWebhookSecret: string }

/**
 * loadSecrets reads `secrets.json` (mode 0600) or makes it, and adds what a file of an older version lacks. Throws {@link StartError} when it is unreadable, and when it is
 * missing beside a database whose passwords only it knew.
 */
export async function loadSecrets(paths: DataPaths): Promise<Secrets> {
  const found = readFile(paths)
  if (found !== null) {
    const complete = completed(found)
    if (found.clerkWebhookSecret === undefined) write(paths, complete)
    return complete
  }
  if (existsSync(paths.postgres)) {
    throw new StartError(`${paths.secrets} is missing, and only it knows the passwords of the database beside it: put it back, or set DATA_DIR to a new folder.`)
  }
  const made = await makeSecrets()
  write(paths, made)
  return made
}

/** readSecrets returns null when there is no `secrets.json`. Throws {@link StartError} when it cannot be used. */
export function readSecrets(paths: DataPaths): Secrets | null {
  const found = readFile(paths)
  return found === null ? null : completed(found)
}

function readFile(paths: DataPaths): z.infer<typeof fileSchema> | null {
  const text = readPrivateFile(paths.secrets)
  if (text === null) return null
  try {
    return fileSchema.parse(JSON.parse(text))
  } catch {
    throw new StartError(`${paths.secrets} is not a secrets file of Parley: put the right one back, or set DATA_DIR to a new folder.`)
  }
}

/** makeSecrets makes new ones, without writing them anywhere. */
export async function makeSecrets(): Promise<Secrets> {
  const pair = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' }
  })
  return {
    clerk: { keyId: 'ins_local', ...pair },
    // `local` marks them: in production the server refuses to start with one.
    stripeWebhookSecret: `whsec_local_${random()}`,
    paddleWebhookSecret: `pdl_ntfset_local_${random()}`,
    razorpayWebhookSecret: `local_${random()}`,
    clerkWebhookSecret: `whsec_local_${random()}`,
    postgrestJwt: random(),
    passwords: { superuser: random(), authenticator: random(), server: random(), operator: random() }
  }
}

// Derived, not random: commands that only read the file must see the one that the next start will write into it.
function completed(found: z.infer<typeof fileSchema>): Secrets {
  const derived = createHmac('sha256', found.postgrestJwt).update('clerk webhook secret').digest('hex')
  return { ...found, clerkWebhookSecret: found.clerkWebhookSecret ?? `whsec_local_${derived}` }
}

function write(paths: DataPaths, secrets: Secrets): void {
  writePrivateFile(paths.secrets, `${JSON.stringify(secrets, null, 2)}\n`)
}

function random(): string {
  return randomBytes(32).toString('hex')
}

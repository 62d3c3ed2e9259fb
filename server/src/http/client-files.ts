import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ClientConfig } from '../contract/client-config.ts'
import type { Config } from '../config.ts'
import { listStandIns } from '../stand-ins.ts'

/** CLIENT_CONFIG_MARK is where the built page takes its configuration; the build test holds the page to it. */
export const CLIENT_CONFIG_MARK = '<!--parley-config-->'

/** readClientPage returns the built page of the web client; null where it was not built. */
export function readClientPage(directory: string): string | null {
  try {
    return readFileSync(join(directory, 'index.html'), 'utf8')
  } catch {
    return null
  }
}

/** embedJson writes a value into a page as a data block, which nothing in it can close. */
export function embedJson(id: string, value: unknown): string {
  return `<script type="application/json" id="${id}">${JSON.stringify(value).replaceAll('<', '\\u003c')}</script>`
}

/** clientConfigOf is what the web client is told of this server. `nonce` is new for every page. */
export function clientConfigOf(config: Config): ClientConfig {
  const { clerk, model } = config
  return {
    signIn: clerk.localSigningKey === null ? { kind: 'clerk', publishableKey: clerk.publishableKey } : { kind: 'local' },
    standIns: listStandIns(config),
    models: model.kind === 'extractive' ? [] : model.names,
    sandbox: config.sandboxUrl !== null,
    nonce: randomBytes(16).toString('base64')
  }
}

/**
 * clientPolicy is the Content-Security-Policy of the web client's page: files of this server and style elements with the
 * page's nonce. Clerk's hosts are in it only where Clerk signs people in (https://clerk.com/docs/security/clerk-csp).
 */
export function clientPolicy(nonce: string, clerkHost: string | null): string {
  const clerk = clerkHost === null ? [] : [`https://${clerkHost}`]
  const directives: Record<string, string[]> = {
    'default-src': ["'none'"],
    'script-src': ["'self'", ...clerk, ...(clerkHost === null ? [] : ['https://challenges.cloudflare.com'])],
    'style-src': ["'self'", `'nonce-${nonce}'`],
    'img-src': ["'self'", 'data:', ...(clerkHost === null ? [] : ['https://img.clerk.com'])],
    'font-src': ["'self'"],
    'connect-src': ["'self'", ...clerk],
    'frame-src': ["'self'", ...(clerkHost === null ? [] : ['https://challenges.cloudflare.com'])],
    'worker-src': clerkHost === null ? ["'none'"] : ["'self'", 'blob:'],
    'form-action': ["'self'"],
    'base-uri': ["'none'"],
    'frame-ancestors': ["'none'"]
  }
  return Object.entries(directives)
    .map(([name, sources]) => `${name} ${sources.join(' ')}`)
    .join('; ')
}

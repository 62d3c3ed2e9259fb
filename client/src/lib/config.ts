import { z } from 'zod'
import { type ClientConfig, clientConfigSchema } from '../../../server/src/contract/client-config.ts'

// Zod would otherwise try to compile code from text, which the Content-Security-Policy forbids and the console would show.
z.config({ jitless: true })

/** readClientConfig reads what the page carries; throws where the page was not served by Parley. */
export function readClientConfig(): ClientConfig {
  const element = document.getElementById('parley-config')
  if (element === null) throw new Error('This page was not served by Parley: it carries no configuration.')
  return clientConfigSchema.parse(JSON.parse(element.textContent ?? ''))
}

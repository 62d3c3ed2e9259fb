import type { Config } from '../config.ts'

/** originOf is where people reach this server, without a slash at the end. */
export function originOf({ publicUrl, port }: Pick<Config, 'publicUrl' | 'port'>): string {
  return publicUrl ?? `http://localhost:${port}`
}

import { resolve } from 'node:path'
import type { Ground } from '../../evidence/ground.ts'
import { type NodeProcess, startNode } from './node-process.ts'

const MAIN = resolve(import.meta.dirname, '..', '..', '..', 'server', 'src', 'main.ts')

/** startParley starts a real server process on the ground's database; the address of a caller is its X-Forwarded-For. */
export function startParley(ground: Ground, port: number, logFile: string, nodeArguments: string[] = []): Promise<NodeProcess> {
  const environment = { ...ground.environment, DATABASE_URL: ground.serverUrl, TRUST_PROXY: '1', HOST: '127.0.0.1' }
  return startNode({ arguments: [...nodeArguments, MAIN], environment, port, logFile })
}

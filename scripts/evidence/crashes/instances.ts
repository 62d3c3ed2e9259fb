import type { Ground } from '../ground.ts'
import { startServerProcess, type ServerProcess } from '../server-process.ts'
import { startTcpProxy, type TcpProxy } from '../tcp-proxy.ts'

/** Instance is one server process, alone behind its proxy to the database, where its connections carry its `name`. */
export type Instance = { name: string; url: string; server: ServerProcess; proxy: TcpProxy }

/** Hatchery keeps servers warm, because a start takes about a second; `take` gives the one that waits the longest. */
export type Hatchery = { take(): Promise<Instance>; stop(): Promise<void> }

// More at once would all be late, on a machine whose processors they share.
const STARTS_AT_ONCE = 2

/** startHatchery keeps `warm` of them (0: each is started when it is taken); `program` is what they run, else the server itself. */
export function startHatchery(
  ground: Ground,
  options: { kind: string; warm: number; environment: Record<string, string>; program?: string }
): Hatchery {
  const slots: Promise<void>[] = []
  const warm: Promise<Instance>[] = []
  const all = new Set<Promise<Instance>>()
  const living = new Set<Instance>()
  let number = 0
  let stopped = false

  const start = async (name: string): Promise<Instance> => {
    const proxy = await startTcpProxy(ground.postgresPort)
    const url = new URL(ground.serverUrl)
    url.port = String(proxy.port)
    url.searchParams.set('application_name', name)
    const environment = { ...ground.environment, LOG_LEVEL: 'error', ...options.environment, DATABASE_URL: url.href }
    try {
      const server = await startServerProcess(environment, options.program)
      const instance = { name, url: server.url, server, proxy }
      living.add(instance)
      void server.ended.then(() => living.delete(instance))
      return instance
    } catch (error) {
      await proxy.stop()
      throw error
    }
  }
  const lay = (): Promise<Instance> => {
    number += 1
    const name = `${options.kind} ${number}`
    const slot = number % STARTS_AT_ONCE
    const egg = (slots[slot] ?? Promise.resolve()).then(() => start(name))
    all.add(egg)
    // Whoever takes it hears of a failure.
    slots[slot] = egg.then(() => undefined, () => undefined)
    return egg
  }
  for (let count = 0; count < options.warm; count += 1) warm.push(lay())
  return {
    take() {
      if (stopped) return Promise.reject(new Error('No server is started any more.'))
      warm.push(lay())
      return warm.shift() ?? lay()
    },
    async stop() {
      stopped = true
      await Promise.allSettled(all)
      for (const { server, proxy } of living) {
        await server.kill()
        await proxy.stop()
      }
    }
  }
}

/** Lane is a place in the service: one server at a time, and the next one in its stead when it is killed. */
export class Lane {
  readonly #hatchery: Hatchery
  #instance: Promise<Instance>
  #killCount = 0
  #lastKillAtMs = 0

  constructor(hatchery: Hatchery) {
    this.#hatchery = hatchery
    this.#instance = hatchery.take()
  }

  /** killCount is how many servers were killed here; lastKillAtMs tells when the last one was (performance.now). */
  get killCount(): number {
    return this.#killCount
  }
  get lastKillAtMs(): number {
    return this.#lastKillAtMs
  }

  /** current is the server of this lane; after a kill it is the next one, as soon as that listens. */
  current(): Promise<Instance> {
    return this.#instance
  }

  /** kill ends the server with SIGKILL; callers that fail meanwhile find the next one with `current`. */
  async kill(): Promise<void> {
    const { server, proxy } = await this.#instance
    this.#instance = this.#hatchery.take()
    this.#instance.catch(() => undefined)
    await server.kill('SIGKILL')
    this.#killCount += 1
    this.#lastKillAtMs = performance.now()
    await proxy.stop()
  }
}

import { connect, createServer, type Socket } from 'node:net'
import { once } from 'node:events'

/**
 * Mode is what a {@link TcpProxy} does with its connections, those that are open too:
 * pass = both ways · silence = neither way, and nobody is told (a half-open connection) · mute = what comes back from the
 * target is withheld, what goes to it passes (the work is done, the answer lost) · refuse = new ones are closed at once
 */
export type Mode = 'pass' | 'silence' | 'mute' | 'refuse'

/**
 * TcpProxy stands between a server and a part of it. `cut` breaks the open connections; `strand` leaves them silent for good,
 * whatever the mode becomes; `answeredBytes` counts what came back.
 */
export type TcpProxy = {
  port: number
  set(mode: Mode): void
  cut(): void
  strand(): void
  answeredBytes(): number
  stop(): Promise<void>
}

/** startTcpProxy listens on a free port of 127.0.0.1 and passes everything on to `targetPort` there. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  let mode: Mode = 'pass'
  let answered = 0
  const pairs = new Set<[Socket, Socket]>()
  const stranded = new Set<[Socket, Socket]>()
  const apply = ([client, target]: [Socket, Socket]): void => {
    if (mode === 'silence') client.pause()
    else client.resume()
    if (mode === 'silence' || mode === 'mute') target.pause()
    else target.resume()
  }
  const server = createServer((client) => {
    if (mode === 'refuse') {
      client.destroy()
      return
    }
    const target = connect(targetPort, '127.0.0.1')
    const pair: [Socket, Socket] = [client, target]
    pairs.add(pair)
    for (const [from, to] of [pair, [target, client] as const]) {
      from.setNoDelay(true)
      from.on('error', () => undefined)
      from.on('data', (bytes: Buffer) => {
        if (from === target) answered += bytes.length
        to.write(bytes)
      })
      from.on('close', () => {
        pairs.delete(pair)
        stranded.delete(pair)
        to.destroy()
      })
    }
    apply(pair)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port.')
  const cut = (): void => {
    for (const [client, target] of [...pairs, ...stranded]) {
      client.destroy()
      target.destroy()
    }
  }
  return {
    port: address.port,
    set(next) {
      mode = next
      for (const pair of pairs) apply(pair)
    },
    cut,
    strand() {
      for (const pair of pairs) {
        for (const socket of pair) socket.pause()
        stranded.add(pair)
      }
      pairs.clear()
    },
    answeredBytes: () => answered,
    async stop() {
      cut()
      server.close()
      await once(server, 'close')
    }
  }
}

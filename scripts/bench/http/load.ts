import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type Recorder, type Sample, startRecorder, type Times } from '../closed-loop.ts'

/** Traffic is what is sent: `next` gives a whole HTTP/1.1 request; the answers must have status 200 and begin with `expected`. */
export type Traffic = { next: () => Buffer; expected: string }

/** Pool is the requests of a traffic that is drawn from a fixed number of them. */
export type Pool = { requests: Buffer[]; expected: string }

/** visit sends every request of a pool at least once, one after the other over 64 connections. */
export async function visit(port: number, { requests, expected }: Pool): Promise<void> {
  let index = 0
  const next = (): Buffer => {
    index += 1
    return requests[index % requests.length] ?? Buffer.alloc(0)
  }
  await drive(port, 64, { warmupMs: 0, durationMs: 1 }, { next, expected }, requests.length)
}

/**
 * drive keeps `connections` busy, each with one request at a time, and measures. It reads no more of an answer than its
 * length, so that the cores are the server's. Throws Error at the first answer that is not the expected one.
 */
export async function drive(port: number, connections: number, times: Times, traffic: Traffic, leastCalls?: number): Promise<Sample> {
  const sockets = await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect(port, '127.0.0.1')
      socket.setNoDelay(true)
      await once(socket, 'connect')
      return socket
    })
  )
  const recorder = startRecorder(times, leastCalls)
  try {
    await Promise.all(sockets.map((socket) => keepBusy(socket, recorder, traffic)))
  } finally {
    for (const socket of sockets) socket.destroy()
  }
  return recorder.sample()
}

function keepBusy(socket: Socket, recorder: Recorder, { next, expected }: Traffic): Promise<void> {
  return new Promise((resolve, reject) => {
    let begun = 0
    let pending: Buffer = Buffer.alloc(0)
    const send = (): void => {
      begun = performance.now()
      socket.write(next())
    }
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('The server closed a connection.')))
    socket.on('data', (bytes: Buffer) => {
      pending = pending.length === 0 ? bytes : Buffer.concat([pending, bytes])
      const answer = readAnswer(pending)
      if (answer === null) return
      pending = Buffer.alloc(0)
      if (answer.status !== 200 || !answer.body.startsWith(expected)) {
        reject(new Error(`The server answered ${answer.status}: ${answer.body.slice(0, 500)}`))
        return
      }
      const now = performance.now()
      recorder.ended(begun, now)
      if (recorder.isOver(now)) resolve()
      else send()
    })
    send()
  })
}

const HEADERS_END = '\r\n\r\n'

/** readAnswer reads one whole answer, or returns null while a part of it is missing. Throws Error without a Content-Length. */
export function readAnswer(bytes: Buffer): { status: number; body: string } | null {
  const end = bytes.indexOf(HEADERS_END, 0, 'latin1')
  if (end < 0) return null
  const headers = bytes.toString('latin1', 0, end)
  const length = /\r\ncontent-length: *(\d+)/i.exec(headers)?.[1]
  if (length === undefined) throw new Error(`An answer without Content-Length: ${headers.slice(0, 200)}`)
  const bodyEnd = end + HEADERS_END.length + Number(length)
  if (bytes.length < bodyEnd) return null
  return { status: Number(headers.slice(9, 12)), body: bytes.toString('utf8', end + HEADERS_END.length, bodyEnd) }
}

/** requestOf writes a request down once, to be sent many times. */
export function requestOf(method: string, path: string, headers: Record<string, string>, body = ''): Buffer {
  const lines = Object.entries({ Host: 'localhost', ...headers, ...(body !== '' && { 'Content-Length': String(Buffer.byteLength(body)) }) })
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`)
}

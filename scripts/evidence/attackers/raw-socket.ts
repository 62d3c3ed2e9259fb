import { connect } from 'node:net'

/** RawAnswer is what came back on a connection of its own: the first status, whether it was closed, and after how long. */
export type RawAnswer = { status: number; text: string; closed: boolean; milliseconds: number }

/**
 * sendRaw writes bytes as they are, then `trickle` again and again each `everyMs`, and reads until the server closes or
 * `limitMs` is over. With `untilAnswer` it is satisfied with a whole head.
 */
export function sendRaw(
  port: number,
  bytes: string | Buffer,
  options: { limitMs: number; trickle?: string; everyMs?: number; untilAnswer?: boolean }
): Promise<RawAnswer> {
  const begun = performance.now()
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    const end = (closed: boolean): void => {
      clearTimeout(limit)
      clearInterval(dripping)
      socket.destroy()
      resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text, closed,
        milliseconds: performance.now() - begun })
    }
    const limit = setTimeout(() => end(false), options.limitMs)
    const dripping = setInterval(() => {
      if (options.trickle !== undefined && socket.writable) socket.write(options.trickle)
    }, options.everyMs ?? 1_000)
    socket.setEncoding('latin1')
    socket.on('connect', () => socket.write(bytes))
    socket.on('data', (chunk: string) => {
      text += chunk
      if (options.untilAnswer === true && text.includes('\r\n\r\n') && !text.startsWith('HTTP/1.1 1')) end(false)
    })
    socket.on('error', () => end(true))
    socket.on('close', () => end(true))
  })
}

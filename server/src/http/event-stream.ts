import { pipeUIMessageStreamToResponse, type UIMessageChunk } from 'ai'
import type { Response } from 'express'

const HEARTBEAT_MS = 15_000

/** sendStream writes server-sent events until the stream or the connection ends; proxies are told not to hold them back. */
export function sendStream(response: Response, stream: ReadableStream<UIMessageChunk>): Promise<void> {
  const headers = { 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no' }
  return pipeUIMessageStreamToResponse({ response, stream, headers, keepAliveMs: HEARTBEAT_MS })
}

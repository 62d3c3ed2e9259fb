import { Agent, request } from 'node:http'
import { z } from 'zod'
import { openGate } from './gate.ts'
import type { Answer, Call } from './history.ts'
import { BusyServer, noted } from './noted.ts'
import type { Planned } from './order.ts'

/** HttpCaller asks POST /api/usage, again after an answer 503. */
export type HttpCaller = { take(planned: Planned, token: string): Promise<Call[]>; close(): void }

const CONNECTIONS = 32
// A server that is busy says so within seconds: this long is never.
const SILENCE_LIMIT_MS = 30_000

const chargedSchema = z.object({ used: z.number(), quota: z.number().nullable(), plan: z.string(), resetsAt: z.string().nullable() })
const refusalSchema = z.object({
  code: z.literal('quota_exceeded'),
  limit: z.object({ used: z.number(), quota: z.number().nullable(), resetsAt: z.string().nullable() })
})

/** openHttpCaller asks the servers at these URLs over connections that it keeps; `onRepeat` as for noted. */
export function openHttpCaller(servers: string[], onRepeat: () => void): HttpCaller {
  const agents = servers.map((url) => ({ url: new URL('/api/usage', url), agent: new Agent({ keepAlive: true, maxSockets: CONNECTIONS }) }))
  const gate = openGate(CONNECTIONS * Math.max(1, servers.length))

  const ask = async (planned: Planned, token: string): Promise<Answer> => {
    const server = agents[planned.server % agents.length]
    if (server === undefined) throw new Error('There is no server to ask.')
    return toAnswer(await post(server, planned, token))
  }
  return {
    take: (planned, token) => gate(() => noted([planned], onRepeat, async () => [await ask(planned, token)])),
    close() {
      for (const { agent } of agents) agent.destroy()
    }
  }
}

type Reply = { status: number; isReplayed: boolean; body: string }

function post({ url, agent }: { url: URL; agent: Agent }, planned: Planned, token: string): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}`, 'Idempotency-Key': planned.label }
    const sent = request(url, { method: 'POST', agent, headers }, (answer) => {
      let body = ''
      answer.setEncoding('utf8')
      answer.on('data', (text: string) => (body += text))
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, isReplayed: answer.headers['idempotent-replayed'] === 'true', body })
      )
      answer.on('error', reject)
    })
    sent.setTimeout(SILENCE_LIMIT_MS, () => sent.destroy(new Error(`${url.host} never answered`)))
    sent.on('error', reject)
    sent.end(JSON.stringify({ metric: planned.metric, amount: planned.amount }))
  })
}

function toAnswer({ status, isReplayed, body }: Reply): Answer {
  const toMs = (time: string | null): number | null => (time === null ? null : Date.parse(time))
  if (status === 200) {
    const { resetsAt, ...standing } = chargedSchema.parse(JSON.parse(body))
    return { allowed: true, ...standing, resetsAtMs: toMs(resetsAt), replayed: isReplayed }
  }
  if (status === 503) throw new BusyServer(body)
  if (status !== 402) throw new Error(`POST /api/usage answered ${status}: ${body.slice(0, 200)}`)
  const { limit } = refusalSchema.parse(JSON.parse(body))
  return { allowed: false, used: limit.used, quota: limit.quota, plan: null, resetsAtMs: toMs(limit.resetsAt), replayed: null }
}

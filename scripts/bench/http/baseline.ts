import { createServer } from 'node:http'
import express from 'express'

/*
 * What Parley's route is measured against, each in a process of its own: `express` answers a constant object from a route,
 * `express-json` also reads the body as JSON, `node` is Node's server without any framework, which shows how much the load
 * generator can ask for. Usage: baseline.ts <kind>, with PORT set.
 */

const ANSWER = { metric: 'api_calls', amount: 1, plan: 'bench', used: 1, quota: 9, remaining: 8, resetsAt: '2026-01-01T00:00:00.000Z' }

function listenerOf(kind: string | undefined): Parameters<typeof createServer>[1] {
  if (kind === 'node') {
    return (_req, res) => {
      const body = JSON.stringify(ANSWER)
      res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.length }).end(body)
    }
  }
  if (kind !== 'express' && kind !== 'express-json') throw new Error('Usage: baseline.ts express | express-json | node')
  const app = express()
  if (kind === 'express-json') app.use(express.json())
  app.post('/api/usage', (_req, res) => {
    res.json(ANSWER)
  })
  return app
}

createServer({}, listenerOf(process.argv[2])).listen(Number(process.env['PORT']), '127.0.0.1')

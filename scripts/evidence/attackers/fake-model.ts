import { once } from 'node:events'
import { createServer } from 'node:http'

/** FakeModel is an endpoint with OpenAI's chat completions; `url` is its base URL. */
export type FakeModel = { url: string; stop(): Promise<void> }

/** ASK_FOR_REFUSAL in a question makes the model refuse the key, and be as indiscreet about it as a provider can be. */
export const ASK_FOR_REFUSAL = 'please-refuse-the-key'

/** startFakeModel starts one that answers every question, or repeats the key and the whole prompt in an error. */
export async function startFakeModel(): Promise<FakeModel> {
  const server = createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const prompt = Buffer.concat(chunks).toString('utf8')
      if (prompt.includes(ASK_FOR_REFUSAL)) {
        const key = (req.headers.authorization ?? '').replace('Bearer ', '')
        const message = `Incorrect API key provided: ${key}. The request was ${prompt}`
        res.writeHead(401, { 'Content-Type': 'application/json' }).end(JSON.stringify({ error: { message,
          type: 'invalid_request_error' } }))
        return
      }
      res.writeHead(200, { 'Content-Type': 'text/event-stream' })
      const head = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm' }
      const chunk = (delta: object, end: object = {}) => `data: ${JSON.stringify({ ...head, choices: [{ index: 0, delta, ...end }] })}\n\n`
      res.write(chunk({ role: 'assistant', content: 'It is so [1].' }))
      res.write(chunk({}, { finish_reason: 'stop' }))
      const usage = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 }
      res.write(`data: ${JSON.stringify({ ...head, choices: [], usage })}\n\n`)
      res.end('data: [DONE]\n\n')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The model has no port.')
  return {
    url: `http://127.0.0.1:${address.port}/v1`,
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    }
  }
}

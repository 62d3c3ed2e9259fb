import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'

/** BadModel is an OpenAI-compatible endpoint at `url` that goes wrong as the question asks it to. */
export type BadModel = { url: string; stop(): Promise<void> }

/**
 * Misdeed is one way to go wrong. `play` has the response in its hands; `moment` says what the caller has seen by then, and so
 * how it must hear of it: `before` the first word by the status, `middle` by the end of the stream, `never` because it ends well.
 * `takes` is how long that may take: the server's patience with a first word (20 s), with a whole answer (120 s), or no time.
 */
export type Misdeed = {
  moment: 'before' | 'middle' | 'never'
  takes: 'no time' | 'the first word' | 'the whole answer'
  play(model: Playing): void
}

/** Playing is one request being answered: `say` streams a word, `finish` ends well, `res` is for everything else. */
export type Playing = { res: ServerResponse; say(text: string): void; finish(): void; raw(data: string): void }

const HTML = '<!doctype html><html><body><h1>502 Bad Gateway</h1></body></html>'
const SLOW_MS = 3_000
const DRIP_MS = 250

const refuse = (status: number, headers: Record<string, string> = {}) => ({ res }: Playing): void => {
  res.writeHead(status, { 'Content-Type': 'application/json', ...headers })
  res.end(JSON.stringify({ error: { message: 'No.', type: 'server_error' } }))
}
const html = (status: number) => ({ res }: Playing): void => void res.writeHead(status, { 'Content-Type': 'text/html' }).end(HTML)

/** MISDEEDS are all of them, by the name a question asks for them with. */
export const MISDEEDS: Readonly<Record<string, Misdeed>> = {
  'status 400': { moment: 'before', takes: 'no time', play: refuse(400) },
  'status 401': { moment: 'before', takes: 'no time', play: refuse(401) },
  'status 429': { moment: 'before', takes: 'the first word', play: refuse(429, { 'Retry-After': '1' }) },
  'status 429 for an hour': { moment: 'before', takes: 'the first word', play: refuse(429, { 'Retry-After': '3600' }) },
  'status 500': { moment: 'before', takes: 'the first word', play: refuse(500) },
  'a page with status 502': { moment: 'before', takes: 'the first word', play: html(502) },
  'a page with status 200': { moment: 'before', takes: 'no time', play: html(200) },
  'JSON instead of a stream': {
    moment: 'before',
    takes: 'no time',
    play: ({ res }) =>
      void res.writeHead(200, { 'Content-Type': 'application/json' })
        .end(JSON.stringify({ id: 'c', choices: [{ index: 0, message: { content: 'All at once.' }, finish_reason: 'stop' }] }))
  },
  'a hang-up before the head': { moment: 'before', takes: 'the first word', play: ({ res }) => void res.destroy() },
  'an end before the first word': { moment: 'before', takes: 'no time', play: ({ res, raw }) => (raw('[DONE]'), void res.end()) },
  'an answer without words': { moment: 'before', takes: 'no time', play: ({ finish }) => finish() },
  'an answer of spaces': { moment: 'middle', takes: 'no time', play: ({ say, finish }) => (say('  \n'), finish()) },
  'no JSON': { moment: 'before', takes: 'no time', play: ({ res, raw }) => (raw('{"choices":[{"del'), void res.end()) },
  'other JSON': { moment: 'before', takes: 'no time', play: ({ res, raw }) => (raw('{"hello":[1,2,3]}'), void res.end()) },
  'an error as an event': {
    moment: 'before',
    takes: 'no time',
    play: ({ res, raw }) => (raw('{"error":{"message":"overloaded"}}'), void res.end())
  },
  'no JSON after a word': {
    moment: 'middle',
    takes: 'no time',
    play: ({ res, say, raw }) => (say('Half'), raw('{"choices":[{"del'), void res.end())
  },
  'an end after a word': { moment: 'middle', takes: 'no time', play: ({ res, say }) => (say('Half'), void res.end()) },
  'a hang-up after a word': {
    moment: 'middle',
    takes: 'no time',
    play: ({ res, say }) => (say('Half'), void setImmediate(() => res.destroy()))
  },
  'a flood': { moment: 'middle', takes: 'no time', play: flood },
  'a slow first word': {
    moment: 'never',
    takes: 'the first word',
    play: ({ say, finish }) => void setTimeout(() => (say('At last.'), finish()), SLOW_MS)
  },
  'no first word': {
    moment: 'before',
    takes: 'the first word',
    play: ({ res }) => res.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders()
  },
  'no head': { moment: 'before', takes: 'the first word', play: () => undefined },
  'silence after a word': { moment: 'middle', takes: 'the whole answer', play: ({ say }) => say('Half') },
  'a drip without end': { moment: 'middle', takes: 'the whole answer', play: drip }
}

/** startBadModel starts it. A question without the name of a misdeed in brackets is answered well, with one sentence. */
export async function startBadModel(): Promise<BadModel> {
  const server = createServer((req, res) => {
    const chunks: Buffer[] = []
    res.on('error', () => undefined)
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const playing = playingOn(res)
      // The last one: the history before it may hold questions too.
      const name = [...Buffer.concat(chunks).toString('utf8').matchAll(/\[\[(.+?)\]\]/g)].at(-1)?.[1]
      const misdeed = name === undefined ? undefined : MISDEEDS[name]
      if (misdeed !== undefined) {
        misdeed.play(playing)
        return
      }
      playing.say('All is well.')
      playing.finish()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The model has no port.')
  return {
    url: `http://127.0.0.1:${address.port}/v1`,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    }
  }
}

function playingOn(res: ServerResponse): Playing {
  const raw = (data: string): void => {
    if (!res.headersSent) res.writeHead(200, { 'Content-Type': 'text/event-stream' })
    res.write(`data: ${data}\n\n`)
  }
  const head = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm' }
  const chunk = (fields: object): void => raw(JSON.stringify({ ...head, ...fields }))
  return {
    res,
    raw,
    say: (content) => chunk({ choices: [{ index: 0, delta: { role: 'assistant', content }, finish_reason: null }] }),
    finish() {
      chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
      chunk({ choices: [], usage: { prompt_tokens: 20, completion_tokens: 4, total_tokens: 24 } })
      raw('[DONE]')
      res.end()
    }
  }
}

/** flood writes as fast as it is read, for as long as it is. */
function flood({ res, say }: Playing): void {
  const more = (): void => {
    for (let words = 0; words < 50 && !res.destroyed; words += 1) say('word after word after word '.repeat(20))
    if (res.destroyed) return
    if (res.writableNeedDrain) res.once('drain', more)
    else setImmediate(more)
  }
  more()
}

function drip({ res, say }: Playing): void {
  say('Half')
  const timer = setInterval(() => (res.destroyed ? clearInterval(timer) : say(' more')), DRIP_MS)
}

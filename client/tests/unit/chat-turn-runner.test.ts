import { describe, expect, test } from '@jest/globals'
import type { MessageBody } from '../../../server/src/contract/messages.ts'
import { type Turn, type TurnPort, TurnRunner } from '../../src/features/chat/turn-runner.ts'
import { Unreachable } from '../../src/lib/api.ts'
import { answer, problem, question } from './chat-messages.ts'

const START = { type: 'start', messageId: 'a-1', messageMetadata: { conversationId: 'talk', userMessageId: 'q-1' } }
const text = (delta: string) => ({ type: 'text-delta', id: 't', delta })
const usage = (status: string) => ({
  type: 'data-usage', id: 'usage',
  data: { status, messagesUsed: 1, quota: 100, remaining: 99, resetsAt: null, inputTokens: 20, outputTokens: 3 }
})
const CITATION = {
  type: 'data-citation', id: 'citation-1',
  data: { number: 1, documentId: '6f1ef0ac-9a53-4b3c-8f0f-2f4b4d3b7a11', documentName: 'a.md', place: 1, excerpt: 'x' }
}
const WHOLE = [START, { type: 'text-start', id: 't' }, text('Fourteen '), text('days [1].'), { type: 'text-end', id: 't' }, CITATION, usage('complete'), { type: 'finish' }]
const attempt = { content: 'How long?', key: 'key-1', replaces: null, after: null }

/** Pipe is a stream that a test writes into. */
class Pipe {
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null
  isCanceled = false
  readonly body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      this.#controller = controller
    },
    cancel: () => {
      this.isCanceled = true
    }
  })
  say(...parts: readonly object[]): this {
    for (const part of parts) this.#controller?.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(part)}\n\n`))
    return this
  }
  end(): this {
    this.#controller?.close()
    return this
  }
  breakOff(): this {
    this.#controller?.error(new TypeError('network error'))
    return this
  }
}

/** scene is a runner on a port whose calls are noted; what a test does not give fails. */
function scene(port: Partial<TurnPort>, conversationId: string | null = 'talk') {
  const calls: string[] = []
  const waits: number[] = []
  const noted = <Args extends unknown[], Result>(name: string, given: ((...args: Args) => Promise<Result>) | undefined) =>
    async (...args: Args): Promise<Result> => {
      calls.push(name)
      if (given === undefined) throw new Error(`${name} was not expected`)
      return given(...args)
    }
  let keys = 1
  const runner = new TurnRunner(
    {
      open: noted('open', port.open ?? (async () => 'talk')),
      post: noted('post', port.post),
      resume: noted('resume', port.resume),
      stop: noted('stop', port.stop),
      newest: noted('newest', port.newest ?? (async () => [])),
      taken: (content) => void calls.push(`taken ${content}`),
      settled: noted('settled', port.settled ?? (async () => {})),
      newKey: () => `key-${(keys += 1)}`,
      wait: async (milliseconds) => {
        waits.push(milliseconds)
        if (waits.length > 50) runner.detach()
      }
    },
    conversationId
  )
  const turns: Turn[] = []
  runner.subscribe(() => turns.push(runner.current()))
  const until = async (is: (turn: Turn) => boolean): Promise<Turn> => {
    if (is(runner.current())) return runner.current()
    return new Promise((resolve) => {
      const end = runner.subscribe(() => {
        if (!is(runner.current())) return
        end()
        resolve(runner.current())
      })
    })
  }
  return { runner, calls, waits, turns, until }
}

describe('a question', () => {
  test('is taken with the start of its answer, which then streams, and is settled once', async () => {
    const pipe = new Pipe()
    const { runner, calls, turns, until } = scene({ post: async () => pipe.body })
    const asked = runner.ask(attempt)
    expect(runner.current()).toMatchObject({ phase: 'waiting', attempt })
    await Promise.resolve()
    expect(calls).not.toContain('taken How long?')
    pipe.say(...WHOLE.slice(0, 3))
    await until(({ answer: so }) => so?.text === 'Fourteen ')
    expect(calls).toEqual(['open', 'post', 'taken How long?'])
    pipe.say(...WHOLE.slice(3)).end()
    await asked
    expect(turns.map(({ answer: so }) => so?.ended)).toContain('complete')
    expect(turns.findLast(({ answer: so }) => so !== null)?.answer).toMatchObject({ text: 'Fourteen days [1].', citations: [{ number: 1 }], usage: { outputTokens: 3 } })
    expect(calls.filter((call) => call === 'settled')).toHaveLength(1)
    expect(runner.current()).toMatchObject({ phase: 'idle', answer: null, failure: null })
  })

  test('keeps the answer on the screen when the messages cannot be read again', async () => {
    const { runner } = scene({ post: async () => new Pipe().say(...WHOLE).end().body, settled: async () => { throw new Unreachable(null) } })
    await runner.ask(attempt)
    expect(runner.current()).toMatchObject({ phase: 'idle', answer: { ended: 'complete' } })
  })

  test('that is refused is not taken, and asked again with another key', async () => {
    const keys: string[] = []
    const { runner, calls } = scene({
      post: async (_, { key }) => {
        keys.push(key)
        throw problem(402, 'quota_exceeded')
      }
    })
    await runner.ask(attempt)
    expect(runner.current()).toMatchObject({ phase: 'idle', failure: { error: { problem: { code: 'quota_exceeded' } }, attempt } })
    await runner.repeat()
    expect(keys).toEqual(['key-1', 'key-2'])
    expect(calls.join()).not.toContain('taken')
  })

  test.each([
    { what: 'no answer', error: new Unreachable(null) },
    { what: 'a fault of the server', error: problem(500, 'internal_error') },
    { what: 'an answer that cannot be read', error: new TypeError('network error') }
  ])(
    'of which nothing is known is asked again with the same key: $what',
    async ({ error }) => {
      const keys: string[] = []
      const { runner } = scene({
        post: async (_, { key }) => {
          keys.push(key)
          throw error
        }
      })
      await runner.ask(attempt)
      await runner.repeat()
      expect(keys).toEqual(['key-1', 'key-1'])
    }
  )

  test('opens its conversation with the same attempt again when that failed', async () => {
    let tries = 0
    const { runner, calls } = scene({
      open: async () => {
        tries += 1
        if (tries === 1) throw new Unreachable(null)
        return 'talk'
      },
      post: async () => new Pipe().say(...WHOLE).end().body
    }, null)
    await runner.ask(attempt)
    expect(runner.current().failure?.error).toBeInstanceOf(Unreachable)
    await runner.repeat()
    expect(calls).toEqual(['open', 'open', 'post', 'taken How long?', 'settled'])
  })

  test('that is being answered already is followed', async () => {
    const { runner, calls } = scene({
      post: async () => { throw problem(409, 'request_in_progress') },
      newest: async () => [answer('a-1', 'streaming'), question('q-1', 'How long?')],
      resume: async () => new Pipe().say(...WHOLE).end().body
    })
    await runner.ask(attempt)
    expect(calls).toEqual(['open', 'post', 'newest', 'resume', 'taken How long?', 'settled'])
  })

  test('is not asked while another is being answered', async () => {
    const pipe = new Pipe()
    const { runner, calls, until } = scene({ post: async () => pipe.body })
    const asked = runner.ask(attempt)
    await runner.ask({ ...attempt, key: 'key-9' })
    pipe.say(...WHOLE).end()
    await asked
    await until(({ phase }) => phase === 'idle')
    expect(calls.filter((call) => call === 'post')).toHaveLength(1)
  })
})

describe('an answer', () => {
  test('that fails in its stream says why, from the problem it carries', async () => {
    const error = JSON.stringify(problem(503, 'model_unavailable').problem)
    const { runner } = scene({ post: async () => new Pipe().say(START, text('Four'), { type: 'error', errorText: error }).end().body })
    await runner.ask(attempt)
    expect(runner.current().failure).toMatchObject({ error: { message: 'This is model_unavailable.', problem: { requestId: 'request-1' } }, attempt })
  })

  test('whose connection breaks is followed from its beginning, without getting shorter meanwhile', async () => {
    const broken = new Pipe().say(START, text('Fourteen '))
    let tries = 0
    const { runner, turns, waits, until } = scene({
      post: async () => broken.body,
      resume: async () => {
        tries += 1
        if (tries === 1) throw new Unreachable(null)
        return new Pipe().say(START, text('Four'), text('teen days.'), usage('complete'), { type: 'finish' }).end().body
      }
    })
    const asked = runner.ask(attempt)
    await until(({ answer: so }) => so?.text === 'Fourteen ')
    broken.breakOff()
    await asked
    const texts = turns.flatMap(({ answer: so }) => (so === null ? [] : [so.text]))
    expect(texts.map(({ length }) => length)).toEqual(texts.map(({ length }) => length).toSorted((a, b) => a - b))
    expect(texts.at(-1)).toBe('Fourteen days.')
    expect([turns.some(({ isLost }) => isLost), waits]).toEqual([true, [1000]])
  })

  test('that another server writes is waited for, second by second', async () => {
    let reads = 0
    const statuses: MessageBody['status'][] = ['streaming', 'streaming', 'complete']
    const { runner, calls, waits, turns } = scene({
      resume: async () => { throw problem(409, 'request_in_progress') },
      newest: async () => {
        reads += 1
        return [answer('a-1', statuses[reads - 1] ?? 'complete'), question('q-1', 'How long?')]
      }
    })
    await runner.follow('a-1', 'How long?')
    expect(calls).toEqual(['resume', 'taken How long?', 'newest', 'newest', 'newest', 'settled'])
    expect([waits, turns.some(({ isElsewhere }) => isElsewhere), runner.current().phase]).toEqual([[1000, 1000], true, 'idle'])
  })

  test('is followed once, however often that is asked for, and again after leaving and coming back', async () => {
    const { runner, calls } = scene({ resume: async () => new Pipe().say(...WHOLE).end().body })
    await runner.follow('a-1', null)
    await runner.follow('a-1', null)
    expect(calls.filter((call) => call === 'resume')).toHaveLength(1)
    runner.detach()
    runner.attach()
    await runner.follow('a-1', null)
    expect(calls.filter((call) => call === 'resume')).toHaveLength(2)
  })

  test('goes on when its reader leaves: the connection is closed, and nobody asks to stop', async () => {
    const pipe = new Pipe()
    const { runner, calls, until } = scene({ post: async () => pipe.body })
    const asked = runner.ask(attempt)
    pipe.say(START, text('Four'))
    await until(({ phase }) => phase === 'streaming')
    runner.detach()
    pipe.say(text('teen'))
    await asked
    expect([pipe.isCanceled, calls.includes('stop'), runner.current().phase]).toEqual([true, false, 'idle'])
  })

  test('to a question sent just before leaving still empties the box', async () => {
    const pipe = new Pipe()
    const { runner, calls } = scene({ post: async () => pipe.body })
    const asked = runner.ask(attempt)
    runner.detach()
    pipe.say(START, text('Four'))
    await asked
    expect(calls).toContain('taken How long?')
  })
})

describe('stop', () => {
  test('asks for the answer that streams, and what was written is kept', async () => {
    const pipe = new Pipe()
    const stopped: string[] = []
    const { runner, turns, until } = scene({
      post: async () => pipe.body,
      stop: async (_, messageId) => {
        stopped.push(messageId)
        pipe.say(usage('stopped'), { type: 'abort' }).end()
      }
    })
    const asked = runner.ask(attempt)
    pipe.say(START, text('Four'))
    await until(({ phase }) => phase === 'streaming')
    await runner.stop()
    await asked
    expect(stopped).toEqual(['a-1'])
    expect(turns.findLast(({ answer: so }) => so !== null)?.answer).toMatchObject({ text: 'Four', ended: 'stopped' })
  })

  test('before the first word finds the answer among the messages, as soon as it is there', async () => {
    const pipe = new Pipe()
    let reads = 0
    const stopped: string[] = []
    const { runner } = scene({
      post: async () => pipe.body,
      newest: async () => {
        reads += 1
        return reads < 3 ? [] : [answer('a-1', 'streaming'), question('q-1', 'How long?')]
      },
      stop: async (_, messageId) => {
        stopped.push(messageId)
        pipe.say(START, usage('stopped'), { type: 'abort' }).end()
      }
    })
    const asked = runner.ask(attempt)
    await runner.stop()
    await asked
    expect([stopped, reads]).toEqual([['a-1'], 3])
  })

  test('that could not be asked says so, and can be tried again', async () => {
    const pipe = new Pipe()
    const { runner, until } = scene({ post: async () => pipe.body, stop: async () => { throw new Unreachable(null) } })
    void runner.ask(attempt)
    pipe.say(START, text('Four'))
    await until(({ phase }) => phase === 'streaming')
    await expect(runner.stop()).rejects.toBeInstanceOf(Unreachable)
    expect(runner.current()).toMatchObject({ phase: 'streaming', isStopping: false })
    runner.detach()
  })
})

import { describe, expect, test } from '@jest/globals'
import type { UIMessageChunk } from 'ai'
import { AnswerLog } from '../../src/llm/answer-log.ts'

const delta = (text: string): UIMessageChunk => ({ type: 'text-delta', id: '1', delta: text })

/** textOf is what a listener read until the end. */
async function textOf(stream: ReadableStream<UIMessageChunk>): Promise<string> {
  const chunks = await Array.fromAsync(stream)
  return chunks.map((chunk) => (chunk.type === 'text-delta' ? chunk.delta : `<${chunk.type}>`)).join('')
}

describe('AnswerLog', () => {
  test('gives every listener all of the answer, once and in order, whenever it came', async () => {
    const log = new AnswerLog()
    const early = textOf(log.follow())
    log.write(delta('a'))
    log.write(delta('b'))
    await new Promise((resolve) => setImmediate(resolve))
    const middle = textOf(log.follow())
    log.write(delta('c'))
    log.write(delta('d'))
    log.close()
    expect(await Promise.all([early, middle, textOf(log.follow())])).toEqual(['abcd', 'abcd', 'abcd'])
  })

  test('gives a waiting listener each part as it is written', async () => {
    const log = new AnswerLog()
    const reader = log.follow().getReader()
    for (const text of ['a', 'b', 'c']) {
      const read = reader.read()
      await new Promise((resolve) => setImmediate(resolve))
      log.write(delta(text))
      expect(await read).toEqual({ done: false, value: delta(text) })
    }
    const last = reader.read()
    log.close()
    expect(await last).toEqual({ done: true, value: undefined })
  })

  test('is not held up by a listener that never reads, nor by one that has left while it waited', async () => {
    const log = new AnswerLog()
    const idle = log.follow()
    const leaving = log.follow().getReader()
    const read = leaving.read()
    await leaving.cancel()
    expect((await read).done).toBe(true)
    const listening = textOf(log.follow())
    for (let part = 0; part < 1_000; part += 1) log.write(delta('x'))
    log.close()
    expect(await listening).toBe('x'.repeat(1_000))
    expect(await textOf(idle)).toBe('x'.repeat(1_000))
  })
})

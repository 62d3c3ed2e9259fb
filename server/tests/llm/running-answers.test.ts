import { describe, expect, test } from '@jest/globals'
import { RunningAnswers } from '../../src/llm/running-answers.ts'

function register(answers: RunningAnswers, messageId: string, settlesWhenStopped = true) {
  const settled = Promise.withResolvers<void>()
  const state = { stopped: 0, settle: settled.resolve }
  answers.register(messageId, {
    stop() {
      state.stopped += 1
      if (settlesWhenStopped) settled.resolve()
    },
    settled: settled.promise,
    follow: () => new ReadableStream()
  })
  return state
}

describe('RunningAnswers', () => {
  test('stops an answer that runs here and knows no others, nor those that are settled', async () => {
    const answers = new RunningAnswers()
    const one = register(answers, 'one')
    expect(answers.stop('other')).toBe(false)
    expect(answers.stop('one')).toBe(true)
    expect(one.stopped).toBe(1)
    await answers.settled('one')
    await Promise.resolve()
    expect(answers.stop('one')).toBe(false)
    expect(answers.size).toBe(0)
  })

  test('drain lets answers finish, also one that begins while it waits, and stops none of them', async () => {
    const answers = new RunningAnswers()
    const one = register(answers, 'one')
    const drained = answers.drain(60_000)
    const two = register(answers, 'two')
    one.settle()
    await Promise.resolve()
    two.settle()
    await drained
    expect([one.stopped, two.stopped, answers.size]).toEqual([0, 0, 0])
  })

  test('drain stops what is not done in time and waits until it is settled', async () => {
    const answers = new RunningAnswers()
    const slow = register(answers, 'slow', false)
    let isDrained = false
    const drained = answers.drain(1).then(() => {
      isDrained = true
    })
    while (slow.stopped === 0) await new Promise((resolve) => setImmediate(resolve))
    expect(isDrained).toBe(false)
    slow.settle()
    await drained
  })

  test('drain without answers is done at once', async () => {
    await new RunningAnswers().drain(60_000)
  })
})

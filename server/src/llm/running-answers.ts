import type { UIMessageChunk } from 'ai'

/**
 * RunningAnswer is one answer being generated here. `stop` ends it early; `settled` resolves (never rejects) once it is
 * stored; `follow` streams all of it, from its first part.
 */
export type RunningAnswer = { stop: () => void; settled: Promise<void>; follow: () => ReadableStream<UIMessageChunk> }

/**
 * RunningAnswers knows every answer this process is generating, so that a person can stop one or come back to it, and a
 * shutdown can wait for all of them.
 */
export class RunningAnswers {
  readonly #answers = new Map<string, RunningAnswer>()

  /** register remembers an answer until it is settled. */
  register(messageId: string, answer: RunningAnswer): void {
    this.#answers.set(messageId, answer)
    void answer.settled.finally(() => this.#answers.delete(messageId))
  }

  /** size is the number of answers being generated now. */
  get size(): number {
    return this.#answers.size
  }

  /** stop ends an answer that is generated here; false when it is not (any more). */
  stop(messageId: string): boolean {
    const answer = this.#answers.get(messageId)
    answer?.stop()
    return answer !== undefined
  }

  /** follow streams an answer that is generated here, from its first part; null when it is not (any more). */
  follow(messageId: string): ReadableStream<UIMessageChunk> | null {
    return this.#answers.get(messageId)?.follow() ?? null
  }

  /** settled resolves when an answer generated here is stored; at once when there is none. */
  async settled(messageId: string): Promise<void> {
    await this.#answers.get(messageId)?.settled
  }

  /**
   * drain waits until every running answer is settled, also those that begin meanwhile. Answers that are not done after
   * `timeoutMs` are stopped, which keeps and charges what was streamed, and waited for.
   */
  async drain(timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<'timeout'>((resolve) => {
      timer = setTimeout(() => resolve('timeout'), timeoutMs)
    })
    let isLate = false
    while (this.#answers.size > 0) {
      const all = Promise.allSettled([...this.#answers.values()].map(({ settled }) => settled))
      if (isLate) {
        for (const answer of this.#answers.values()) answer.stop()
        await all
      } else {
        isLate = (await Promise.race([all, timeout])) === 'timeout'
      }
    }
    clearTimeout(timer)
  }
}

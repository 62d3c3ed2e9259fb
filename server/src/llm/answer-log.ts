import type { UIMessageChunk } from 'ai'

/**
 * AnswerLog keeps the parts of one answer's stream in order, from the first to the last, for as many listeners as there
 * are. It is as long as the answer, and is forgotten with it.
 *
 * Writing never waits: a listener takes parts at its own pace from the one list, and one that is slow or gone holds nobody up.
 */
export class AnswerLog {
  readonly #chunks: UIMessageChunk[] = []
  #isClosed = false
  #change = Promise.withResolvers<void>()

  /** write adds a part. */
  write(chunk: UIMessageChunk): void {
    this.#chunks.push(chunk)
    this.#tell()
  }

  /** close ends every stream of the answer, after the parts it still has to give. */
  close(): void {
    this.#isClosed = true
    this.#tell()
  }

  /** follow streams all of the answer: what was written so far, then what follows. */
  follow(): ReadableStream<UIMessageChunk> {
    let place = 0
    const pull = async (controller: ReadableStreamDefaultController<UIMessageChunk>): Promise<void> => {
      while (place === this.#chunks.length && !this.#isClosed) await this.#change.promise
      const chunk = this.#chunks[place]
      place += 1
      if (chunk === undefined) controller.close()
      else controller.enqueue(chunk)
    }
    return new ReadableStream({ pull }, { highWaterMark: 0 })
  }

  #tell(): void {
    this.#change.resolve()
    this.#change = Promise.withResolvers<void>()
  }
}

import type { Logger } from 'pino'

/** JobOptions: `work` runs about every `everyMs`, never twice at a time. */
export type JobOptions = { name: string; everyMs: number; work: () => Promise<void>; log: Logger }

const JITTER = 0.2

/** RepeatingJob repeats some work until it is stopped. A failure is logged and the next turn comes as usual. */
export class RepeatingJob {
  readonly #options: JobOptions
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #again = false
  #stopped = true

  constructor(options: JobOptions) {
    this.#options = options
  }

  /** start begins with a first turn after the usual pause. */
  start(): void {
    this.#stopped = false
    this.#schedule()
  }

  /** kick brings the next turn forward to now, or to the end of the turn that is running. Nothing when stopped. */
  kick(): void {
    if (this.#stopped) return
    if (this.#running) this.#again = true
    else this.#turn()
  }

  /** stop lets no further turn begin and waits for the one that runs. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#running
  }

  #schedule(): void {
    if (this.#stopped) return
    // Jitter keeps several servers from asking the database at the same moment forever.
    const pause = this.#options.everyMs * (1 - JITTER + 2 * JITTER * Math.random())
    this.#timer = setTimeout(() => this.#turn(), pause)
    this.#timer.unref()
  }

  #turn(): void {
    clearTimeout(this.#timer)
    this.#running = this.#work().finally(() => {
      this.#running = undefined
      if (this.#again && !this.#stopped) this.#turn()
      else this.#schedule()
    })
  }

  async #work(): Promise<void> {
    this.#again = false
    try {
      await this.#options.work()
    } catch (error) {
      this.#options.log.warn({ err: error, job: this.#options.name }, 'job failed, its next turn will try again')
    }
  }
}

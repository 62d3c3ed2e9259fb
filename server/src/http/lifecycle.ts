/** Lifecycle tells every part whether the server is going down, and knows the work that goes on behind answers already given. */
export type Lifecycle = {
  readonly draining: boolean
  /** begin turns draining on, for good. */
  begin(): void
  /** track keeps hold of work nobody waits for; it must deal with its own failures. */
  track(work: Promise<void>): void
  /** idle resolves when none of it is left, also none that it brought about. */
  idle(): Promise<void>
}

/** createLifecycle starts as not draining, with nothing going on. */
export function createLifecycle(): Lifecycle {
  let draining = false
  const going = new Set<Promise<void>>()
  return {
    get draining() {
      return draining
    },
    begin() {
      draining = true
    },
    track(work) {
      going.add(work)
      void work.finally(() => going.delete(work))
    },
    async idle() {
      while (going.size > 0) await Promise.all(going)
    }
  }
}

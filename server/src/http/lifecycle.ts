/** Lifecycle tells every part whether the server is going down. */
export type Lifecycle = {
  readonly draining: boolean
  /** begin turns draining on, for good. */
  begin(): void
}

/** createLifecycle starts as not draining. */
export function createLifecycle(): Lifecycle {
  let draining = false
  return {
    get draining() {
      return draining
    },
    begin() {
      draining = true
    }
  }
}

/**
 * Interruption watches for SIGINT and SIGTERM. `signal` is aborted by the first one. Until `handOver` a second one ends this
 * process at once; afterwards somebody else acts on signals. Both tell whether one has come.
 */
export type Interruption = { signal: AbortSignal; came(): boolean; handOver(): boolean }

// Ctrl-C below npm arrives twice: from the terminal and, forwarded, from npm.
const SAME_SIGNAL_MS = 500

/** watchInterruption begins to watch. */
export function watchInterruption(): Interruption {
  const controller = new AbortController()
  let first = 0
  let handedOver = false
  const onSignal = () => {
    if (first === 0) first = Date.now()
    else if (!handedOver && Date.now() - first > SAME_SIGNAL_MS) process.exit(1)
    controller.abort()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return {
    signal: controller.signal,
    came: () => first !== 0,
    handOver: () => {
      handedOver = true
      return first !== 0
    }
  }
}

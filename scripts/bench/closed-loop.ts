import { quantile } from './arithmetic.ts'

/** Times are the milliseconds a way runs before it is measured, and those it is. */
export type Times = { warmupMs: number; durationMs: number }

/** Sample is one way measured once: calls that ended within the time, and how long they took. */
export type Sample = { perSecond: number; calls: number; p50Ms: number; p99Ms: number; maxMs: number }

/**
 * runLoop has `callers` call again as soon as they are answered. Throws what a call throws: a way that fails has no speed.
 */
export async function runLoop(callers: number, times: Times, call: (caller: number) => Promise<void>): Promise<Sample> {
  const recorder = startRecorder(times)
  await Promise.all(
    Array.from({ length: callers }, async (_, caller) => {
      for (let now = performance.now(); !recorder.isOver(now); ) {
        const begun = now
        await call(caller)
        now = performance.now()
        recorder.ended(begun, now)
      }
    })
  )
  return recorder.sample()
}

/** A sample of fewer calls would be an accident; on a machine that is this slow the time is extended instead. */
const LEAST_CALLS = 20

/**
 * Recorder notes calls by the `performance.now()` of their begin and end. Those count that ended after the warm-up and before
 * it `isOver`: at the end of the measured time, or when there are enough calls for a sample.
 */
export type Recorder = { isOver(now: number): boolean; ended(begun: number, now: number): void; sample(): Sample }

/** startRecorder begins the warm-up now; `leastCalls` are enough calls. */
export function startRecorder({ warmupMs, durationMs }: Times, leastCalls = LEAST_CALLS): Recorder {
  const beginsAt = performance.now() + warmupMs
  const endsAt = beginsAt + durationMs
  let latencies = new Float64Array(65_536)
  let calls = 0
  let measuredUntil = endsAt
  const isOver = (now: number): boolean => now >= endsAt && calls >= leastCalls
  return {
    isOver,
    ended(begun, now) {
      if (now < beginsAt || isOver(now)) return
      if (calls === latencies.length) {
        const longer = new Float64Array(calls * 2)
        longer.set(latencies)
        latencies = longer
      }
      latencies[calls] = now - begun
      calls += 1
      measuredUntil = Math.max(endsAt, now)
    },
    sample() {
      const sorted = latencies.subarray(0, calls).sort()
      return {
        perSecond: calls / ((measuredUntil - beginsAt) / 1000),
        calls, p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99), maxMs: quantile(sorted, 1)
      }
    }
  }
}

/** Forecast is what a counter comes to if the window goes on as it began; `reachesQuotaAtMs` null: not in this window. */
export type Forecast = { projected: number; reachesQuotaAtMs: number | null }

// One busy hour after the reset is no pace yet.
const SOONEST_MS = 48 * 3_600_000

/**
 * forecastUsage goes on at the pace of the window so far. Null where that would tell nothing: for a level, which has no
 * window (both ends null), in the first 48 hours, and when nothing was used. A quota of null is unlimited. When the quota is
 * used up already, no time is told: the meter says so.
 *
 * `projected` is rounded down, so that it is at the quota only where the quota is reached by the window's end.
 */
export function forecastUsage(args: {
  used: number
  quota: number | null
  windowStartMs: number | null
  windowEndMs: number | null
  nowMs: number
}): Forecast | null {
  const { used, quota, windowStartMs, windowEndMs } = args
  if (windowStartMs === null || windowEndMs === null || used <= 0) return null
  // A clock that is a moment ahead of the database's is not past the end.
  const elapsedMs = Math.min(Math.floor(args.nowMs), windowEndMs) - windowStartMs
  if (elapsedMs < SOONEST_MS) return null
  const projected = Math.min(divide(used, windowEndMs - windowStartMs, elapsedMs), Number.MAX_SAFE_INTEGER)
  if (quota === null || used >= quota) return { projected, reachesQuotaAtMs: null }
  const reachesQuotaAtMs = windowStartMs + divide(quota, elapsedMs, used)
  return { projected, reachesQuotaAtMs: reachesQuotaAtMs < windowEndMs ? reachesQuotaAtMs : null }
}

/** divide is a * b / c rounded down; the product of a token count and milliseconds is beyond what a number holds exactly. */
function divide(a: number, b: number, c: number): number {
  return Number((BigInt(a) * BigInt(b)) / BigInt(c))
}

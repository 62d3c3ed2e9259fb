import { type Answer, type History, quotaKey, type Version } from './history.ts'

/**
 * Law answers what was allowed when: `versions` are those an account can have had at some moment of a span, `quota` what one
 * gives of a metric (null = unlimited), `windowOf` the window it charges.
 */
export type Law = {
  versions(accountId: string, fromMs: number, untilMs: number): Version[]
  quota(version: Version, metric: string): number | null
  windowOf(version: Version, metric: string): number | 'level'
  agrees(version: Version, metric: string, answer: Answer): boolean
}

/** toLaw reads the law of a history. */
export function toLaw({ versions, quotas, levels }: History): Law {
  const byAccount = Map.groupBy(versions, ({ accountId }) => accountId)
  const quota = (version: Version, metric: string): number | null => {
    const found = quotas.get(quotaKey(version.plan, metric))
    if (found === undefined) throw new Error(`No quota is known of ${metric} on ${version.plan}.`)
    return found
  }
  return {
    versions: (accountId, fromMs, untilMs) =>
      (byAccount.get(accountId) ?? []).filter((version) => version.fromMs <= untilMs && version.untilMs >= fromMs),
    quota,
    windowOf: (version, metric) => (levels.has(metric) ? 'level' : version.windowStartMs),
    agrees: (version, metric, answer) =>
      (answer.plan === null || answer.plan === version.plan) && answer.quota === quota(version, metric) &&
      answer.resetsAtMs === (levels.has(metric) ? null : version.windowEndMs)
  }
}

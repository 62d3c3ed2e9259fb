/** SUITES are the names of the suites, in the order in which they run. */
export const SUITES = ['races', 'storm', 'crashes', 'outages', 'attackers', 'mutants'] as const
export type SuiteName = (typeof SUITES)[number]

/**
 * SuiteOptions: the same `seed` draws the same doses in the same order (what really races is the machine's); `short` is a
 * dose of seconds, for `npm test`; `progress` takes a line that replaces the one before.
 */
export type SuiteOptions = { seed: string; short: boolean; progress: (line: string) => void }

/**
 * Check is one row of the result: what is guaranteed, how much was tried, what was seen, and a sentence per violation (the
 * first ones: `violationCount` counts them all).
 */
export type Check = { guarantee: string; dose: string; result: string; violations: string[]; violationCount: number }

/** Suite runs its checks. What keeps it from trying at all is thrown, and is a failure of the suite too. */
export type Suite = (options: SuiteOptions) => Promise<Check[]>

/** Outcome is a finished suite, as the report prints and keeps it. */
export type Outcome = { suite: SuiteName; seed: string; short: boolean; seconds: number; checks: Check[] }

/** SHORT_PATIENCE is by how much a short dose stretches every time limit: it runs beside other tests, which take the processor. */
export const SHORT_PATIENCE = 2.5

const KEPT = 20

/** Finding collects what one check sees: `tried` counts, `violation` notes, `check` sums up. */
export type Finding = {
  tried: (count?: number) => void
  violation: (sentence: string) => void
  check: (dose: (tried: number) => string, result: string) => Check
}

/** startFinding begins a check of this guarantee. One that tried nothing is a violation itself: it would always hold. */
export function startFinding(guarantee: string): Finding {
  let count = 0
  let violationCount = 0
  const violations: string[] = []
  const violation = (sentence: string): void => {
    violationCount += 1
    if (violations.length < KEPT) violations.push(sentence)
  }
  return {
    tried: (more = 1) => (count += more),
    violation,
    check: (dose, result) => {
      if (count === 0) violation('nothing was tried')
      return { guarantee, dose: dose(count), result, violations, violationCount }
    }
  }
}

/** hasViolations tells whether any check of it failed. */
export function hasViolations(outcome: Outcome): boolean {
  return outcome.checks.length === 0 || outcome.checks.some(({ violationCount }) => violationCount > 0)
}

/** TapReport is the verdict on one TAP stream: `failures` is empty only when every planned test ran and passed. */
export type TapReport = { tests: number; failures: string[] }

/**
 * judgeTap reads the lines of one TAP stream (https://testanything.org/tap-version-12-specification.html). A `not ok` that is no TODO,
 * a missing plan, an empty plan, two plans, and a number of tests other than the planned one are failures; each `not ok`
 * carries the diagnostic lines below it.
 */
export function judgeTap(lines: string[]): TapReport {
  const failures: string[] = []
  const plans: number[] = []
  let tests = 0
  let collecting = false
  for (const line of lines) {
    const plan = /^1\.\.(\d+)/.exec(line)
    if (plan) plans.push(Number(plan[1]))
    if (/^(not )?ok\b/.test(line)) tests += 1
    const failed = /^not ok\b/.test(line) && !/# TODO\b/.test(line)
    if (failed) failures.push(line)
    else if (collecting && line.startsWith('#')) failures[failures.length - 1] += `\n${line}`
    collecting = failed || (collecting && line.startsWith('#'))
  }
  const planned = plans[0]
  if (planned === undefined) failures.push('There is no plan: select plan(n) first, or no_plan() and finish().')
  else if (plans.length > 1) failures.push(`There are ${plans.length} plans.`)
  else if (planned === 0) failures.push('The plan is empty.')
  else if (planned !== tests) failures.push(`${planned} tests were planned, ${tests} ran.`)
  return { tests, failures }
}

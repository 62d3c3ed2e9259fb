import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { hasViolations, type Outcome } from './suite.ts'

const PAGE = resolve(import.meta.dirname, '..', '..', 'docs', 'evidence.md')

/** tableOf is an outcome as a Markdown table; it reads well on a terminal too. */
export function tableOf({ checks }: Outcome): string {
  const rows = checks.map(({ guarantee, dose, result, violationCount }) => [
    guarantee, dose, result, violationCount === 0 ? 'held' : `**${violationCount} violations**`
  ])
  return [['guarantee', 'dose', 'seen', ''], ['---', '---', '---', '---'], ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n')
}

/** violationsOf lists what did not hold, a line each; empty when all did. */
export function violationsOf({ checks }: Outcome): string[] {
  return checks.flatMap(({ guarantee, violations, violationCount }) => [
    ...violations.map((violation) => `✗ ${guarantee}: ${violation}`),
    ...(violationCount > violations.length ? [`  … and ${violationCount - violations.length} more of it`] : [])
  ])
}

/** commandOf is the command that runs this suite with this seed again. */
export function commandOf({ suite, seed, short }: Outcome): string {
  return `npm run evidence -- ${suite} --seed ${seed}${short ? ' --short' : ''}`
}

/**
 * keepInPage replaces what docs/evidence.md says of this suite, between its two marks. Throws Error when the marks are
 * missing, and for a short dose: the page shows full ones.
 */
export function keepInPage(outcome: Outcome, machine: string, day: string): void {
  if (outcome.short) throw new Error('docs/evidence.md keeps full results only.')
  const page = readFileSync(PAGE, 'utf8')
  const [begin, end] = [`<!-- ${outcome.suite}: begin -->`, `<!-- ${outcome.suite}: end -->`]
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`docs/evidence.md has no marks for ${outcome.suite}.`)
  const seconds = outcome.seconds < 120 ? `${outcome.seconds.toFixed(0)} s` : `${(outcome.seconds / 60).toFixed(1)} min`
  const text = [
    begin,
    `\`${commandOf(outcome)}\` · ${day} · ${seconds} on ${machine} · ${hasViolations(outcome) ? '**violations**' : 'no violation'}`,
    '',
    tableOf(outcome),
    ''
  ].join('\n')
  writeFileSync(PAGE, page.slice(0, from) + text + page.slice(to))
}

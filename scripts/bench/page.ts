import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chartOf } from './chart.ts'
import type { Outcome } from './suite.ts'
import { ratesTable, ratiosTable } from './table.ts'

/** commandOf is the command that runs this suite again, in the same order of its ways. */
export function commandOf({ suite, seed, quick }: Pick<Outcome, 'suite' | 'seed' | 'quick'>): string {
  return `npm run bench -- ${suite} --seed ${seed}${quick ? ' --quick' : ''}`
}

/**
 * keep writes an outcome into a folder: `performance/<suite>.json` with every round, `performance/<suite>.svg`, and the
 * suite's part of `performance.md`, between its two marks. Throws Error when the page has no such marks.
 */
export function keep(outcome: Outcome, folder: string): void {
  const path = join(folder, 'performance.md')
  const page = withSection(readFileSync(path, 'utf8'), outcome)
  mkdirSync(join(folder, 'performance'), { recursive: true })
  writeFileSync(join(folder, 'performance', `${outcome.suite}.json`), `${JSON.stringify(outcome, null, 1)}\n`)
  writeFileSync(join(folder, 'performance', `${outcome.suite}.svg`), chartOf(`${outcome.suite}: ratios`, outcome.measured))
  writeFileSync(path, page)
}

/** withSection replaces what a page says of a suite. */
export function withSection(page: string, outcome: Outcome): string {
  const [begin, end] = [`<!-- ${outcome.suite}: begin -->`, `<!-- ${outcome.suite}: end -->`]
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`performance.md has no marks for ${outcome.suite}.`)
  return `${page.slice(0, from)}${begin}\n${sectionOf(outcome)}\n${page.slice(to)}`
}

function sectionOf(outcome: Outcome): string {
  const { suite, measured, method, limits, leftOut } = outcome
  return [
    conditionsOf(outcome),
    '',
    ...(measured.length === 0 ? [] : [`![Ratios of ${suite}](performance/${suite}.svg)`, '', ratiosTable(measured), '']),
    ...bullets('How', method),
    ...bullets('What limits them', limits),
    ...bullets('Left out', leftOut),
    '<details><summary>Rates of every way</summary>',
    '',
    ratesTable(measured),
    '',
    '</details>',
    ...(outcome.appendix === undefined ? [] : ['', '<details><summary>Profile</summary>', '', outcome.appendix, '', '</details>'])
  ].join('\n')
}

/** conditionsOf tells in a few sentences what the figures were taken on, and how. */
export function conditionsOf(outcome: Outcome): string {
  const { rounds, warmupMs, durationMs, day, machine, settings, seconds, suite } = outcome
  const { cpu, cores, memoryGib, platform, node, flushesPerSecond } = machine
  const length = seconds < 120 ? `${seconds.toFixed(0)} s` : `${(seconds / 60).toFixed(1)} min`
  return [
    `\`${commandOf(outcome)}\` · ${day} · ${length} · every round in [${suite}.json](performance/${suite}.json).`,
    `${rounds} rounds; in each, every way runs ${ms(durationMs)} after ${ms(warmupMs)} of warm-up, in an order that changes.`,
    `Machine: ${cores} cores (${cpu}), ${memoryGib} GiB, ${platform}, Node ${node}; one 8 kB write is durable ${flushesPerSecond.toLocaleString('en-US')} times a second.`,
    `Postgres: ${Object.entries(settings).map(([name, value]) => `\`${name} = ${value}\``).join(', ')}.`
  ].join('\n')
}

function ms(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds} ms` : `${milliseconds / 1000} s`
}

function bullets(title: string, sentences: readonly string[]): string[] {
  return sentences.length === 0 ? [] : [`**${title}**`, '', ...sentences.map((sentence) => `- ${sentence}`), '']
}

import type { Measured, Ratio } from './comparison.ts'

/** ratiosTable is the ratios of a suite in Markdown: the median of the rounds, what they lay between, and the target. */
export function ratiosTable(measured: readonly Measured[]): string {
  const rows = measured.flatMap(({ title, ratios }) =>
    ratios.map((ratio) => [
      title, ratio.of, ratio.to, `**${times(ratio.median)}**`, `${times(ratio.least)} to ${times(ratio.most)}`, verdict(ratio)
    ])
  )
  return table(['setting', 'this', 'to that', 'ratio', 'rounds', 'target'], rows)
}

/** ratesTable is every way of every comparison in Markdown: medians of its rounds. */
export function ratesTable(measured: readonly Measured[]): string {
  const rows = measured.flatMap(({ title, ways }) =>
    ways.map(({ name, perSecond, p50Ms, p99Ms }) => [
      title, name, Math.round(perSecond).toLocaleString('en-US'), p50Ms.toFixed(2), p99Ms.toFixed(2)
    ])
  )
  return table(['setting', 'way', 'per second', 'p50 ms', 'p99 ms'], rows)
}

/** verdict tells a target as met, or missed by how much of it. */
export function verdict({ median, target }: Pick<Ratio, 'median' | 'target'>): string {
  if (target === null) return '–'
  if (median >= target) return `≥ ${times(target)} met`
  return `≥ ${times(target)} missed by ${((1 - median / target) * 100).toFixed(0) === '0' ? 'under 1' : ((1 - median / target) * 100).toFixed(0)} %`
}

/** times writes a ratio with as many digits as it can bear. */
export function times(ratio: number): string {
  return `${ratio.toFixed(ratio >= 10 ? 1 : ratio >= 0.1 ? 2 : 3)}×`
}

function table(head: string[], rows: string[][]): string {
  return [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n')
}

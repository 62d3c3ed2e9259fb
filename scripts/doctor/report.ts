import type { Check } from '../../server/src/db/functions/check-invariants.ts'

const TITLES = ['', 'check', 'violations', 'example']

/** tableOf writes the checks as aligned lines, the first of them titles. An example ends with … where it passes `width`. */
export function tableOf(checks: readonly Check[], width: number): string[] {
  const rows = [TITLES, ...checks.map((check) => [check.violations === 0 ? '✓' : '✗', check.name, String(check.violations), oneLine(check.example ?? '')])]
  const widths = TITLES.map((_, column) => Math.max(...rows.map((row) => lengthOf(row[column] ?? ''))))
  return rows.map((row) => {
    const cells = row.map((cell, column) => {
      const blanks = ' '.repeat((widths[column] ?? 0) - lengthOf(cell))
      // Numbers stand right, and so does their title.
      return column === 2 ? blanks + cell : cell + blanks
    })
    return cut(cells.join('  ').trimEnd(), width)
  })
}

/** sumOf is the last line: "all 14 checks hold", or "2 of 14 checks are violated". */
export function sumOf(checks: readonly Check[]): string {
  const violated = checks.filter(({ violations }) => violations > 0).length
  if (violated === 0) return `all ${checks.length} checks hold`
  return `${violated} of ${checks.length} checks ${violated === 1 ? 'is' : 'are'} violated`
}

// What the database quotes may come from outside: a line break or an escape sequence must not reach the terminal.
function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ')
}

function cut(line: string, width: number): string {
  const letters = [...line]
  return letters.length <= width ? line : `${letters.slice(0, Math.max(0, width - 1)).join('')}…`
}

function lengthOf(text: string): number {
  return [...text].length
}

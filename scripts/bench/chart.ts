import type { Measured } from './comparison.ts'
import { times } from './table.ts'

const WIDTH = 860
const LEFT = 4
const NUMBER_WIDTH = 70
const ROW_HEIGHT = 38
const TOP = 28

/** Bar is one ratio as it is drawn. */
type Bar = { label: string; median: number; least: number; most: number; target: number | null }

/**
 * chartOf draws the ratios of a suite as an SVG picture that reads on light and dark pages: a bar per ratio, a thin line for
 * what its rounds lay between, a mark for its target. The scale is logarithmic where the ratios differ more than tenfold.
 */
export function chartOf(title: string, measured: readonly Measured[]): string {
  const bars = measured.flatMap(({ title: setting, ratios }) =>
    ratios.map(({ of, to, ...ratio }) => ({ label: `${setting}: ${of} / ${to}`, ...ratio }))
  )
  const height = TOP + bars.length * ROW_HEIGHT + 12
  const scale = scaleOf(bars)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escape(title)}">`,
    '<style>text{font:12px system-ui,sans-serif;fill:#57606a}.title{font-weight:600}.bar{fill:#4c8dae}.range{stroke:#57606a}.target{stroke:#c2571a;stroke-width:2}' +
      '@media (prefers-color-scheme:dark){text{fill:#a8b1bb}.range{stroke:#c9d1d9}.target{stroke:#f0883e}}</style>',
    `<text class="title" x="4" y="16">${escape(title)}</text>`,
    ...bars.flatMap((bar, index) => drawBar(bar, TOP + index * ROW_HEIGHT, scale)),
    '</svg>',
    ''
  ].join('\n')
}

type Scale = (value: number) => number

/** scaleOf answers where on the picture a ratio lies. */
function scaleOf(bars: readonly Bar[]): Scale {
  const values = bars.flatMap(({ least, most, target }) => [least, most, ...(target === null ? [] : [target])])
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const room = WIDTH - LEFT - NUMBER_WIDTH
  if (most / least <= 10) return (value) => LEFT + (value / most) * room
  const from = Math.log(least / 1.5)
  return (value) => LEFT + ((Math.log(value) - from) / (Math.log(most) - from)) * room
}

function drawBar({ label, median, least, most, target }: Bar, top: number, scale: Scale): string[] {
  const middle = top + 26
  const x = (value: number): string => scale(value).toFixed(1)
  return [
    `<text x="${LEFT}" y="${top + 13}">${escape(label)}</text>`,
    `<rect class="bar" x="${LEFT}" y="${middle - 6}" width="${(scale(median) - LEFT).toFixed(1)}" height="12" rx="2"/>`,
    `<line class="range" x1="${x(least)}" x2="${x(most)}" y1="${middle}" y2="${middle}"/>`,
    ...(target === null ? [] : [`<line class="target" x1="${x(target)}" x2="${x(target)}" y1="${middle - 9}" y2="${middle + 9}"/>`]),
    `<text x="${(scale(Math.max(most, target ?? 0)) + 6).toFixed(1)}" y="${middle + 4}">${times(median)}</text>`
  ]
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

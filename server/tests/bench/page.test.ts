import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { chartOf } from '../../../scripts/bench/chart.ts'
import { costsOf } from '../../../scripts/bench/http/profile.ts'
import { readAnswer, requestOf } from '../../../scripts/bench/http/load.ts'
import { summarise } from '../../../scripts/bench/comparison.ts'
import { keep, withSection } from '../../../scripts/bench/page.ts'
import { type Outcome, SUITES } from '../../../scripts/bench/suite.ts'
import { ratesTable, ratiosTable, verdict } from '../../../scripts/bench/table.ts'
import { ROOT } from '../support/repository.ts'

const round = (perSecond: number) => ({ perSecond, calls: 10, p50Ms: 1.234, p99Ms: 9.876, maxMs: 20 })
const measured = [
  summarise('cold, 64 callers', [
    { name: 'ours | <new>', rounds: [round(3_600), round(1_800), round(3_800)] },
    { name: 'bare', rounds: [round(1_000), round(500), round(1_000)] }
  ], [{ of: 'ours | <new>', to: 'bare', target: 4 }])
]
const outcome: Outcome = {
  suite: 'single', seed: '5', quick: false, rounds: 3, warmupMs: 300, durationMs: 1_000, seconds: 42, day: '2026-01-02',
  machine: { cpu: 'a processor', cores: 2, memoryGib: 8, platform: 'linux x64', node: '24.0.0', flushesPerSecond: 6_000 },
  settings: { fsync: 'on' }, measured, method: ['as it was done'], limits: ['what limits it'], leftOut: ['Redis: not there']
}

test('the ratios say median, rounds and by how much a target is missed', () => {
  expect(ratiosTable(measured).split('\n')).toEqual([
    '| setting | this | to that | ratio | rounds | target |',
    '| --- | --- | --- | --- | --- | --- |',
    '| cold, 64 callers | ours \\| <new> | bare | **3.60×** | 3.60× to 3.80× | ≥ 4.00× missed by 10 % |'
  ])
  expect(ratesTable(measured)).toContain('| cold, 64 callers | bare | 1,000 | 1.23 | 9.88 |')
})

test.each([
  [0.75, 0.75, '≥ 0.75× met'], [0.7499, 0.75, '≥ 0.75× missed by under 1 %'], [10, 20, '≥ 20.0× missed by 50 %'], [1, null, '–']
])('%d against a target of %d is %s', (median, target, sentence) => {
  expect(verdict({ median, target })).toBe(sentence)
})

test('the chart is a picture with a bar, a range and a target per ratio, and nothing of a name is taken for markup', () => {
  const svg = chartOf('single', measured)
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"[\s\S]*<\/svg>\n$/)
  expect(['class="bar"', 'class="range"', 'class="target"'].map((part) => svg.split(part).length - 1)).toEqual([1, 1, 1])
  expect(svg).toContain('ours | &lt;new&gt;')
  expect(svg).not.toContain('<new>')
  expect(svg).not.toContain('NaN')
})

test('a chart of ratios far apart keeps their order and stays inside the picture', () => {
  const far = summarise('hot', [
    { name: 'a', rounds: [round(1)] }, { name: 'b', rounds: [round(50)] }, { name: 'c', rounds: [round(2)] }
  ], [{ of: 'b', to: 'a', target: 20 }, { of: 'c', to: 'a', target: null }, { of: 'a', to: 'c', target: null }])
  const widths = [...chartOf('batch', [far]).matchAll(/class="bar"[^>]* width="([\d.-]+)"/g)].map((match) => Number(match[1]))
  expect(widths).toHaveLength(3)
  expect(widths.every((width) => width > 0 && width < 860)).toBe(true)
  expect(widths[0]).toBeGreaterThan(widths[1] ?? 0)
  expect(widths[1]).toBeGreaterThan(widths[2] ?? 0)
})

test('the page has marks for every suite, and keeps what stands outside them', () => {
  const page = readFileSync(join(ROOT, 'docs', 'performance.md'), 'utf8')
  for (const suite of SUITES) {
    const changed = withSection(page, { ...outcome, suite })
    expect(changed).toContain(`npm run bench -- ${suite} --seed 5`)
    expect(changed.slice(0, changed.indexOf(`<!-- ${suite}: begin -->`))).toBe(page.slice(0, page.indexOf(`<!-- ${suite}: begin -->`)))
    expect(changed.slice(changed.indexOf(`<!-- ${suite}: end -->`))).toBe(page.slice(page.indexOf(`<!-- ${suite}: end -->`)))
    expect(withSection(changed, { ...outcome, suite })).toBe(changed)
  }
  expect(() => withSection('no marks', outcome)).toThrow('no marks for single')
})

test('what is kept: the page, the picture and every round', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-bench-test-'))
  try {
    copyFileSync(join(ROOT, 'docs', 'performance.md'), join(folder, 'performance.md'))
    keep(outcome, folder)
    const page = readFileSync(join(folder, 'performance.md'), 'utf8')
    for (const part of ['![Ratios of single](performance/single.svg)', '2 cores (a processor)', '`fsync = on`', '- Redis: not there', '- what limits it']) {
      expect(page).toContain(part)
    }
    expect(JSON.parse(readFileSync(join(folder, 'performance', 'single.json'), 'utf8'))).toEqual(outcome)
    expect(readFileSync(join(folder, 'performance', 'single.svg'), 'utf8')).toContain('3.60×')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('an HTTP answer is read when it is whole, and not without its length', () => {
  const whole = Buffer.from('HTTP/1.1 402 Payment Required\r\nX: y\r\ncontent-length: 6\r\n\r\nb\u00f6dy!')
  expect(readAnswer(whole)).toEqual({ status: 402, body: 'b\u00f6dy!' })
  for (let length = 0; length < whole.length; length += 1) expect(readAnswer(whole.subarray(0, length))).toBeNull()
  expect(() => readAnswer(Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'))).toThrow('without Content-Length')
  expect(requestOf('POST', '/a', { B: 'c' }, '\u00f6').toString()).toBe('POST /a HTTP/1.1\r\nHost: localhost\r\nB: c\r\nContent-Length: 2\r\n\r\n\u00f6')
})

test('a profile is summed up without idle time and outside its moments', () => {
  const frame = (id: number, functionName: string, url: string) => ({ id, callFrame: { functionName, url, lineNumber: 9 } })
  const profile = {
    nodes: [
      frame(1, '(idle)', ''), frame(2, 'next', 'file:///x/node_modules/router/index.js'), frame(3, 'decide', 'file:///x/server/src/db/a.ts'),
      frame(4, 'get', 'file:///x/node_modules/@a/b/c.js')
    ],
    samples: [2, 1, 3, 3, 4, 2],
    timeDeltas: [1_000, 1_000, 1_000, 1_000, 2_000, 5_000]
  }
  const { functions, parts } = costsOf(profile, 0, 10)
  expect(functions).toEqual([
    { name: 'decide server/src/db/a.ts:10', share: 0.4 }, { name: 'get @a/b/c.js:10', share: 0.4 }, { name: 'next router/index.js:10', share: 0.2 }
  ])
  expect(parts.map(({ name }) => name)).toEqual(['server/src/db', '@a/b', 'router'])
})

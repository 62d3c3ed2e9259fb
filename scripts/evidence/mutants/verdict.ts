import { type Check, startFinding } from '../suite.ts'
import type { Mutant } from './mutant.ts'

/**
 * Verdict is what became of a mutant: `caught` by a test, `survived` all there are, or `void`: it says nothing, because its
 * text is gone, it cannot run, or its tests fail without it. `detail` is the test or the reason.
 */
export type Verdict = { verdict: 'caught' | 'survived' | 'void'; detail: string }

/** Judged is a mutant with its verdict. */
export type Judged = Verdict & Pick<Mutant, 'id' | 'guard' | 'survives'>

/** LEAST_SHARE is how many of all mutants the tests must catch. */
export const LEAST_SHARE = 0.95

/** judge makes the checks of a mutation run. `red` are the sentences about tests that fail without any mutant. */
export function judge(judged: readonly Judged[], red: readonly string[], testRuns: number): Check[] {
  return [checkTests(red, testRuns), checkList(judged), checkShare(judged), checkSurvivors(judged)]
}

function checkTests(red: readonly string[], testRuns: number): Check {
  const finding = startFinding('the tests that are to catch pass while every guard is in place')
  finding.tried(testRuns)
  for (const sentence of red) finding.violation(sentence)
  return finding.check((count) => `${count} runs of tests`, `${testRuns - red.length} pass`)
}

function checkList(judged: readonly Judged[]): Check {
  const finding = startFinding('each guard of the list is where it says, and what is left without it still runs')
  for (const { id, verdict, detail } of judged) {
    finding.tried()
    if (verdict === 'void') finding.violation(`${id}: ${detail}`)
  }
  return finding.check((count) => `${count} mutants`, `${judged.filter(({ verdict }) => verdict !== 'void').length} applied`)
}

function checkShare(judged: readonly Judged[]): Check {
  const finding = startFinding(`the tests notice the absence of at least ${LEAST_SHARE * 100} % of the guards`)
  const caught = judged.filter(({ verdict }) => verdict === 'caught').length
  const share = judged.length === 0 ? 0 : caught / judged.length
  finding.tried(judged.length)
  if (share < LEAST_SHARE) finding.violation(`${caught} of ${judged.length} are noticed, ${percent(share)}`)
  return finding.check((count) => `${count} mutants, one at a time`, `${caught} noticed, ${percent(share)}`)
}

function checkSurvivors(judged: readonly Judged[]): Check {
  const finding = startFinding('a guard whose absence no test notices is one that is known and explained')
  const explained: string[] = []
  for (const { id, verdict, detail, guard, survives } of judged) {
    finding.tried()
    if (verdict === 'survived' && survives === undefined) finding.violation(`nobody notices that ${id} is gone: ${guard}`)
    if (verdict === 'survived' && survives !== undefined) explained.push(`${id} (${survives})`)
    if (verdict === 'caught' && survives !== undefined) finding.violation(`${id} is said to survive, and is noticed by "${detail}"`)
  }
  const survivors = judged.filter(({ verdict }) => verdict === 'survived').length
  const known = explained.length === 0 ? '' : `: ${explained.join('; ')}`
  return finding.check(() => `${survivors} survivors`, `${explained.length} explained${known}`)
}

function percent(share: number): string {
  return `${(Math.floor(share * 1000) / 10).toFixed(1)} %`
}

import { resolve } from 'node:path'
import { seededRandom, shuffled } from '../twin/random.ts'
import { runMutants } from './mutants/run.ts'
import { ALL_MUTANTS } from './mutants/all.ts'
import { isSql, type Mutant } from './mutants/mutant.ts'
import { judge } from './mutants/verdict.ts'
import type { Suite } from './suite.ts'

const ROOT = resolve(import.meta.dirname, '..', '..')
const WORKERS = 2

/**
 * mutants checks the checker: it takes guards out of a copy of the code one at a time and runs the tests that should notice.
 * The short dose is one guard of the database and one of the server, drawn from those whose tests are quick.
 */
export const mutants: Suite = async ({ seed, short, progress }) => {
  const random = seededRandom(seed)
  const chosen = short ? draw(random.next) : ALL_MUTANTS
  const { judged, red, testRuns } = await runMutants({ root: ROOT, mutants: chosen, workers: WORKERS, wide: !short, progress })
  return judge(judged, red, testRuns)
}

function draw(random: () => number): Mutant[] {
  const quick = shuffled(ALL_MUTANTS.filter((mutant) => mutant.quick === true), random)
  return [quick.find(isSql), quick.find((mutant) => !isSql(mutant))].filter((mutant) => mutant !== undefined)
}

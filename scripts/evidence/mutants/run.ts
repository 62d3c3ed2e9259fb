import { type JestRun, runJest } from './jest-run.ts'
import { editOf, isSql, type Mutant, NO_CHANGE, type Tests } from './mutant.ts'
import { copyTree, type Tree } from './tree.ts'
import type { Judged, Verdict } from './verdict.ts'

const NARROW_MS = 240_000
const WIDE_MS = 1_200_000

// What is run before a mutant may be called a survivor.
const WIDE_SQL = ['server/tests/pgtap.test.ts', 'server/tests/db/']
const WIDE_TYPESCRIPT = ['server/tests/server/', 'server/tests/http/', 'server/tests/llm/', 'server/tests/billing/']

/** MutationRun: `red` are tests that fail without any mutant, of `testRuns` runs; both before the first guard is taken out. */
export type MutationRun = { judged: Judged[]; red: string[]; testRuns: number }

/**
 * runMutants takes the guards out one at a time, in copies of the tree at `root`, and tells which of them the tests miss.
 * `workers` copies are worked on at once. With `wide` a mutant that nobody explains is tried with all tests, which takes
 * minutes, before it is called a survivor.
 */
export async function runMutants(options: {
  root: string
  mutants: readonly Mutant[]
  workers: number
  wide: boolean
  progress: (line: string) => void
}): Promise<MutationRun> {
  const { root, mutants, progress } = options
  const trees: Tree[] = []
  try {
    trees.push(copyTree(root))
    // Of the first copy, not of the tree: it may be worked on meanwhile.
    for (const tree of trees.slice(0, 1)) while (trees.length < options.workers) trees.push(copyTree(tree.root))

    const sets = testSets(mutants)
    const red = new Map<string, string>()
    let tested = 0
    await share(trees, sets, async (tree, set) => {
      const fault = await whyRed(tree, set)
      if (fault !== null) red.set(set.path, fault)
      progress(`tests ${(tested += 1)} of ${sets.length}: ${set.path}${fault === null ? '' : ` fails: ${fault}`}`)
    })

    const judged: Judged[] = []
    await share(trees, mutants, async (tree, mutant) => {
      const verdict = await verdictOf(tree, mutant, red, options.wide)
      judged.push({ ...verdict, id: mutant.id, guard: mutant.guard, ...(mutant.survives !== undefined && { survives: mutant.survives }) })
      progress(`${judged.length} of ${mutants.length}: ${mutant.id} ${verdict.verdict}: ${verdict.detail}`)
    })
    const order = new Map(mutants.map(({ id }, index) => [id, index]))
    judged.sort((one, other) => (order.get(one.id) ?? 0) - (order.get(other.id) ?? 0))
    return { judged, red: [...red].map(([path, fault]) => `${path}: ${fault}`), testRuns: sets.length }
  } finally {
    for (const tree of trees) tree.remove()
  }
}

/** share lets each tree take the next entry as soon as it is free. */
async function share<Entry>(trees: readonly Tree[], entries: readonly Entry[], work: (tree: Tree, entry: Entry) => Promise<void>): Promise<void> {
  const left = [...entries]
  await Promise.all(
    trees.map(async (tree) => {
      for (let entry = left.shift(); entry !== undefined; entry = left.shift()) await work(tree, entry)
    })
  )
}

/** testSets are all tests the mutants name, a run per file. */
function testSets(mutants: readonly Mutant[]): Tests[] {
  const sets = new Map<string, Tests & { names: Set<string> | null }>()
  for (const tests of mutants.flatMap((mutant) => mutant.tests)) {
    const known = sets.get(tests.path) ?? { ...tests, names: new Set<string>() }
    if (tests.name === undefined) known.names = null
    else known.names?.add(`(?:${tests.name})`)
    sets.set(tests.path, known)
  }
  return [...sets.values()].map(({ path, withoutDatabase, names }) => ({
    path,
    ...(names !== null && { name: [...names].join('|') }),
    ...(withoutDatabase !== undefined && { withoutDatabase })
  }))
}

async function whyRed(tree: Tree, { path, ...tests }: Tests): Promise<string | null> {
  const undo = tree.apply(NO_CHANGE)
  try {
    const run = await runJest({ root: tree.root, paths: [path], ...tests, workers: 1, timeoutMs: WIDE_MS })
    return run.broken ?? run.failures[0]?.name ?? null
  } finally {
    undo()
  }
}

async function verdictOf(tree: Tree, mutant: Mutant, red: ReadonlyMap<string, string>, wide: boolean): Promise<Verdict> {
  const source = tree.read(mutant.file)
  const edit = source === null ? `${mutant.file} is not there` : editOf(mutant, source)
  if (typeof edit === 'string') return { verdict: 'void', detail: edit }
  const undo = tree.apply(edit)
  try {
    for (const { path, ...tests } of mutant.tests) {
      const fault = red.get(path)
      if (fault !== undefined) return { verdict: 'void', detail: `its tests fail without it: ${fault}` }
      const run = await runJest({ root: tree.root, paths: [path], ...tests, workers: 1, timeoutMs: NARROW_MS })
      const verdict = noticed(run)
      if (verdict !== null) return verdict
    }
    if (wide && mutant.survives === undefined) {
      const paths = isSql(mutant) ? WIDE_SQL : WIDE_TYPESCRIPT
      const verdict = noticed(await runJest({ root: tree.root, paths, workers: 2, timeoutMs: WIDE_MS }))
      if (verdict !== null) return verdict
    }
    return { verdict: 'survived', detail: wide && mutant.survives === undefined ? 'all tests' : 'the tests it names' }
  } finally {
    undo()
  }
}

function noticed({ broken, failures }: JestRun): Verdict | null {
  if (broken !== null) return { verdict: 'void', detail: broken }
  const [first] = failures
  return first === undefined ? null : { verdict: 'caught', detail: first.name }
}

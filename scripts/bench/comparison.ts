import { median, ordersOf, pairedRatios, type Spread, spreadOf } from './arithmetic.ts'
import type { Sample, Times } from './closed-loop.ts'

/** Way is one way of doing the same thing. It is opened once, measured in every round, and closed. */
export type Way = { name: string; open(): Promise<OpenWay> }
export type OpenWay = { measure(times: Times): Promise<Sample>; close(): Promise<void> }

/** Wanted is a ratio to print: calls per second of one way, to those of another; `target` null = none was set. */
export type Wanted = { of: string; to: string; target: number | null }

/** Comparison is a set of ways that run in turn; its title tells the setting (cold, 64 callers). */
export type Comparison = { title: string; ways: Way[]; wanted: Wanted[] }

/** MeasuredWay: the medians of its rounds, and each round. */
export type MeasuredWay = { name: string; perSecond: number; p50Ms: number; p99Ms: number; rounds: Sample[] }

/** Ratio is the median of the ratios of single rounds, what they lay between, and each of them. */
export type Ratio = Wanted & Spread & { rounds: number[] }

/** Measured is a finished comparison. */
export type Measured = { title: string; ways: MeasuredWay[]; ratios: Ratio[] }

/** Schedule: how many rounds, in an order drawn from `seed`, of what length. */
export type Schedule = Times & { rounds: number; seed: string; progress: (line: string) => void }

/** compare measures every way once per round, in an order that changes. */
export async function compare(comparison: Comparison, schedule: Schedule): Promise<Measured> {
  const { title, ways, wanted } = comparison
  const open: OpenWay[] = []
  try {
    for (const way of ways) open.push(await way.open())
    const samples = await alternate(ways.map(({ name }) => name), title, schedule, (index) => measureOne(open, index, schedule))
    return summarise(title, samples, wanted)
  } finally {
    for (const way of open.toReversed()) await way.close()
  }
}

/** Samples are the rounds of each way, in the order of the ways. */
export type Samples = { name: string; rounds: Sample[] }[]

/** alternate runs the rounds: `measure` takes the index of a way. */
export async function alternate(
  names: readonly string[],
  title: string,
  schedule: Schedule,
  measure: (index: number) => Promise<Sample>
): Promise<Samples> {
  const samples: Samples = names.map((name) => ({ name, rounds: [] }))
  for (const [round, order] of ordersOf(names.length, schedule.rounds, `${schedule.seed}:${title}`).entries()) {
    for (const index of order) {
      const way = samples[index]
      if (way === undefined) throw new Error(`There is no way ${index}.`)
      schedule.progress(`${title} · round ${round + 1}/${schedule.rounds} · ${way.name}`)
      way.rounds.push(await measure(index))
    }
  }
  return samples
}

/** summarise takes the medians. Throws Error when a wanted ratio names a way that was not measured. */
export function summarise(title: string, samples: Samples, wanted: readonly Wanted[]): Measured {
  const ratesOf = (name: string): number[] => {
    const way = samples.find((candidate) => candidate.name === name)
    if (way === undefined) throw new Error(`${title}: "${name}" was not measured.`)
    return way.rounds.map(({ perSecond }) => perSecond)
  }
  return {
    title,
    ways: samples.map(({ name, rounds }) => ({
      name,
      perSecond: median(rounds.map(({ perSecond }) => perSecond)),
      p50Ms: median(rounds.map(({ p50Ms }) => p50Ms)),
      p99Ms: median(rounds.map(({ p99Ms }) => p99Ms)),
      rounds
    })),
    ratios: wanted.map((ratio) => {
      const rounds = pairedRatios(ratesOf(ratio.of), ratesOf(ratio.to))
      return { ...ratio, ...spreadOf(rounds), rounds }
    })
  }
}

async function measureOne(open: readonly OpenWay[], index: number, times: Times): Promise<Sample> {
  const way = open[index]
  if (way === undefined) throw new Error(`There is no way ${index}.`)
  return way.measure(times)
}

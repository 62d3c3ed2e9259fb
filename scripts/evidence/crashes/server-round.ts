import { seededRandom, shuffled } from '../../twin/random.ts'
import type { SuiteOptions } from '../suite.ts'
import { allDone } from './all-done.ts'
import { OPERATION_POINTS, OPERATION_WORKER_POINTS } from './operation-points.ts'
import { type Point, POINTS } from './points.ts'
import { RETRY_POINTS, SWEEPER_POINTS } from './worker-points.ts'
import type { LoadedLane, Service, World } from './world.ts'

const SWEEPER_TURNS = 2
// What a short dose has of the rest, beside the five points of a delivery and an answer that are always in it.
const SHORT_EXTRA = 4
const ALWAYS = ['delivery, before the insert', 'delivery, after the insert', 'delivery, after the effect', 'delivery, after the commit, before the ack', 'answer, mid-stream']

/**
 * killServers is one round: in every lane each point in a seeded order, and beside them the points of the worker. In a short
 * dose the lanes share one ending of some points. It answers what is to be asked again when reservations are released.
 */
export async function killServers(world: World, service: Service, name: string, { seed, short, progress }: SuiteOptions): Promise<(() => Promise<unknown>)[]> {
  const random = seededRandom(`${seed} ${name}`)
  const all = [...POINTS, ...RETRY_POINTS, ...OPERATION_POINTS]
  const allOfWorkers = [...SWEEPER_POINTS, ...OPERATION_WORKER_POINTS]
  const chosen = short ? selection(all, random.next) : all
  const working = short ? shuffled(allOfWorkers, random.next).slice(0, 1) : Array.from({ length: SWEEPER_TURNS }, () => allOfWorkers).flat()
  const unanswered: (() => Promise<unknown>)[] = []

  const runLane = async ({ lane, room, name: own }: LoadedLane, points: readonly Point[]): Promise<void> => {
    for (const [index, point] of points.entries()) {
      const scene = { ...world, lane, room, name: `${own}_${index}`, random: seededRandom(`${seed} ${own} ${index}`) }
      const left = await point.run(scene)
      if (left !== null) unanswered.push(() => left.untilDone(lane))
      progress(`crashes: ${killCount(world)} killed, last ${point.name}`)
    }
  }
  const runWorker = async ({ lane, room }: LoadedLane): Promise<void> => {
    for (const [index, point] of shuffled(working, random.next).entries()) {
      const own = `${name}_worker_${index}`
      await point.run({ ...world, lane, room, name: own, random: seededRandom(`${seed} ${own}`) }, service.worker)
    }
  }
  const { lanes } = service
  const order = shuffled(chosen, random.next)
  const shares = lanes.map((_, place) => (short ? order.filter((__, index) => index % lanes.length === place) : shuffled(chosen, random.next)))
  await allDone([...lanes.map((lane, place) => runLane(lane, shares[place] ?? [])), ...lanes.slice(0, 1).map(runWorker)])
  return unanswered
}

/** killCount is how many server processes were killed. */
export function killCount({ tally }: World): number {
  return [...tally.kills.values()].reduce((sum, count) => sum + count, 0)
}

function selection(points: readonly Point[], random: () => number): Point[] {
  const oneOfEach = [...new Map(shuffled(points, random).map((point) => [point.name, point])).values()]
  const isAlways = ({ name }: Point): boolean => ALWAYS.includes(name)
  return [...oneOfEach.filter(isAlways), ...oneOfEach.filter((point) => !isAlways(point)).slice(0, SHORT_EXTRA)]
}

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { freePort } from '../embedded/free-port.ts'
import { seededRandom } from '../twin/random.ts'
import type { Sample } from './closed-loop.ts'
import { type Samples, type Schedule, summarise } from './comparison.ts'
import { ordersOf } from './arithmetic.ts'
import { type BenchGround, settle, withBenchGround } from './ground.ts'
import { drive, type Pool, requestOf, type Traffic, visit } from './http/load.ts'
import { type NodeProcess, startNode } from './http/node-process.ts'
import { startParley } from './http/parley.ts'
import { costsOf, costsTable, readProfile } from './http/profile.ts'
import { accountId, addPlans, addRequests, METRIC, populate, proveLedger } from './population.ts'
import type { BenchSuite } from './suite.ts'

const BASELINE = resolve(import.meta.dirname, 'http', 'baseline.ts')

const CHARGE = 'Parley, POST /api/usage'
const BARE = 'bare Express'
const BARE_JSON = 'bare Express that reads the JSON body'
const NODE = 'node:http alone (what the load generator reaches)'

/** Site is one server, started anew in each round on the port they all share. */
type Site = { name: string; start: () => Promise<NodeProcess> }

/** http measures Parley's quota route through a real server process against bare Express on the same port. */
export const http: BenchSuite = (options) =>
  withBenchGround(async (ground) => {
    const folder = mkdtempSync(join(tmpdir(), 'parley-bench-http-'))
    try {
      const accounts = options.quick ? 500 : 2_000
      options.progress(`loading ${accounts} accounts, signing their tokens`)
      await addPlans(ground.admin)
      await populate(ground.admin, { prefix: 'cold', count: accounts, plan: 'bench', used: 1 })
      await addRequests(ground.admin, 'cold')
      await settle(ground.admin)
      const port = await freePort()
      const pool = poolOf(ground, accounts)
      const baseline = (kind: string): Site['start'] => () =>
        startNode({ arguments: [BASELINE, kind], environment: {}, port, logFile: join(folder, 'baseline.log') })
      const sites: Site[] = [
        { start: () => startParley(ground, port, join(folder, 'parley.log')), name: CHARGE },
        { start: baseline('express'), name: BARE },
        { start: baseline('express-json'), name: BARE_JSON },
        { start: baseline('node'), name: NODE }
      ]
      const connections = [64, 256]
      const samples = await measureSites(sites, pool, connections, options)
      const measured = connections.map((count, index) =>
        summarise(`${count} connections`, samples[index] ?? [], [
          { of: CHARGE, to: BARE, target: count === 64 ? 0.35 : 0.45 },
          { of: CHARGE, to: BARE_JSON, target: null }
        ])
      )
      const appendix = options.profile ? await profileParley(ground, port, folder, pool, options) : ''
      return {
        measured,
        method: [
          `A real server process (\`server/src/main.ts\`) with everything it has in production: ids and a log line per request (into a file), metrics, security headers, rate limits, session, body checks. ${accounts.toLocaleString('en-US')} accounts with a token each (RS256), in random order. Every token is sent once before the measurement: the server verifies it then, and again a minute later, and knows it in between.`,
          'Bare Express is a route that answers a constant object of the same shape, and does nothing else. Both get the same bytes on the same port, one server after the other, in an order that changes; each server is new in each round and warmed up.',
          'The load generator is a process of its own on keep-alive connections, each with one request at a time; it checks every status and the beginning of every body.',
          await proveLedger(ground.admin)
        ],
        limits: [
          'Load generator, server and Postgres share the cores: bare Express shares them with the generator alone, so that the ratio is lower here than where the database has a machine of its own.',
          'The row "node:http alone" is the most this generator asks of anything; what comes near it is limited by the generator.',
          'One server process. Several of them share a machine with more cores, and decide in batches of their own.'
        ],
        leftOut: [],
        ...(appendix !== '' && { appendix })
      }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

function poolOf(ground: BenchGround, accounts: number): Pool {
  const body = JSON.stringify({ metric: METRIC })
  const requests = Array.from({ length: accounts }, (_, index) => {
    const headers = {
      Authorization: `Bearer ${ground.token(accountId('cold', index))}`,
      // Everybody comes from an address of their own, as the rate limits expect it.
      'X-Forwarded-For': `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`,
      'Content-Type': 'application/json'
    }
    return requestOf('POST', '/api/usage', headers, body)
  })
  return { requests, expected: '{"metric":"api_calls"' }
}

function randomly({ requests, expected }: Pool, seed: string): Traffic {
  const random = seededRandom(seed)
  return { next: () => requests[Math.floor(random.next() * requests.length)] ?? Buffer.alloc(0), expected }
}

/** A new process compiles its hot functions during its first second or two. */
const COMPILE_MS = 1_500

/** measureSites answers the samples per number of connections: every site is started once per round. */
async function measureSites(
  sites: readonly Site[],
  pool: Pool,
  connections: readonly number[],
  schedule: Schedule & { quick: boolean }
): Promise<Samples[]> {
  const samples: Samples[] = connections.map(() => sites.map(({ name }) => ({ name, rounds: [] })))
  for (const [round, order] of ordersOf(sites.length, schedule.rounds, schedule.seed).entries()) {
    for (const index of order) {
      const site = sites[index]
      if (site === undefined) throw new Error(`There is no site ${index}.`)
      schedule.progress(`round ${round + 1}/${schedule.rounds} · ${site.name}`)
      const running = await site.start()
      try {
        const traffic = randomly(pool, `${schedule.seed}:${round}`)
        await visit(running.port, pool)
        await drive(running.port, 64, { warmupMs: 0, durationMs: schedule.quick ? 500 : COMPILE_MS }, traffic)
        const counts = [...connections.entries()]
        for (const [which, count] of round % 2 === 0 ? counts : counts.toReversed()) {
          const sample = await drive(running.port, count, schedule, traffic)
          roundsOf(samples[which], site.name).push(sample)
        }
      } finally {
        await running.stop()
      }
    }
  }
  return samples
}

function roundsOf(samples: Samples | undefined, name: string): Sample[] {
  const way = samples?.find((candidate) => candidate.name === name)
  if (way === undefined) throw new Error(`There is no way ${name}.`)
  return way.rounds
}

/** profileParley tells where the time of the server goes while it is fully asked. */
async function profileParley(
  ground: BenchGround,
  port: number,
  folder: string,
  pool: Pool,
  { quick, progress }: { quick: boolean; progress: (line: string) => void }
): Promise<string> {
  progress('profiling')
  const profiles = join(folder, 'profile')
  mkdirSync(profiles)
  const begun = performance.now()
  const server = await startParley(ground, port, join(folder, 'parley.log'), ['--cpu-prof', `--cpu-prof-dir=${profiles}`, '--cpu-prof-interval=250'])
  let from = 0
  let to = 0
  try {
    const traffic = randomly(pool, 'profile')
    await visit(port, pool)
    await drive(port, 64, { warmupMs: 0, durationMs: COMPILE_MS }, traffic)
    from = performance.now() - begun
    await drive(port, 64, { warmupMs: 0, durationMs: quick ? 2_000 : 6_000 }, traffic)
    to = performance.now() - begun
  } finally {
    await server.stop()
  }
  const { functions, parts } = costsOf(readProfile(profiles), from, to)
  return [
    'Where the server spends its time at 64 connections (self time, idle left out):', '',
    costsTable('part', parts, 20), '', costsTable('function', functions, 40)
  ].join('\n')
}

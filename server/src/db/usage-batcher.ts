import { randomUUID } from 'node:crypto'
import { type Database, DatabaseError, DatabaseUnavailable } from './database.ts'
import { checkAndIncrementUsageMany, type UsageVerdict } from './functions/check-and-increment-usage-many.ts'
import type { Decision, Source } from './decision.ts'

/** UsageRequest is one decision to be made; `amount` is 1 when left out, a `requestId` makes it safe to repeat. */
export type UsageRequest = { accountId: string; metric: string; amount?: number; requestId?: string | null } & Source

/**
 * UsageBatcher decides requests together. `decide` throws {@link DatabaseError} for its own request alone, and
 * {@link DatabaseUnavailable} when the database cannot be asked or too many wait already.
 */
export type UsageBatcher = { decide(request: UsageRequest): Promise<Decision> }

type Waiting = {
  request: UsageRequest
  sinceMs: number
  resolve: (decision: Decision) => void
  reject: (error: unknown) => void
}

// Two on their way at a time keep Postgres at work while this process reads answers. More of them are smaller, and cost more than
// they gain (measured with 2 cores for all).
const LANES = 2
// Half of what the function takes: a larger batch holds its counters longer and gains little.
const LARGEST_BATCH = 500
// Some seconds of work; who comes later is better told to come again.
const LONGEST_QUEUE = 10_000
// Who waited longer for a batch that found the database away would wait its whole time limit once more.
const LONGEST_WAIT_MS = 200

/** BatcherOptions: `largestBatch` and `longestQueue` are those of each lane, `now` is a clock in milliseconds. */
export type BatcherOptions = { lanes?: number; largestBatch?: number; longestQueue?: number; now?: () => number }

/**
 * createUsageBatcher batches naturally: a request that finds nothing in flight goes out at once; those that come while a
 * batch is in flight wait for its end and are decided together, in the order in which they came. Every answer is durable,
 * with its ledger row, before anybody has it.
 *
 * There are `lanes` of this kind, and all requests of an account take the same one: no two lanes ever wait for each other's
 * counters, and an account that is held up holds up its own lane alone.
 *
 * Each batch has an id: one whose connection was lost, perhaps after its commit, is sent again (db/retry.ts) and answered by
 * what was decided the first time. One that Postgres refuses as a whole is halved until the request that is at fault stands
 * alone. One that finds the database away speaks for those who waited for it, except for who only just came.
 * See docs/decisions/0012-batches.md.
 */
export function createUsageBatcher(db: Database, { lanes: count = LANES, ...options }: BatcherOptions = {}): UsageBatcher {
  const lanes = Array.from({ length: count }, () => createLane(db, options))
  return {
    decide(request) {
      const lane = lanes[hashOf(request.accountId) % count]
      if (lane === undefined) throw new RangeError('There must be at least one lane.')
      return lane.decide(request)
    }
  }
}

/** hashOf spreads ids over the lanes; that is all it has to do. */
function hashOf(id: string): number {
  let hash = 0
  for (let index = 0; index < id.length; index += 1) hash = (Math.imul(hash, 31) + id.charCodeAt(index)) >>> 0
  return hash
}

function createLane(
  db: Database,
  { largestBatch = LARGEST_BATCH, longestQueue = LONGEST_QUEUE, now = () => performance.now() }: Omit<BatcherOptions, 'lanes'>
): UsageBatcher {
  let queue: Waiting[] = []
  let isRunning = false

  const run = async (): Promise<void> => {
    isRunning = true
    while (queue.length > 0) {
      const batch = queue.slice(0, largestBatch)
      queue = queue.slice(largestBatch)
      const away = await settle(db, batch)
      if (away === null) continue
      const late = queue.filter(({ sinceMs }) => now() - sinceMs > LONGEST_WAIT_MS)
      // In the order in which they came.
      queue = queue.slice(late.length)
      for (const { reject } of late) reject(away)
    }
    isRunning = false
  }

  return {
    decide: (request) =>
      new Promise((resolve, reject) => {
        if (queue.length >= longestQueue) {
          reject(new DatabaseUnavailable(`${longestQueue} decisions wait for the database already.`))
          return
        }
        queue.push({ request, sinceMs: now(), resolve, reject })
        if (!isRunning) void run()
      })
  }
}

/** settle answers everyone in the batch, whatever happens, and returns the error that says that the database is away. */
async function settle(db: Database, batch: Waiting[]): Promise<DatabaseUnavailable | null> {
  try {
    const verdicts = await checkAndIncrementUsageMany(db, argumentsOf(batch))
    for (const [index, waiting] of batch.entries()) answer(waiting, verdicts[index])
    return null
  } catch (error) {
    // Refused as a whole nothing of it was done, and one of them may be the reason. Not so when nobody knows what was done.
    if (error instanceof DatabaseError && batch.length > 1) {
      const half = Math.ceil(batch.length / 2)
      const away = await settle(db, batch.slice(0, half))
      return (await settle(db, batch.slice(half))) ?? away
    }
    for (const { reject } of batch) reject(error)
    return error instanceof DatabaseUnavailable ? error : null
  }
}

function answer({ resolve, reject }: Waiting, verdict: UsageVerdict | undefined): void {
  if (verdict === undefined) {
    reject(new Error('api.check_and_increment_usage_many did not answer every entry.'))
    return
  }
  const { errorCode, errorMessage, allowed, used, quota, remaining, resetsAt, plan, replayed } = verdict
  if (errorCode !== null) reject(new DatabaseError({ sqlstate: errorCode, message: errorMessage ?? '' }))
  else if (allowed === null || used === null || plan === null || replayed === null) reject(new Error('A verdict is neither a decision nor an error.'))
  else resolve({ allowed, used, quota, remaining, resetsAt, plan, replayed })
}

function argumentsOf(batch: Waiting[]): Parameters<typeof checkAndIncrementUsageMany>[1] {
  const requests = batch.map(({ request }) => request)
  return {
    accountIds: requests.map(({ accountId }) => accountId),
    metrics: requests.map(({ metric }) => metric),
    amounts: requests.map(({ amount }) => amount ?? 1),
    batchId: randomUUID(),
    ...listOf('requestIds', requests.map(({ requestId }) => requestId ?? null)),
    ...listOf('chatbotIds', requests.map(({ chatbotId }) => chatbotId ?? null)),
    ...listOf('conversationIds', requests.map(({ conversationId }) => conversationId ?? null)),
    ...listOf('channels', requests.map(({ channel }) => channel ?? null)),
    ...listOf('operations', requests.map(({ operation }) => operation ?? null))
  }
}

/** listOf leaves out an array of nothing but nulls, which is what most batches have. */
function listOf<Name extends string, Value>(name: Name, values: (Value | null)[]): { [Key in Name]?: (Value | null)[] } {
  if (values.every((value) => value === null)) return {}
  const list: { [Key in Name]?: (Value | null)[] } = {}
  list[name] = values
  return list
}

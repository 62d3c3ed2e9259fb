import { type Mutant, pure, unit } from './mutant.ts'

const RETRY = 'server/src/db/retry.ts'
const GENERATION = 'server/src/llm/generation.ts'
const POSTGRES = 'server/src/db/postgres.ts'
const LANE = 'server/src/db/postgres-lane.ts'

/** SERVER_GUARDS are those of the calls to the database, of answers and of jobs. */
export const SERVER_GUARDS: Mutant[] = [
  {
    id: 'retry-only-what-is-harmless',
    guard: 'a write without a request id is not repeated after a lost connection: it may have happened',
    file: RETRY,
    find: `return REPEATABLE.has(name) || typeof args['p_request_id'] === 'string'`,
    replace: `return REPEATABLE.has(name) || args !== null`,
    tests: [pure('server/retry')],
    quick: true
  },
  {
    id: 'retry-rolled-back',
    guard: 'what Postgres rolled back whole is repeated',
    file: RETRY,
    find: `return error.sqlstate === '40001' || error.sqlstate === '40P01'`,
    replace: `return error.sqlstate === '40001'`,
    tests: [pure('server/retry')],
    quick: true
  },
  {
    id: 'retry-ends',
    guard: 'a call is repeated twice at most',
    file: RETRY,
    find: 'if (retry >= MAX_RETRIES || ',
    replace: 'if (retry >= 50 + MAX_RETRIES || ',
    tests: [pure('server/retry')]
  },
  {
    id: 'names-carry-no-sql',
    guard: 'names of functions and arguments cannot carry SQL',
    file: POSTGRES,
    find: 'if (!/^[a-z][a-z0-9_]*$/.test(identifier)) throw',
    replace: 'if (identifier === null) throw',
    tests: [unit('server/transport-failures', 'names of functions')]
  },
  {
    id: 'server-role',
    guard: 'the server’s sessions are service_role and may call functions, nothing else',
    file: LANE,
    find: '-c role=service_role ',
    replace: '',
    tests: [unit('server/transports', 'over pg calls as service_role')]
  },
  {
    id: 'empty-answer-is-a-failure',
    guard: 'an empty answer is a failure, and costs nothing',
    file: GENERATION,
    find: `if (text.trim() === '') return end('failed'`,
    replace: `if (text === null) return end('failed'`,
    tests: [pure('llm/generation')],
    quick: true
  },
  {
    id: 'stopped-before-the-first-word',
    guard: 'an answer stopped before its first word counts no tokens',
    file: GENERATION,
    find: `status === 'stopped' && text === '' ? 0 : `,
    replace: '',
    tests: [pure('llm/generation')]
  },
  {
    id: 'model-time-limit',
    guard: 'a model that does not begin in time is a failure',
    file: GENERATION,
    find: 'const firstTimer = setTimeout(abandon, times.firstChunkMs)',
    replace: 'const firstTimer = setTimeout(abandon, 1000 * times.firstChunkMs)',
    tests: [pure('llm/generation', 'a model that does not begin in time')]
  },
  {
    id: 'upstream-call-ends',
    guard: 'the call of the model ends with the answer: nobody pays for what is thrown away',
    file: GENERATION,
    find: `    // Ends the upstream call where we stop reading early, so that nobody pays for what is thrown away.
    abandon()\n`,
    replace: '',
    tests: [pure('llm/generation')]
  },
  {
    id: 'settling-is-repeated',
    guard: 'an answer is settled again while the database is away',
    file: 'server/src/llm/settling.ts',
    find: 'if (!(error instanceof DatabaseUnavailable) || pauseMs === undefined) throw error',
    replace: 'if (error !== undefined || pauseMs === undefined) throw error',
    tests: [pure('llm/settling')],
    quick: true
  },
  {
    id: 'refusal-is-not-repeated',
    guard: 'what the database refused is not asked for again',
    file: 'server/src/llm/settling.ts',
    find: 'if (!(error instanceof DatabaseUnavailable) || pauseMs === undefined) throw error',
    replace: 'if (pauseMs === undefined) throw error',
    tests: [pure('llm/settling')]
  },
  {
    id: 'stop-is-looked-for-once',
    guard: 'whoever watches for a stop asks no more after the answer has ended',
    file: 'server/src/llm/stop-watch.ts',
    find: 'if (isOver) return\n',
    replace: '\n',
    tests: [pure('llm/stop-watch')]
  },
  {
    id: 'documents-do-not-speak',
    guard: 'a document cannot close its passage and speak as the system',
    file: 'server/src/llm/prompt.ts',
    find: `return text.replace(/<(?=\\/?passages?\\b)/gi, '&lt;')`,
    replace: 'return text',
    tests: [pure('llm/prompt')],
    quick: true
  },
  {
    id: 'citations-exist',
    guard: 'an answer cites only passages that were given to it',
    file: 'server/src/llm/citations.ts',
    find: 'const passage = passages.find((candidate) => candidate.number === number)',
    replace: 'const passage = passages.find((candidate) => candidate.number === number) ?? passages[0]',
    tests: [pure('llm/citations')]
  },
  {
    id: 'job-one-at-a-time',
    guard: 'a job never runs twice at a time',
    file: 'server/src/jobs/repeating-job.ts',
    find: 'if (this.#running) this.#again = true\n    else this.#turn()',
    replace: 'this.#turn()',
    tests: [pure('server/jobs', 'RepeatingJob')],
    quick: true
  },
  {
    id: 'drain-waits',
    guard: 'a shutdown waits for the answers that are running',
    file: 'server/src/llm/running-answers.ts',
    find: 'while (this.#answers.size > 0) {',
    replace: 'while (this.#answers.size > 1000) {',
    tests: [pure('llm/running-answers')]
  },
  {
    id: 'retry-of-the-unreadable-ends',
    guard: 'a stored delivery that cannot be read is given up, not tried for ever',
    file: 'server/src/jobs/retry-webhooks.ts',
    find: 'if (!(error instanceof Unreadable)) throw error',
    replace: 'throw error',
    tests: [pure('server/unreadable-webhooks')]
  },
  {
    id: 'clock-of-answers-is-utc',
    guard: 'times read the same over both transports, in UTC',
    file: LANE,
    find: ' -c TimeZone=UTC',
    replace: ' -c TimeZone=Asia/Kolkata',
    tests: [unit('server/transports', 'over pg carries arrays')]
  }
]

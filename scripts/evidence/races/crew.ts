import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Call } from './history.ts'
import { type Access, type Order, type Planned, type Word, wordSchema } from './order.ts'

/**
 * Crew are processes full of callers.
 *
 * - `race` has every process make its calls, all at the same time, and answers all of them. `onAnswered` hears again and again
 *   how many came back. Rejects when a process ends.
 * - `repeats` is how often the service was too busy to answer and was asked again.
 * - `stop` ends the processes and waits for that.
 */
export type Crew = {
  size: number
  race(planned: Planned[][], tokens: Readonly<Record<string, string>>, onAnswered?: (count: number) => void): Promise<Call[]>
  repeats(): number
  stop(): Promise<void>
}

type Member = { process: ChildProcess; ended: Promise<never>; say(order: Order): void; hear(listener: (word: Word) => void): void }

/** startCrew starts one process for each access to the database; all of them know the servers. */
export async function startCrew(accesses: Access[], servers: string[]): Promise<Crew> {
  const members = accesses.map(startMember)
  const repeats = members.map(() => 0)
  const stop = async (): Promise<void> => {
    for (const member of members) if (member.process.connected) member.process.disconnect()
    await Promise.all(members.map((member) => member.ended.catch(() => undefined)))
  }
  await Promise.all(members.map((member, index) => ask(member, { order: 'open', access: at(accesses, index), servers }, () => undefined)))

  return {
    size: members.length,
    async race(planned, tokens, onAnswered = () => undefined) {
      const counts = members.map(() => 0)
      const done = members.map(async (member, index) => {
        const callers = planned[index] ?? []
        const names = new Set(callers.filter(({ via }) => via === 'http').map(({ accountId }) => accountId))
        const own = Object.fromEntries(Object.entries(tokens).filter(([accountId]) => names.has(accountId)))
        const word = await ask(member, { order: 'race', callers, tokens: own }, (count) => {
          counts[index] = count
          onAnswered(counts.reduce((sum, each) => sum + each, 0))
        })
        if (word.word !== 'done') throw new Error(`A process of callers answered ${word.word}.`)
        repeats[index] = word.repeats
        return word.calls
      })
      return (await Promise.all(done)).flat()
    },
    repeats: () => repeats.reduce((sum, each) => sum + each, 0),
    stop
  }
}

function startMember(): Member {
  const child = fork(join(import.meta.dirname, 'worker.ts'), {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    env: { PATH: process.env['PATH'] ?? '' },
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc']
  })
  let errors = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const ended = once(child, 'exit').then(() => {
    throw new Error(`A process of callers ended:\n${errors}`)
  })
  // It also ends one day when all went well.
  ended.catch(() => undefined)
  let listener: (word: Word) => void = () => undefined
  child.on('message', (message) => listener(wordSchema.parse(message)))
  return {
    process: child,
    ended,
    say: (order) => void child.send(order),
    hear: (next) => {
      listener = next
    }
  }
}

function ask(member: Member, order: Order, onAnswered: (count: number) => void): Promise<Word> {
  const answer = new Promise<Word>((resolve) => {
    member.hear((word) => (word.word === 'answered' ? onAnswered(word.count) : resolve(word)))
  })
  member.say(order)
  return Promise.race([answer, member.ended])
}

function at(accesses: Access[], index: number): Access {
  const access = accesses[index]
  if (access === undefined) throw new Error('There is no such process.')
  return access
}

import { spawn, spawnSync, type ChildProcess, type StdioOptions } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { OsUser } from './os-user.ts'

/**
 * Command is a program to run. `user` null means the present user. `readAnywhere` lends the program the right to enter
 * folders that are closed to its user (Linux, as root). `endsWithParent` is what it gets when this process dies.
 */
export type Command = {
  program: string
  args: string[]
  workingFolder: string
  environment?: Record<string, string>
  user: OsUser | null
  readAnywhere: boolean
  endsWithParent: 'INT' | 'TERM' | 'KILL'
  stdio: StdioOptions
}

/** End is how a child ended: the exit code or the signal, and the reason when it could not even be started. */
export type End = { code: number | null; signal: NodeJS.Signals | null; error: Error | null }

/** Child is a running program; `ended` never rejects. */
export type Child = { process: ChildProcess; pid: number; ended: Promise<End>; hasEnded(): boolean }

const READ_ANYWHERE = ['--inh-caps', '--ambient-caps', '--bounding-set'].flatMap((set) => [set, '-all,+dac_read_search'])

/**
 * startChild runs a command in a session of its own, so that a signal to our process group (Ctrl-C, `kill -- -pgid`)
 * leaves the database up while the server drains. The kernel ends the child when this process dies, even by `kill -9`;
 * where `setpriv` is missing only an orderly exit does. Call it from the main thread: the kernel watches the thread.
 */
export function startChild(command: Command): Child {
  const { user, workingFolder: cwd, stdio } = command
  const setpriv = setprivPath()
  const env = { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC', ...command.environment }
  const options = { cwd, env, stdio, detached: true }
  const child =
    setpriv === null
      ? spawn(command.program, command.args, { ...options, ...user })
      : spawn(setpriv, [...setprivArguments(command), command.program, ...command.args], options)
  const endAtExit = () => child.kill(`SIG${command.endsWithParent}`)
  process.once('exit', endAtExit)
  let over = false
  const ended = new Promise<End>((resolve) => {
    const finish = (end: End) => {
      over = true
      process.off('exit', endAtExit)
      resolve(end)
    }
    child.once('error', (error) => finish({ code: null, signal: null, error }))
    child.once('close', (code, signal) => finish({ code, signal, error: null }))
  })
  return { process: child, pid: child.pid ?? 0, ended, hasEnded: () => over }
}

/** canReadAnywhere tells whether the kernel lets `user` have that right here; a container may refuse it even to root. */
export function canReadAnywhere(user: OsUser, path: string): boolean {
  const setpriv = setprivPath()
  if (setpriv === null) return false
  const probe = { user, readAnywhere: true, endsWithParent: 'KILL' } as const
  return spawnSync(setpriv, [...setprivArguments(probe), 'test', '-r', path], { cwd: '/', stdio: 'ignore' }).status === 0
}

function setprivArguments({ user, readAnywhere, endsWithParent }: Pick<Command, 'user' | 'readAnywhere' | 'endsWithParent'>): string[] {
  const stepDown = user === null ? [] : ['--reuid', `${user.uid}`, '--regid', `${user.gid}`, '--clear-groups']
  // Postgres asks access(2) about its own programs, which ignores the capability unless no_setuid_fixup is set.
  const lend = readAnywhere ? [...READ_ANYWHERE, '--securebits', '+no_setuid_fixup'] : []
  return [...stepDown, ...lend, '--pdeathsig', endsWithParent, '--']
}

let foundSetpriv: string | null | undefined

// util-linux older than 2.33 and busybox have a setpriv without --pdeathsig.
function setprivPath(): string | null {
  if (foundSetpriv === undefined) foundSetpriv = process.platform === 'linux' ? searchSetpriv() : null
  return foundSetpriv
}

function searchSetpriv(): string | null {
  for (const folder of (process.env.PATH ?? '/usr/bin:/bin').split(delimiter)) {
    const path = join(folder, 'setpriv')
    try {
      accessSync(path, constants.X_OK)
    } catch {
      continue
    }
    const help = spawnSync(path, ['--help'], { encoding: 'utf8' })
    return typeof help.stdout === 'string' && help.stdout.includes('--pdeathsig') ? path : null
  }
  return null
}

import { execFileSync } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'
import { z } from 'zod'

/**
 * processIdentitySchema: a process that can be recognised later. `startedAt` is opaque text; it tells the process from a
 * later one that was given the same number.
 */
export const processIdentitySchema = z.object({ pid: z.int().positive(), startedAt: z.string().min(1) })

/** ProcessIdentity is the type of {@link processIdentitySchema}. */
export type ProcessIdentity = z.infer<typeof processIdentitySchema>

/** identify returns the identity of the running process `pid`, or null when there is none (a zombie counts as none). */
export function identify(pid: number): ProcessIdentity | null {
  const startedAt = process.platform === 'linux' ? linuxStart(pid) : portableStart(pid)
  return startedAt === null ? null : { pid, startedAt }
}

/** isAlive tells whether exactly that process still runs. */
export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startedAt === identity.startedAt
}

/** worksIn tells whether process `pid` has `folder` (without symbolic links) as its working folder or in its arguments. */
export function worksIn(pid: number, folder: string): boolean {
  if (process.platform !== 'linux') return (portable('command', pid) ?? '').includes(folder)
  const workingFolder = attempt(() => readlinkSync(`/proc/${pid}/cwd`))
  const command = attempt(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? ''
  return workingFolder === folder || command.split('\0').includes(folder)
}

// proc(5): after the command in parentheses come state (field 3) and, as field 22, the start in clock ticks since boot.
function linuxStart(pid: number): string | null {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  if (stat === null) return null
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (fields[0] === 'Z' || fields[0] === 'X') return null
  const boot = attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()) ?? ''
  return `${boot} ${fields[19]}`
}

function portableStart(pid: number): string | null {
  const state = portable('state', pid)
  return state === null || state.startsWith('Z') ? null : portable('lstart', pid)
}

function portable(column: string, pid: number): string | null {
  const text = attempt(() =>
    execFileSync('ps', ['-o', `${column}=`, '-p', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  )
  return text === '' ? null : text
}

function attempt<T>(read: () => T): T | null {
  try {
    return read()
  } catch {
    return null
  }
}

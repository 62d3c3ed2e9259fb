import { readFileSync } from 'node:fs'

const LOOK_EVERY_MS = 250

/**
 * watchParent calls `onGone` once when npm, which runs this process, has ended. Without it the server would go on unseen
 * after `kill` of npm, because a shell in between does not pass signals on. Does nothing when npm does not run this.
 */
export function watchParent(onGone: () => void): void {
  if (process.env.npm_lifecycle_event === undefined) return
  const [first, ...others] = ancestors()
  const timer = setInterval(() => {
    const now = ancestors()
    if (now[0] === first && others.every((pid, index) => now[index + 1] === pid)) return
    clearInterval(timer)
    onGone()
  }, LOOK_EVERY_MS)
  timer.unref()
}

// Our parent and, where that is only npm's shell (Linux can tell), npm itself; not who started npm, who may well leave.
function ancestors(): number[] {
  const parent = process.ppid
  const [name, grandparent] = linuxProcess(parent)
  return grandparent !== null && /^(ba|da|z|k|a)?sh$/.test(name) ? [parent, grandparent] : [parent]
}

function linuxProcess(pid: number): [name: string, parent: number | null] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const afterName = stat.lastIndexOf(')')
    return [stat.slice(stat.indexOf('(') + 1, afterName), Number(stat.slice(afterName + 2).split(' ')[1])]
  } catch {
    return ['', null]
  }
}

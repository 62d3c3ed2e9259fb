import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

/** profileSchema is a .cpuprofile of V8 (https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile). */
const profileSchema = z.object({
  nodes: z.array(z.object({
    id: z.number(),
    callFrame: z.object({ functionName: z.string(), url: z.string(), lineNumber: z.number() })
  })),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number())
})
export type Profile = z.output<typeof profileSchema>

/** Cost is a share (0 to 1) of the time in which the process was not idle. */
export type Cost = { name: string; share: number }

/** readProfile reads the only profile in a folder. Throws Error when there is none. */
export function readProfile(folder: string): Profile {
  const [file] = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'))
  if (file === undefined) throw new Error('The server left no profile.')
  return profileSchema.parse(JSON.parse(readFileSync(join(folder, file), 'utf8')))
}

/**
 * costsOf sums up the self time between two moments (milliseconds after the profile's start): per function, and per
 * package or part of the server.
 */
export function costsOf(profile: Profile, fromMs: number, toMs: number): { functions: Cost[]; parts: Cost[] } {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]))
  const functions = new Map<string, number>()
  const parts = new Map<string, number>()
  let at = 0
  let busy = 0
  for (const [index, id] of profile.samples.entries()) {
    const delta = profile.timeDeltas[index] ?? 0
    at += delta
    const frame = frames.get(id)
    if (frame === undefined || at < fromMs * 1000 || at > toMs * 1000 || frame.functionName === '(idle)') continue
    busy += delta
    const place = placeOf(frame.url)
    const name = `${frame.functionName || '(anonymous)'} ${place === '' ? '' : `${place}:${frame.lineNumber + 1}`}`.trim()
    functions.set(name, (functions.get(name) ?? 0) + delta)
    const part = place === '' ? frame.functionName : partOf(place)
    parts.set(part, (parts.get(part) ?? 0) + delta)
  }
  return { functions: sharesOf(functions, busy), parts: sharesOf(parts, busy) }
}

function sharesOf(times: Map<string, number>, total: number): Cost[] {
  return [...times].map(([name, time]) => ({ name, share: time / total })).sort((a, b) => b.share - a.share)
}

/** placeOf is the part of a file's URL that means something anywhere: from node_modules or the repository on. */
function placeOf(url: string): string {
  return /(?:.*\/node_modules\/|.*\/(?=server\/src\/|scripts\/))?(.*)/.exec(url)?.[1]?.replace(/^file:\/\//, '') ?? url
}

function partOf(place: string): string {
  if (place.startsWith('node:')) return place
  const [first = '', second = ''] = place.split('/')
  if (first === 'server') return place.split('/').slice(0, 3).join('/')
  return first.startsWith('@') ? `${first}/${second}` : first
}

// A regular expression is named by its whole text.
const LONGEST_NAME = 120

/** costsTable is the greatest costs in Markdown. */
export function costsTable(head: string, costs: readonly Cost[], count: number): string {
  return [
    `| ${head} | share |`, '| --- | --- |',
    ...costs.slice(0, count).map(({ name, share }) => `| ${name.slice(0, LONGEST_NAME).replaceAll('|', '\\|')} | ${(share * 100).toFixed(1)} % |`)
  ].join('\n')
}

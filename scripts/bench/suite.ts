import type { Measured, Schedule } from './comparison.ts'

/** SUITES are the names of the suites, in the order in which they run. */
export const SUITES = ['single', 'batch', 'peers', 'http', 'webhooks', 'growth'] as const
export type SuiteName = (typeof SUITES)[number]

/** BenchOptions: `quick` takes smaller sizes, for a look; `profile` (http only) also tells where the server's time goes. */
export type BenchOptions = Schedule & { quick: boolean; profile: boolean }

/**
 * Finding is what a suite brings: its comparisons; `method` and `limits` are sentences for the reader (how it was done;
 * what keeps the figures from saying more); `leftOut` tells what could not be measured here, and how it could; `appendix` is
 * Markdown to print after all that.
 */
export type Finding = { measured: Measured[]; method: string[]; limits: string[]; leftOut: string[]; appendix?: string }

/** BenchSuite measures. It throws when something does not work, never because it is slow. */
export type BenchSuite = (options: BenchOptions) => Promise<Finding>

/** Outcome is a finished suite as it is printed and kept; `settings` are those of Postgres that matter to its speed. */
export type Outcome = Finding & {
  suite: SuiteName
  seed: string
  quick: boolean
  rounds: number
  warmupMs: number
  durationMs: number
  seconds: number
  day: string
  machine: Machine
  settings: Record<string, string>
}

/** Machine: `flushesPerSecond` is how often one 8 kB write can be made durable (fdatasync), one after the other. */
export type Machine = { cpu: string; cores: number; memoryGib: number; platform: string; node: string; flushesPerSecond: number }

import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import type { Machine } from './suite.ts'

const WRITES = 300

/** describeMachine tells what the figures were taken on; measuring the disk takes a moment. */
export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
    node: process.versions.node,
    flushesPerSecond: measureFlushes()
  }
}

function measureFlushes(): number {
  const folder = mkdtempSync(join(tmpdir(), 'parley-bench-disk-'))
  const file = openSync(join(folder, 'page'), 'w')
  try {
    const page = Buffer.alloc(8192, 1)
    writeSync(file, page, 0, page.length, 0)
    fdatasyncSync(file)
    const begun = performance.now()
    for (let index = 0; index < WRITES; index += 1) {
      writeSync(file, page, 0, page.length, 0)
      fdatasyncSync(file)
    }
    return Math.round(WRITES / ((performance.now() - begun) / 1000))
  } finally {
    closeSync(file)
    rmSync(folder, { recursive: true, force: true })
  }
}

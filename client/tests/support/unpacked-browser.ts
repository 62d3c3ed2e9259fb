import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const ROOT = join(import.meta.dirname, '..', '..', '..')
const packageFile = join(ROOT, 'node_modules', '@sparticuz', 'chromium', 'package.json')
const noteSchema = z.object({ executable: z.string(), libraries: z.string().nullable() })

/** UnpackedBrowser: `libraryPath` holds libraries the machine lacks; null where it has all. */
export type UnpackedBrowser = { executablePath: string; libraryPath: string | null }

/**
 * unpackedBrowser returns the browser that came with the npm packages. It is unpacked once per checkout, beside the packages:
 * in the machine's temporary folder it would belong to whoever came first.
 */
export function unpackedBrowser(): UnpackedBrowser {
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync(packageFile, 'utf8')))
  const folder = join(ROOT, 'node_modules', '.cache', `browser-${version}`)
  if (!existsSync(folder)) unpack(folder)
  const { executable, libraries } = noteSchema.parse(JSON.parse(readFileSync(join(folder, 'unpacked.json'), 'utf8')))
  return { executablePath: join(folder, executable), libraryPath: libraries === null ? null : join(folder, libraries) }
}

function unpack(folder: string): void {
  const beside = `${folder}.${process.pid}`
  mkdirSync(beside, { recursive: true })
  const script = join(import.meta.dirname, 'unpack-browser.ts')
  const { status, stderr } = spawnSync(process.execPath, [script], { env: { ...process.env, TMPDIR: beside }, encoding: 'utf8' })
  if (status !== 0) throw new Error(`The browser of the tests could not be unpacked:\n${stderr}`)
  try {
    renameSync(beside, folder)
  } catch (error) {
    // Another process was a moment faster.
    rmSync(beside, { recursive: true, force: true })
    if (!existsSync(folder)) throw error
  }
}

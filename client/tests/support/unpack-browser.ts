import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import chromium, { inflate } from '@sparticuz/chromium'

// A process of its own, which unpacked-browser.ts starts: the package unpacks into the temporary folder, and which one that is
// must be settled before a process begins. It notes what it unpacked, and the folder of the libraries that the machine lacks.
const executable = await chromium.executablePath()
const libraries = lacksLibraries(executable)
  ? await inflate(join(import.meta.dirname, '..', '..', '..', 'node_modules', '@sparticuz', 'chromium', 'bin', 'al2023.tar.br'))
  : null
const note = { executable: basename(executable), libraries: libraries === null ? null : join(basename(libraries), 'lib') }
writeFileSync(join(tmpdir(), 'unpacked.json'), JSON.stringify(note))

function lacksLibraries(path: string): boolean {
  const { stdout } = spawnSync('ldd', [path], { encoding: 'utf8' })
  return typeof stdout === 'string' && stdout.includes('not found')
}

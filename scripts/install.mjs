// Installs the npm packages when they are missing or do not match package-lock.json. Runs before `npm start` and
// `npm test`, on whatever Node the machine has, hence plain JavaScript without a dependency.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const lockFile = join(root, 'package-lock.json')
const modules = join(root, 'node_modules')
const stampFile = join(modules, '.parley-lock')
const runtime = join(modules, '.bin', process.platform === 'win32' ? 'node.cmd' : 'node')
const busyFolder = join(root, '.install-lock')

let holding = false
const wanted = `${createHash('sha256').update(readFileSync(lockFile)).digest('hex')} ${process.platform}-${process.arch}\n`

if (!isInstalled()) installOnce()

function isInstalled() {
  if (!existsSync(runtime)) return false
  // Somebody may have installed without the test tools.
  if (process.env.npm_lifecycle_event === 'pretest' && !existsSync(join(modules, 'jest'))) return false
  if (existsSync(stampFile)) return readFileSync(stampFile, 'utf8') === wanted
  // Installed by hand: npm writes its own copy of the lock file last.
  const handMade = statSync(join(modules, '.package-lock.json'), { throwIfNoEntry: false })
  return handMade !== undefined && handMade.mtimeMs >= statSync(lockFile).mtimeMs
}

// Installs, or waits for the process that does.
function installOnce() {
  const major = Number(process.versions.node.split('.')[0])
  if (major < 20) fail(`Parley needs Node 20 or newer to install itself; this is Node ${process.versions.node}.`)
  takeTurn()
  try {
    if (!isInstalled()) install()
  } finally {
    rmSync(busyFolder, { recursive: true, force: true })
  }
}

function install() {
  const first = !existsSync(modules)
  console.log(`Installing the npm packages (${first ? 'about a minute, the first time only' : 'package-lock.json has changed'})…`)
  const npmScript = process.env.npm_execpath
  // npm replaces node_modules, which may hold the Node that runs this file: npm must run on the machine's own.
  const node = process.env.npm_node_execpath || process.execPath
  const path = (process.env.PATH || '').split(delimiter).filter((folder) => !folder.includes(`node_modules${sep}.bin`))
  const command = npmScript ? [node, npmScript] : ['npm']
  const options = { cwd: root, stdio: 'inherit', env: { ...process.env, PATH: path.join(delimiter) } }
  // Not `npm ci`: it refuses a lock file that lacks the optional packages of platforms its registry did not have. This
  // installs the same locked versions, and writes neither package.json nor the lock file.
  const run = [...command, 'install', '--no-save', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error']
  const { status, signal, error } = spawnSync(run[0], run.slice(1), options)
  if (status !== 0) fail(`\`npm install\` failed (${error ? error.message : signal || `exit code ${status}`}): see npm's message above.`)
  if (!existsSync(runtime) || spawnSync(runtime, ['--version']).status !== 0) {
    fail('The package "node" came without its program: install scripts are switched off; run `npm install --no-save --ignore-scripts=false`.')
  }
  writeFileSync(stampFile, wanted)
}

// One installer at a time; the others wait and then find the work done.
function takeTurn() {
  for (let announced = false; ; announced = true) {
    try {
      mkdirSync(busyFolder)
      writeFileSync(join(busyFolder, 'pid'), String(process.pid))
      holding = true
      return
    } catch (error) {
      if (error.code !== 'EEXIST') fail(`Cannot write to ${root} (${error.code}): the npm packages must be installed there.`)
    }
    if (holderIsGone(busyFolder)) removeLeftFolder()
    else if (!announced) console.log('Another process is installing the npm packages; waiting for it…')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
  }
}

// Another waiter may have removed it and begun in the meantime: look again at what was moved away.
function removeLeftFolder() {
  const left = `${busyFolder}.${process.pid}`
  try {
    renameSync(busyFolder, left)
    if (holderIsGone(left)) rmSync(left, { recursive: true, force: true })
    else renameSync(left, busyFolder)
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
}

function holderIsGone(folder) {
  try {
    process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8')), 0)
    return false
  } catch (error) {
    // The file comes a moment after its folder.
    if (error.code === 'ENOENT') return Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()) > 5000
    return error.code === 'ESRCH'
  }
}

function fail(sentence) {
  if (holding) rmSync(busyFolder, { recursive: true, force: true })
  console.error(sentence)
  process.exit(1)
}

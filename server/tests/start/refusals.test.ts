import { afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { closeAfterTests } from '../support/database.ts'
import { createDataDir, startParley, type Finished } from './parley-process.ts'

const refuse = async (dataDir: string, environment: Record<string, string> = {}): Promise<Finished> =>
  (await startParley(dataDir, environment)).finished

async function takePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  closeAfterTests(async () => void server.close())
  const address = server.address()
  return String(typeof address === 'object' ? address?.port : '')
}

test('a second start on the same data folder is refused in one sentence that names the first', async () => {
  const first = await startParley(createDataDir())
  await first.ready
  const { code, output } = await refuse(first.dataDir)
  expect(code).toBe(1)
  expect(output).toBe(`Process ${first.pid} already uses the data folder ${first.dataDir}: stop it, or set DATA_DIR to another folder.\n`)
  expect((await fetch(`${first.url}/readyz`)).status).toBe(200)
  expect((await first.stop()).code).toBe(0)
})

test('a taken port, wrong settings and an unusable data folder are reported all at once', async () => {
  const port = await takePort()
  const file = createDataDir()
  writeFileSync(file, '')
  const { code, output } = await refuse(file, { PORT: port, LOG_LEVEL: 'loud', MODEL: 'some-model' })
  expect(code).toBe(1)
  expect(output.trimEnd().split('\n')).toEqual([
    'Parley cannot start, for 4 reasons:',
    `- Cannot use the data folder ${file}: it is a file.`,
    expect.stringMatching(/^- LOG_LEVEL /),
    expect.stringMatching(/^- MODEL /),
    `- Port ${port} is already in use: stop what listens there, or set PORT to a free one.`
  ])
})

test('a data folder below a file is refused in one sentence', async () => {
  const file = createDataDir()
  writeFileSync(file, '')
  const { code, output } = await refuse(join(file, 'data'))
  expect([code, output]).toEqual([1, `Cannot use the data folder ${join(file, 'data')}: a part of the path is not a folder; set DATA_DIR to one of yours.\n`])
})

test('production refuses the embedded database and every local key', async () => {
  const { code, output } = await refuse(createDataDir(), { NODE_ENV: 'production' })
  expect(code).toBe(1)
  expect(output).toContain('the embedded database is not for production')
  expect(output).toContain('CLERK_PUBLISHABLE_KEY and CLERK_SECRET_KEY are not set')
})

test('a database that cannot be reached is refused in one sentence without its password', async () => {
  const { code, output } = await refuse(createDataDir(), { DATABASE_URL: 'postgresql://parley:hunter2@127.0.0.1:1/parley' })
  expect(code).toBe(1)
  expect(output).toMatch(/^The database of DATABASE_URL cannot be used: .*ECONNREFUSED.*\n$/)
  expect(output).not.toContain('hunter2')
})

describe('data that does not fit is refused in one sentence:', () => {
  const dataDir = createDataDir()
  const secrets = join(dataDir, 'secrets.json')
  const version = join(dataDir, 'postgres', 'PG_VERSION')
  const aside = join(dirname(dataDir), 'aside')
  let original = ''

  beforeAll(async () => {
    const server = await startParley(dataDir)
    await server.ready
    await server.stop()
    original = readFileSync(secrets, 'utf8')
  })
  afterEach(() => writeFileSync(secrets, original))

  test('the secrets of another data folder', async () => {
    const otherWords = original.replace(/("superuser": ")[0-9a-f]+/, `$1${'0'.repeat(64)}`)
    writeFileSync(secrets, otherWords)
    const { code, output } = await refuse(dataDir)
    expect([code, output]).toEqual([1, `The passwords in ${secrets} are not those of the database beside it: put the right file back, or set DATA_DIR to a new folder.\n`])
  })

  test('secrets that are no secrets', async () => {
    writeFileSync(secrets, '{"clerk":')
    const { code, output } = await refuse(dataDir)
    expect([code, output]).toEqual([1, `${secrets} is not a secrets file of Parley: put the right one back, or set DATA_DIR to a new folder.\n`])
  })

  test('a database whose secrets are gone', async () => {
    renameSync(secrets, aside)
    const { code, output } = await refuse(dataDir)
    expect([code, output]).toEqual([1, `${secrets} is missing, and only it knows the passwords of the database beside it: put it back, or set DATA_DIR to a new folder.\n`])
  })

  test('data of another Postgres version', async () => {
    const installed = readFileSync(version, 'utf8')
    writeFileSync(version, '12\n')
    const { code, output } = await refuse(dataDir)
    writeFileSync(version, installed)
    expect(code).toBe(1)
    expect(output).toMatch(/^.*postgres holds data of Postgres 12, but Postgres \d+ is installed: .*\n$/)
  })

  test('a folder that is no database', async () => {
    const other = createDataDir()
    mkdirSync(join(other, 'postgres'), { recursive: true })
    writeFileSync(join(other, 'secrets.json'), original)
    const { code, output } = await refuse(other)
    expect(code).toBe(1)
    expect(output).toMatch(/^Cannot read .*PG_VERSION: no such file or folder\.\n$/)
  })
})

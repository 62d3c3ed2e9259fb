import { expect, test } from '@jest/globals'
import { existsSync } from 'node:fs'
import { Client } from 'pg'
import { createTestDatabase } from '../support/database.ts'
import { createDataDir, runCommand, startParley, type ParleyProcess } from './parley-process.ts'

const tokenOf = async (server: ParleyProcess, user: string, ...options: string[]) =>
  (await runCommand('token.ts', [user, ...options], { DATA_DIR: server.dataDir })).output.trim()

const readMe = async (server: ParleyProcess, token: string) => {
  const answer = await fetch(`${server.url}/api/me`, { headers: { Authorization: `Bearer ${token}` } })
  return { status: answer.status, body: await answer.json() }
}

const queryAs = async (server: ParleyProcess, role: string, sql: string): Promise<unknown[]> => {
  const { output } = await runCommand('db-url.ts', ['--role', role], { DATA_DIR: server.dataDir })
  const client = new Client({ connectionString: output.trim() })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

test('two instances run side by side, each with its own data, keys and port; their commands follow DATA_DIR', async () => {
  const [one, other] = await Promise.all([startParley(createDataDir()), startParley(createDataDir())])
  await Promise.all([one.ready, other.ready])

  expect(await readMe(one, await tokenOf(one, 'alice'))).toMatchObject({ status: 200, body: { userId: 'alice', account: { accountId: 'alice' } } })
  const inOrganization = await tokenOf(one, 'alice', '--org', 'org_acme', '--role', 'admin')
  expect(await readMe(one, inOrganization)).toMatchObject({ body: { organizationId: 'org_acme', role: 'org:admin', account: { accountId: 'org_acme' } } })
  expect((await readMe(one, await tokenOf(one, 'alice', '--expires-in', '-60'))).status).toBe(401)
  expect((await readMe(other, await tokenOf(one, 'alice'))).status).toBe(401)

  const accounts = 'select account_id from accounts order by 1'
  expect(await queryAs(one, 'owner', accounts)).toEqual([{ account_id: 'alice' }, { account_id: 'org_acme' }])
  expect(await queryAs(one, 'operator', accounts)).toHaveLength(2)
  expect(await queryAs(other, 'owner', accounts)).toEqual([])
  await expect(queryAs(one, 'server', 'select from app.accounts')).rejects.toThrow(/permission denied/)
  expect(await queryAs(one, 'server', 'select distinct plan from list_plans() where position = 0')).toEqual([{ plan: 'free' }])
  expect(await queryAs(one, 'owner', 'select kind from app.environment')).toEqual([{ kind: 'sandbox' }])

  expect([(await one.stop()).code, (await other.stop()).code]).toEqual([0, 0])
  const stopped = await runCommand('db-url.ts', [], { DATA_DIR: one.dataDir })
  expect([stopped.code, stopped.output]).toEqual([1, expect.stringContaining('run `npm start` first')])
})

test('with DATABASE_URL nothing is embedded, and the local sign-in key still works', async () => {
  const database = await createTestDatabase()
  const server = await startParley(createDataDir(), { DATABASE_URL: database.url })
  await server.ready
  expect(existsSync(`${server.dataDir}/postgres`)).toBe(false)
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
  const port = new URL(server.url).port
  const token = await runCommand('token.ts', ['bob'], { DATA_DIR: server.dataDir, PORT: port })
  expect(await readMe(server, token.output.trim())).toMatchObject({ status: 200, body: { account: { accountId: 'bob' } } })
  expect((await server.stop()).code).toBe(0)
})

test('db:url prints DATABASE_URL where that is set, and token refuses where Clerk issues the tokens', async () => {
  const url = 'postgresql://parley@db.example.com/parley'
  expect((await runCommand('db-url.ts', [], { DATABASE_URL: url })).output).toBe(`${url}\n`)
  const refused = await runCommand('token.ts', ['alice'], { CLERK_SECRET_KEY: 'sk_test_of_a_real_instance' })
  expect([refused.code, refused.output]).toEqual([1, expect.stringContaining('Clerk issues the session tokens')])
})

import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { afterEach, describe, expect, test } from '@jest/globals'
import { DatabaseError, DatabaseUnavailable, JsonArgument, toRows } from '../../src/db/database.ts'
import { openPostgres, statement } from '../../src/db/postgres.ts'
import { openPostgrest } from '../../src/db/postgrest.ts'
import { startTcpProxy } from '../../../scripts/evidence/tcp-proxy.ts'
import { createTestDatabase } from '../support/database.ts'
import { untilBlocked } from '../support/steps.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()))
})

async function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no address')
  return address.port
}

async function postgrestThat(answer: RequestListener, timeoutMs = 5_000) {
  const server = createServer(answer)
  const port = await listen(server)
  closers.push(() => new Promise((resolve) => server.close(resolve)))
  closers.push(async () => server.closeAllConnections())
  return openPostgrest({ url: `http://127.0.0.1:${port}`, serviceRoleKey: 'key', restPath: '/', timeoutMs })
}

function json(status: number, body: unknown): RequestListener {
  return (_req, res) => {
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
}

describe('over PostgREST', () => {
  test('calls the function of schema api below the configured path', async () => {
    const seen: unknown[] = []
    const db = await postgrestThat((req, res) => {
      seen.push(req.method, req.url, req.headers['content-profile'], req.headers.authorization)
      json(200, [])(req, res)
    })
    expect(await db.rpc('list_plans', {})).toEqual([])
    expect(seen).toEqual(['POST', '/rpc/list_plans', 'api', 'Bearer key'])
  })

  test.each(['PGRST000', 'PGRST001', 'PGRST002', 'PGRST003', '57P01', '08006', '57014'])('%s means unavailable', async (code) => {
    const db = await postgrestThat(json(503, { code, message: 'm', details: null, hint: null }))
    await expect(db.rpc('delete_chatbot', {})).rejects.toBeInstanceOf(DatabaseUnavailable)
  })

  test('a gateway without an answer means unavailable', async () => {
    const db = await postgrestThat((_req, res) => {
      res.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad gateway</h1>')
    })
    await expect(db.rpc('delete_chatbot', {})).rejects.toBeInstanceOf(DatabaseUnavailable)
  })

  // What PostgREST answers when Postgres ends its session between two statements of a call.
  test('an error without any code or word means unavailable', async () => {
    const db = await postgrestThat(json(400, { code: '', message: '', details: null, hint: null }))
    await expect(db.rpc('delete_chatbot', {})).rejects.toBeInstanceOf(DatabaseUnavailable)
  })

  test('nobody listening means unavailable', async () => {
    const server = createServer()
    const port = await listen(server)
    await new Promise((resolve) => server.close(resolve))
    const db = openPostgrest({ url: `http://127.0.0.1:${port}`, serviceRoleKey: 'key' })
    await expect(db.rpc('delete_chatbot', {})).rejects.toBeInstanceOf(DatabaseUnavailable)
  })

  test('silence means unavailable after the time limit', async () => {
    const db = await postgrestThat(() => undefined, 50)
    await expect(db.rpc('delete_chatbot', {})).rejects.toBeInstanceOf(DatabaseUnavailable)
  })

  test('a raised error keeps its SQLSTATE, message, detail and hint', async () => {
    const db = await postgrestThat(json(400, { code: 'PY004', message: 'm', details: 'd', hint: 'h' }))
    const error: unknown = await db.rpc('delete_chatbot', {}).catch((failure: unknown) => failure)
    expect(error).toBeInstanceOf(DatabaseError)
    expect(error).toMatchObject({ sqlstate: 'PY004', message: 'm', detail: 'd', hint: 'h' })
  })

  test('is unavailable once closed', async () => {
    const db = await postgrestThat(json(200, []))
    await db.close()
    await expect(db.rpc('list_plans', {})).rejects.toBeInstanceOf(DatabaseUnavailable)
  })
})

describe('over pg', () => {
  test('nobody listening means unavailable', async () => {
    const server = createServer()
    const port = await listen(server)
    await new Promise((resolve) => server.close(resolve))
    const db = openPostgres({ url: `postgresql://u:p@127.0.0.1:${port}/d` })
    closers.push(() => db.close())
    await expect(db.rpc('delete_chatbot', {})).rejects.toBeInstanceOf(DatabaseUnavailable)
  })

  test('a server that hangs up means unavailable', async () => {
    const server = createTcpServer((socket) => socket.destroy())
    const port = await listen(server)
    closers.push(() => new Promise((resolve) => server.close(resolve)))
    const db = openPostgres({ url: `postgresql://u:p@127.0.0.1:${port}/d` })
    closers.push(() => db.close())
    await expect(db.rpc('delete_chatbot', {})).rejects.toBeInstanceOf(DatabaseUnavailable)
  })

  test('silence means unavailable after the time limit, also in the middle of a statement', async () => {
    const mute = createTcpServer((socket) => socket.resume())
    const port = await listen(mute)
    closers.push(() => new Promise((resolve) => mute.close(resolve)))
    const database = await createTestDatabase()
    const owner = await database.connect()
    await owner.query('begin; lock table app.plans in access exclusive mode')
    for (const url of [`postgresql://u:p@127.0.0.1:${port}/d`, database.url]) {
      const db = openPostgres({ url, timeoutMs: 100 })
      closers.unshift(() => db.close())
      await expect(db.rpc('list_plans', {})).rejects.toBeInstanceOf(DatabaseUnavailable)
    }
    await owner.query('rollback')
  })

  test('a patient call is waited for while the database answers others, and not when nothing answers', async () => {
    const database = await createTestDatabase()
    const proxy = await startTcpProxy(Number(new URL(database.serverUrl).port))
    closers.push(() => proxy.stop())
    const url = Object.assign(new URL(database.serverUrl), { port: String(proxy.port) }).href
    const db = openPostgres({ url, timeoutMs: 600 })
    closers.unshift(() => db.close())
    const [owner, looker] = [await database.connect(), await database.connect()]
    const search = () => db.rpc('search_passages', { p_account_id: 'a', p_chatbot_id: '00000000-0000-4000-8000-000000000001', p_query: 'refunds' })
    await search()

    await owner.query('begin; lock table app.passages in access exclusive mode')
    const searching = search()
    await untilBlocked(looker)
    await looker.query('select pg_sleep(1)')
    await owner.query('rollback')
    expect(await searching).toEqual([])

    proxy.set('silence')
    const begunMs = performance.now()
    await expect(search()).rejects.toBeInstanceOf(DatabaseUnavailable)
    expect(performance.now() - begunMs).toBeLessThan(3_000)
    await looker.end()
  })

  test('when one connection has gone silent, nobody waits for the others to be found out', async () => {
    const database = await createTestDatabase()
    const proxy = await startTcpProxy(Number(new URL(database.serverUrl).port))
    closers.push(() => proxy.stop())
    const url = Object.assign(new URL(database.serverUrl), { port: String(proxy.port) }).href
    const db = openPostgres({ url, poolSize: 5, timeoutMs: 600 })
    closers.unshift(() => db.close())
    const read = () => db.rpc('record_billing_event', {}).catch((error: unknown) => error)
    await Promise.all(Array.from({ length: 5 }, read))
    // Five connections that never answer again, and a database that is well.
    proxy.strand()
    expect(await read()).toBeInstanceOf(DatabaseUnavailable)
    for (let time = 0; time < 5; time += 1) expect(await read()).toBeInstanceOf(DatabaseError)
  })

  test('a refusal costs no connection', async () => {
    const database = await createTestDatabase()
    const owner = await database.connect()
    const db = openPostgres({ url: database.serverUrl, poolSize: 1 })
    closers.unshift(() => db.close())
    const sessions = async () => (await owner.query(`select pid from pg_stat_activity where application_name = 'parley' and datname = current_database()`)).rows
    await db.rpc('list_plans', {})
    const before = await sessions()
    await expect(db.rpc('read_usage', { p_account_id: null })).rejects.toBeInstanceOf(DatabaseError)
    await db.rpc('list_plans', {})
    expect(await sessions()).toEqual(before)
    expect(before).toHaveLength(1)
  })

  test('is unavailable once closed, and closing twice is harmless', async () => {
    const db = openPostgres({ url: 'postgresql://u:p@127.0.0.1:1/d' })
    await db.close()
    await db.close()
    await expect(db.rpc('list_plans', {})).rejects.toBeInstanceOf(DatabaseUnavailable)
  })

  test('names of functions and arguments cannot carry SQL', () => {
    expect(() => statement('list_plans(); drop schema app', {})).toThrow(TypeError)
    expect(() => statement('f', { 'a => 1, p_b': 1 })).toThrow(TypeError)
  })

  test('values travel apart from the text, jsonb as text', () => {
    expect(statement('f', { p_a: 'x', p_list: ['a', null], p_json: new JsonArgument([]) })).toEqual({
      text: 'select json_agg(r) as rows from (select * from api.f(p_a => $1, p_list => $2, p_json => $3)) r',
      values: ['x', ['a', null], '[]']
    })
  })
})

describe('toRows', () => {
  test('brings every shape of answer to rows', () => {
    expect(toRows('f', [{ a: 1 }])).toEqual([{ a: 1 }])
    expect(toRows('f', { a: 1 })).toEqual([{ a: 1 }])
    expect(toRows('f', 'x')).toEqual([{ f: 'x' }])
    expect(toRows('f', null)).toEqual([])
  })
})

import { beforeAll, describe, expect, test } from '@jest/globals'
import type { Client } from 'pg'
import request from 'supertest'
import { z } from 'zod'
import { createApp } from '../../src/app.ts'
import { usageSchema } from '../../src/contract/usage.ts'
import { type UsageEvent, usageEventsSchema, type UsageHistory, usageHistorySchema } from '../../src/contract/usage-history.ts'
import { transports } from '../support/database.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { bearer, startTestApp, type TestApp } from './test-app.ts'

type Charge = { account: string; amount: number; metric?: string; chatbotId?: string | null; channel?: string | null; requestId?: string }
type EventsPage = z.output<typeof usageEventsSchema>

describe.each(transports)('the usage pages over %s', (transport) => {
  let server: TestApp
  let owner: Client
  let users = 0

  beforeAll(async () => {
    server = await startTestApp({ transport, environment: { RATE_LIMIT_ACCOUNT_PER_MINUTE: '100000', RATE_LIMIT_ADDRESS_PER_MINUTE: '100000' } })
    owner = await server.database.connect()
    await owner.query(`update app.plan_quotas set quota = 1000000 where plan = 'free' and metric in ('messages', 'chatbots')`)
  })

  /** someone is a new account whose windows begin at `anchor`, exactly; it is that time now. */
  async function someone(anchor: string): Promise<string> {
    const account = `user_${(users += 1)}`
    await owner.query('insert into app.accounts (account_id, anchor, counts_from, created_at) values ($1, $2, $2, $2)', [account, anchor])
    await travelTo(anchor)
    return account
  }
  const travelTo = (time: string) =>
    owner.query('update app.environment set clock_offset = make_interval(secs => extract(epoch from $1::timestamptz - now())::double precision)', [time])
  const get = async (account: string, path: string) => request(server.app).get(path).set(await bearer(account))
  const charge = ({ account, amount, metric = 'messages', chatbotId = null, channel = null, requestId }: Charge) =>
    owner.query('select allowed from api.check_and_increment_usage($1, $2, $3, $4, $5, null, $6)', [account, metric, amount, requestId ?? null, chatbotId, channel])

  async function historyOf(account: string, query = ''): Promise<UsageHistory> {
    const answer = await get(account, `/api/usage/history${query}`)
    expect(answer.status).toBe(200)
    return z.strictObject(usageHistorySchema.shape).parse(answer.body)
  }

  async function eventsOf(account: string, query: string): Promise<EventsPage> {
    const answer = await get(account, `/api/usage/events${query}`)
    expect(answer.status).toBe(200)
    return usageEventsSchema.parse(answer.body)
  }

  async function chatbot(account: string, name: string): Promise<string> {
    const made = await request(server.app).post('/api/chatbots').set(await bearer(account)).send({ name })
    expect(made.status).toBe(201)
    return z.object({ chatbotId: z.string() }).parse(made.body).chatbotId
  }

  async function usedOf(account: string, metric = 'messages'): Promise<number> {
    const meters = usageSchema.parse((await get(account, '/api/usage')).body).metrics
    return meters.find((meter) => meter.metric === metric)?.used ?? Number.NaN
  }

  test('tell a counter day by day, by chatbot and channel, adding up to the meter', async () => {
    const account = await someone('2026-01-10T09:00:00.123456Z')
    const help = await chatbot(account, 'Help')
    const gone = await chatbot(account, 'Gone')
    await charge({ account, amount: 3, chatbotId: help, channel: 'playground' })
    await charge({ account, amount: 2, chatbotId: gone, channel: 'widget' })
    await travelTo('2026-01-12T23:59:00Z')
    await charge({ account, amount: 4, chatbotId: help, channel: 'playground' })
    await charge({ account, amount: 1 })
    await request(server.app).delete(`/api/chatbots/${gone}`).set(await bearer(account))

    const history = await historyOf(account)
    const window = { windowStart: '2026-01-10T09:00:00.123Z', windowEnd: '2026-02-10T09:00:00.123Z' }
    expect(history).toMatchObject({ metric: 'messages', title: 'Messages', unit: 'message', quota: 1000000, used: 10, ...window })
    expect(history.windows).toEqual([{ ...window, current: true }])
    expect(history.used).toBe(await usedOf(account))
    expect(history.days.map(({ day }) => day)).toEqual(['2026-01-10', '2026-01-10', '2026-01-12', '2026-01-12'])
    expect(history.days).toEqual(expect.arrayContaining([
      { day: '2026-01-10', chatbotId: help, chatbotName: 'Help', channel: 'playground', amount: 3, events: 1 },
      { day: '2026-01-10', chatbotId: gone, chatbotName: null, channel: 'widget', amount: 2, events: 1 },
      { day: '2026-01-12', chatbotId: help, chatbotName: 'Help', channel: 'playground', amount: 4, events: 1 },
      { day: '2026-01-12', chatbotId: null, chatbotName: null, channel: null, amount: 1, events: 1 }
    ]))
  })

  test('go back to earlier windows by the start they were told, which is cut to the millisecond', async () => {
    const account = await someone('2026-01-31T09:00:00.123456Z')
    await charge({ account, amount: 30, requestId: 'january' })
    await travelTo('2026-02-28T09:00:00.123456Z')
    await charge({ account, amount: 7 })
    await owner.query(`select api.decrement_usage($1, 'messages', 10, 'january')`, [account])

    const { windows, used } = await historyOf(account)
    expect(used).toBe(7)
    expect(windows).toEqual([
      { windowStart: '2026-02-28T09:00:00.123Z', windowEnd: '2026-03-31T09:00:00.123Z', current: true },
      { windowStart: '2026-01-31T09:00:00.123Z', windowEnd: '2026-02-28T09:00:00.123Z', current: false }
    ])
    const january = await historyOf(account, `?windowStart=${windows[1]?.windowStart}`)
    expect([january.used, january.windowStart, january.windowEnd]).toEqual([20, windows[1]?.windowStart, windows[1]?.windowEnd])
    expect(january.days.map(({ day, amount }) => [day, amount])).toEqual([['2026-01-31', 30], ['2026-02-28', -10]])
    const events = await eventsOf(account, `?metric=messages&windowStart=${windows[1]?.windowStart}`)
    expect(events.data.map(({ amount, balanceAfter }) => [amount, balanceAfter])).toEqual([[-10, 20], [30, 30]])
    expect((await historyOf(account, '?windowStart=2026-01-31T14:30:00.123%2B05:30')).used).toBe(20)
  })

  test('answer a window that is none of the account with 404, and what has no windows with 400', async () => {
    const other = await someone('2026-01-10T09:00:00Z')
    await charge({ account: other, amount: 5 })
    const account = await someone('2026-01-20T09:00:00Z')
    for (const path of ['/api/usage/history', '/api/usage/history.csv']) {
      const strange = await get(account, `${path}?windowStart=2026-01-10T09:00:00Z`)
      expect([strange.status, strange.body.code]).toEqual([404, 'not_found'])
      expect(strange.body.detail).toContain('2026-01-10T09:00:00Z')
      expect((await get(account, `${path}?windowStart=0000-01-01T00:00:00Z`)).status).toBe(404)
      const level = await get(account, `${path}?metric=chatbots`)
      expect([level.status, level.body.code]).toEqual([400, 'invalid_argument'])
      expect(level.body.detail).toContain('is a level')
      const unknown = await get(account, `${path}?metric=nonsense`)
      expect([unknown.status, unknown.body.code]).toEqual([400, 'unknown_metric'])
      for (const query of ['?metric=DROP', '?windowStart=yesterday', '?windowStart=2026-02-30T00:00:00Z', '?days=3']) {
        expect((await get(account, path + query)).status).toBe(400)
      }
    }
    expect((await historyOf(account)).days).toEqual([])
    expect((await request(server.app).get('/api/usage/history')).status).toBe(401)
  })

  test('are a CSV of the same: its sum is the JSON\'s, a formula is neutralised, a negative amount stays a number', async () => {
    const account = await someone('2026-03-10T09:00:00Z')
    for (const [index, name] of ['=1+1', '-2+3', '@SUM(A1)', 'Größe, "quoted"'].entries()) {
      await charge({ account, amount: 10 ** index, chatbotId: await chatbot(account, name), channel: 'widget' })
    }
    await charge({ account, amount: 50000, requestId: 'much' })
    await travelTo('2026-03-11T00:00:00Z')
    await owner.query(`select api.decrement_usage($1, 'messages', 40000, 'much')`, [account])

    const answer = await get(account, '/api/usage/history.csv?metric=messages')
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toBe('text/csv; charset=utf-8')
    expect(answer.headers['content-disposition']).toBe('attachment; filename="parley-messages-2026-03-10.csv"')
    const [header, ...lines] = answer.text.replace(/^\uFEFF/, '').trimEnd().split('\r\n')
    expect(answer.text.startsWith('\uFEFF')).toBe(true)
    expect(header).toBe('day,chatbot,channel,messages,chatbot_id')
    const history = await historyOf(account)
    expect(lines).toHaveLength(history.days.length)
    const amounts = lines.map((line) => Number(/,(-?\d+),[0-9a-f-]*$/.exec(line)?.[1]))
    expect(amounts).toEqual(history.days.map(({ amount }) => amount))
    expect(amounts.reduce((sum, amount) => sum + amount, 0)).toBe(history.used)
    expect(history.used).toBe(11111)
    expect(lines.at(-1)).toBe('2026-03-11,,,-40000,')
    const chatbots = lines.map((line) => line.slice('2026-03-10,'.length)).filter((rest) => rest.includes('widget'))
    const has = (start: string) => chatbots.filter((line) => line.startsWith(start)).length
    expect([has('\'=1+1,widget,1,'), has('\'-2+3,widget,10,'), has('\'@SUM(A1),widget,100,'), has('"Größe, ""quoted""",widget,1000,')]).toEqual([1, 1, 1, 1])
    expect(answer.text).not.toMatch(/(^|,)"?[=@+]/m)
  })

  test('are a CSV in which no name begins a line or a cell of its own, whatever line ends it holds', async () => {
    const account = await someone('2026-03-12T09:00:00Z')
    const names = ['Helper\n=1+1', 'Helper\r=1+1', 'Helper\r\n=1+1,"x"', 'Helper\n"=1+1']
    for (const [index, name] of names.entries()) {
      await charge({ account, amount: index + 1, chatbotId: await chatbot(account, name), channel: 'api' })
    }
    const { text } = await get(account, '/api/usage/history.csv')
    const cells = text.matchAll(/"((?:[^"]|"")*)"/g)
    expect(new Set([...cells].map(([, name]) => name?.replaceAll('""', '"')))).toEqual(new Set(names))
    // Outside of the quoted cells there is one line per day, chatbot and channel, and no other.
    const lines = text.replaceAll(/"(?:[^"]|"")*"/g, 'name').trimEnd().split(/[\r\n]+/).slice(1)
    expect(lines).toHaveLength(names.length)
    for (const line of lines) expect(line).toMatch(/^2026-03-12,name,api,\d,[0-9a-f-]{36}$/)
  })

  test('page through a ledger with exact balances while new rows arrive', async () => {
    const account = await someone('2026-04-10T09:00:00Z')
    await charge({ account, amount: 1 })
    await owner.query(
      `select count(d.*) from generate_series(2, 250) n cross join lateral
         api.check_and_increment_usage_many(array[$1], array['messages'], array[n::bigint], array['row-' || n]) d`,
      [account]
    )
    const { windowStart } = await historyOf(account)
    const seen: UsageEvent[] = []
    let cursor: string | null = null
    let pages = 0
    do {
      const page: EventsPage = await eventsOf(account, `?metric=messages&limit=40&windowStart=${windowStart}${cursor === null ? '' : `&cursor=${cursor}`}`)
      seen.push(...page.data)
      cursor = page.nextCursor
      pages += 1
      await charge({ account, amount: 1000 + pages, requestId: `late-${pages}` })
      await charge({ account, amount: 500, metric: 'llm_tokens' })
      await owner.query(`select api.decrement_usage($1, 'messages', 1, $2)`, [account, `row-${pages + 10}`])
    } while (cursor !== null)
    expect([pages, seen.length]).toEqual([7, 250])
    expect(seen.map(({ amount }) => amount)).toEqual(Array.from({ length: 250 }, (_, index) => 250 - index))
    expect(seen.map(({ balanceAfter }) => balanceAfter)).toEqual(seen.map(({ amount }) => (amount * (amount + 1)) / 2))
    const newest = await eventsOf(account, `?metric=messages&limit=1&windowStart=${windowStart}`)
    expect(newest.data[0]?.balanceAfter).toBe(await usedOf(account))
  })

  test('read while many charge at once tell of every row the sum of all rows up to it', async () => {
    const account = await someone('2026-04-10T09:00:00Z')
    await charge({ account, amount: 5 })
    const { windowStart } = await historyOf(account)
    const clients = await Promise.all(Array.from({ length: 4 }, () => server.database.connect()))
    const charging = clients.map(async (client, worker) => {
      for (let turn = 0; turn < 25; turn += 1) {
        await client.query('select api.check_and_increment_usage($1, $2, $3, $4)', [account, 'messages', worker + 1, `${worker}-${turn}`])
        if (turn % 5 !== 4) continue
        await client.query(`select api.decrement_usage($1, 'messages', 1, $2)`, [account, `${worker}-${turn}`])
        await client.query(`select api.reserve_usage($1, 'messages', 2, $2)`, [account, `estimate-${worker}-${turn}`])
        await client.query('select api.settle_usage($1, $2, $3)', [account, `estimate-${worker}-${turn}`, turn % 2 === 0 ? 3 : 1])
      }
    })
    const told = new Map<string, number | null>()
    const state = { isCharging: true }
    const done = Promise.all(charging).finally(() => {
      state.isCharging = false
    })
    do {
      let cursor: string | null = null
      do {
        const query = `?metric=messages&limit=9&windowStart=${windowStart}${cursor === null ? '' : `&cursor=${cursor}`}`
        const page: EventsPage = await eventsOf(account, query)
        for (const { eventId, balanceAfter } of page.data) {
          expect(told.get(eventId) ?? balanceAfter).toBe(balanceAfter)
          told.set(eventId, balanceAfter)
        }
        cursor = page.nextCursor
      } while (cursor !== null)
    } while (state.isCharging)
    await done
    for (const { eventId, balanceAfter } of (await eventsOf(account, `?metric=messages&limit=100&windowStart=${windowStart}`)).data) told.set(eventId, balanceAfter)
    const { rows } = await owner.query<{ id: string; sum: number }>(
      `select id::text, sum(amount) over (order by id)::int as sum from app.usage_events where account_id = $1 and metric = 'messages' order by id`,
      [account]
    )
    expect(rows).toHaveLength(1 + 4 * (25 + 5 + 2 * 5))
    expect(rows.filter(({ id }) => told.has(id)).map(({ id }) => told.get(id))).toEqual(rows.filter(({ id }) => told.has(id)).map(({ sum }) => sum))
    expect(told.size).toBeGreaterThanOrEqual(100)
  })

  test('filter the ledger by day, chatbot and channel, without a balance then', async () => {
    const account = await someone('2026-05-10T09:00:00Z')
    const help = await chatbot(account, 'Help')
    await charge({ account, amount: 1, chatbotId: help, channel: 'api' })
    await charge({ account, amount: 2 })
    await travelTo('2026-05-11T00:00:00Z')
    await charge({ account, amount: 3, chatbotId: help, channel: 'widget' })
    const amounts = async (query: string) => (await eventsOf(account, `?metric=messages${query}`)).data.map(({ amount, balanceAfter }) => [amount, balanceAfter])
    expect(await amounts('&day=2026-05-10')).toEqual([[2, null], [1, null]])
    expect(await amounts(`&chatbotId=${help}`)).toEqual([[3, null], [1, null]])
    expect(await amounts('&chatbotId=none')).toEqual([[2, null]])
    expect(await amounts('&channel=widget&windowStart=2026-05-10T09:00:00.000Z')).toEqual([[3, null]])
    expect(await amounts('&windowStart=2026-05-10T09:00:00.000Z')).toEqual([[3, 6], [2, 3], [1, 1]])
    expect(await amounts('')).toEqual([[3, null], [2, null], [1, null]])
    const [newest] = (await eventsOf(account, '?metric=chatbots')).data
    expect(newest).toMatchObject({ metric: 'chatbots', amount: 1, balanceAfter: 1, windowStart: null, reason: 'insert', chatbotId: help, chatbotName: 'Help' })
    expect((await eventsOf(account, '')).data.map(({ metric }) => metric)).toEqual(['messages', 'messages', 'messages', 'chatbots'])
  })

  test('refuse a cursor of another list, and faulty filters', async () => {
    const account = await someone('2026-05-10T09:00:00Z')
    for (const amount of [1, 2, 3]) await charge({ account, amount })
    const { nextCursor } = await eventsOf(account, '?metric=messages&windowStart=2026-05-10T09:00:00Z&limit=1')
    expect((await eventsOf(account, `?metric=messages&windowStart=2026-05-10T09:00:00.000Z&cursor=${nextCursor}`)).data.map(({ balanceAfter }) => balanceAfter)).toEqual([3, 1])
    for (const query of [
      `metric=llm_tokens&windowStart=2026-05-10T09:00:00Z&cursor=${nextCursor}`, `metric=messages&cursor=${nextCursor}`, 'cursor=bm9uc2Vuc2U', 'metric=nonsense', 'channel=fax',
      'day=2026-02-30', 'day=0000-01-01', 'windowStart=0000-01-01T00:00:00Z', 'windowStart=9999-12-31T23:59:59-23:59', 'chatbotId=x', 'limit=101', 'limit=0', 'amount=1'
    ]) {
      expect([query, (await get(account, `/api/usage/events?${query}`)).status]).toEqual([query, 400])
    }
  })

  test('show nothing of another account: not its rows, not the name of its chatbot', async () => {
    const other = await someone('2026-06-10T09:00:00Z')
    const account = await someone('2026-06-10T09:00:00Z')
    const secret = await chatbot(other, 'Secret of another')
    await charge({ account: other, amount: 7777, chatbotId: secret, channel: 'api' })
    // A server of a customer may name any id with a charge.
    await charge({ account, amount: 1, chatbotId: secret, channel: 'api' })
    expect((await historyOf(account)).days).toEqual([{ day: '2026-06-10', chatbotId: secret, chatbotName: null, channel: 'api', amount: 1, events: 1 }])
    const answers = await Promise.all(
      ['history', 'history.csv', 'events', `events?chatbotId=${secret}`, 'events?metric=messages&windowStart=2026-06-10T09:00:00Z'].map((path) => get(account, `/api/usage/${path}`))
    )
    for (const { text } of answers) expect(text).not.toMatch(/Secret|7777/)
    const [mine] = (await eventsOf(account, `?chatbotId=${secret}`)).data
    expect(mine).toMatchObject({ amount: 1, chatbotName: null })
    const { nextCursor } = await eventsOf(other, '?metric=messages&windowStart=2026-06-10T09:00:00Z&limit=1')
    expect(nextCursor).toBeNull()
  })

  test('name the metrics\' forecasts and the time they were read', async () => {
    const account = await someone('2026-09-01T00:00:00Z')
    await charge({ account, amount: 600000 })
    await chatbot(account, 'Help')
    const { parts } = server
    const meters = async (now: string) => {
      await travelTo(now)
      const app = createApp({ ...parts, nowMs: () => Date.parse(now) })
      return usageSchema.parse((await request(app).get('/api/usage').set(await bearer(account))).body)
    }
    const forecasts = ({ metrics }: z.output<typeof usageSchema>) => Object.fromEntries(metrics.map(({ metric, forecast }) => [metric, forecast]))
    const early = await meters('2026-09-02T23:59:59.000Z')
    expect(early.asOf).toBe('2026-09-02T23:59:59.000Z')
    expect(Object.values(forecasts(early)).filter((forecast) => forecast !== null)).toEqual([])
    expect(forecasts(await meters('2026-09-16T00:00:00.000Z'))).toMatchObject({
      messages: { projected: 1200000, reachesQuotaAt: '2026-09-26T00:00:00.000Z' },
      llm_tokens: null,
      chatbots: null
    })
  })

  test('leave every invariant whole', async () => {
    expect(await brokenInvariants(owner)).toEqual([])
  })
})

import { afterAll, describe, expect, test } from '@jest/globals'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StartError } from '../../../scripts/embedded/start-error.ts'
import { DAY, HOUR, START, startFakeTwin, type FakeTwin } from './support/fake-dialect.ts'
import { startReceiver } from './support/receiver.ts'

const folder = mkdtempSync(join(tmpdir(), 'parley-twin-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const iso = (ms: number): string => new Date(ms).toISOString()
const withKey = { Authorization: 'Bearer key', 'Content-Type': 'application/json' }
const make = (twin: FakeTwin, name: string, headers: Record<string, string> = withKey): Promise<Response> =>
  fetch(`${twin.urls.stripe}/things`, { method: 'POST', headers, body: JSON.stringify({ name }) })

describe('advanceTo', () => {
  test('does what is due over all processors in order of time, the clock at each, and delivers in between', async () => {
    const parley = await startReceiver()
    const twin = await startFakeTwin(parley.url)
    twin.fakes.razorpay.plan(START + HOUR)
    twin.fakes.stripe.plan(START + 3 * HOUR)
    twin.fakes.paddle.plan(START + 2 * HOUR)
    twin.fakes.stripe.plan(START + 2 * HOUR)
    twin.fakes.paddle.plan(START + DAY + 1)
    expect(twin.nextDue()).toBe(START + HOUR)
    const seen: string[] = []
    parley.answer = ({ body }) => {
      seen.push(`${body} seen at ${iso(twin.nowMs())}`)
      return 200
    }
    await twin.advanceTo(START + DAY)
    const [one, two, three] = [iso(START + HOUR), iso(START + 2 * HOUR), iso(START + 3 * HOUR)]
    expect(twin.journal).toEqual([`razorpay at ${one}`, `stripe at ${two}`, `paddle at ${two}`, `stripe at ${three}`])
    expect(seen).toEqual([`razorpay ${one}`, `stripe ${two}`, `paddle ${two}`, `stripe ${three}`].map((text) => `${text} seen at ${text.slice(-24)}`))
    expect([twin.nowMs(), twin.nextDue()]).toEqual([START + DAY, START + DAY + 1])
  })

  test('also does what only becomes due on the way, because Parley acted on a webhook', async () => {
    const parley = await startReceiver()
    const twin = await startFakeTwin(parley.url)
    twin.fakes.stripe.plan(START + HOUR)
    parley.answer = ({ body }) => {
      if (body.startsWith('stripe')) twin.fakes.paddle.plan(START + 2 * HOUR)
      return 200
    }
    await twin.advanceTo(START + 2 * HOUR)
    expect(twin.journal).toEqual([`stripe at ${iso(START + HOUR)}`, `paddle at ${iso(START + 2 * HOUR)}`])
  })

  test('never goes back, and calls at the same time wait for each other', async () => {
    const parley = await startReceiver()
    const twin = await startFakeTwin(parley.url)
    twin.fakes.stripe.plan(START + HOUR)
    await Promise.all([twin.advanceTo(START + DAY), twin.advanceTo(START + 2 * HOUR)])
    expect(twin.nowMs()).toBe(START + DAY)
    expect(twin.journal).toEqual([`stripe at ${iso(START + HOUR)}`])
  })

  test('a processor that never gets done is an error, not a hang, and the clock stays where it was', async () => {
    const parley = await startReceiver()
    const twin = await startFakeTwin(parley.url)
    twin.fakes.paddle.plan(START + HOUR)
    twin.fakes.paddle.runDue = () => undefined
    await expect(twin.advanceTo(START + DAY)).rejects.toThrow(`does not get done with what is due at ${iso(START + HOUR)}`)
    expect(twin.nowMs()).toBe(START + HOUR)
  })
})

test('a stop in the middle of an advance ends at that step, and what was not done is done after the restart', async () => {
  const parley = await startReceiver()
  const stateFile = join(folder, 'middle.json')
  const before = await startFakeTwin(parley.url, { stateFile })
  before.fakes.stripe.plan(START + HOUR)
  before.fakes.stripe.plan(START + 2 * HOUR)
  const asked = Promise.withResolvers<void>()
  parley.answer = () => {
    asked.resolve()
    return 200
  }
  const advance = before.advanceTo(START + DAY)
  const outcome = expect(advance).rejects.toThrow('stopped')
  await asked.promise
  await before.stop()
  await outcome
  const after = await startFakeTwin(parley.url, { stateFile })
  expect(after.nowMs()).toBe(START + HOUR)
  await after.advanceTo(START + DAY)
  expect(after.journal).toEqual([`stripe at ${iso(START + 2 * HOUR)}`])
})

describe('a running clock', () => {
  test('goes on from where it was put, does what becomes due by itself and sends it at once', async () => {
    const parley = await startReceiver()
    const twin = await startFakeTwin(parley.url, { clock: 'running' })
    const arrived = Promise.withResolvers<string>()
    parley.answer = ({ body }) => {
      arrived.resolve(body)
      return 200
    }
    const realBefore = Date.now()
    await twin.advanceTo(START + DAY)
    expect(twin.nowMs() - (START + DAY)).toBeGreaterThanOrEqual(0)
    expect(twin.nowMs() - (START + DAY)).toBeLessThanOrEqual(Date.now() - realBefore)
    const due = twin.nowMs() + 20
    twin.fakes.paddle.plan(due)
    expect(await arrived.promise).toBe(`paddle ${iso(due)}`)
    expect(twin.nowMs()).toBeGreaterThanOrEqual(due)
  })

  test('before it begins nothing is sent; then what it missed is done in order', async () => {
    const parley = await startReceiver()
    const twin = await startFakeTwin(parley.url, { clock: 'running', beginLater: true })
    twin.fakes.stripe.tell('early')
    await new Promise((resolve) => setImmediate(resolve))
    expect(parley.received).toEqual([])
    const arrived = Promise.withResolvers<void>()
    parley.answer = () => {
      arrived.resolve()
      return 200
    }
    twin.begin()
    await arrived.promise
    expect(parley.take()).toEqual(['early'])
  })
})

describe('the state', () => {
  test('survives a restart: what is there, what is due, what is pending, the time and the addresses', async () => {
    const parley = await startReceiver()
    const stateFile = join(folder, 'survives.json')
    parley.answer = () => 503
    const before = await startFakeTwin(parley.url, { stateFile })
    before.fakes.paddle.retries = [30 * DAY]
    await make(before, 'kept')
    before.fakes.paddle.tell('pending')
    before.fakes.razorpay.plan(START + 3 * DAY)
    await before.advanceTo(START + 2 * DAY)
    const idBefore = before.dialect('stripe')
    await before.stop()
    expect(statSync(stateFile).mode & 0o777).toBe(0o600)

    parley.answer = () => 200
    parley.take()
    const after = await startFakeTwin(parley.url, { stateFile })
    expect(after.dialect('stripe')).not.toBe(idBefore)
    expect(after.urls).toEqual(before.urls)
    expect([after.nowMs(), after.fakes.stripe.things]).toEqual([START + 2 * DAY, ['kept']])
    // Parley was away; a processor would go on trying for days, but nobody waits for that at a desk.
    await after.deliver()
    expect(parley.take()).toEqual(['pending'])
    await after.advanceTo(START + 4 * DAY)
    expect(parley.take()).toEqual([`razorpay ${iso(START + 3 * DAY)}`])
  })

  test('gives no id again after a restart with the same seed', async () => {
    const parley = await startReceiver()
    const stateFile = join(folder, 'ids.json')
    const idsOf = async (): Promise<string[]> => {
      const twin = await startFakeTwin(parley.url, { stateFile })
      for (const letter of 'abc') twin.fakes.stripe.tell(letter)
      await twin.deliver()
      await twin.stop()
      return parley.received.splice(0).map(({ headers }) => String(headers['x-signed']).split(' ')[3] ?? '')
    }
    const ids = [...(await idsOf()), ...(await idsOf())]
    expect(ids.every((id) => /^evt_\w{24}$/.test(id))).toBe(true)
    expect(new Set(ids).size).toBe(6)
  })

  test('is written soon after a change, not only at the end, so that a kill loses little', async () => {
    const parley = await startReceiver()
    const stateFile = join(folder, 'soon.json')
    const twin = await startFakeTwin(parley.url, { stateFile })
    await make(twin, 'made')
    const deadline = Date.now() + 5_000
    const written = (): boolean => statSync(stateFile, { throwIfNoEntry: false }) !== undefined
    while (!written() && Date.now() < deadline) await new Promise((resolve) => setImmediate(resolve))
    expect(readFileSync(stateFile, 'utf8')).toContain('"made"')
  })

  test('of something else is refused in a sentence, and no port stays open', async () => {
    const parley = await startReceiver()
    const stateFile = join(folder, 'wrong.json')
    writeFileSync(stateFile, '{"format": 1}')
    await expect(startFakeTwin(parley.url, { stateFile })).rejects.toThrow(StartError)
    await expect(startFakeTwin(parley.url, { stateFile })).rejects.toThrow(/wrong\.json is no state of the offline twin/)
  })

  test('whose port was taken meanwhile is served on another one', async () => {
    const parley = await startReceiver()
    const stateFile = join(folder, 'ports.json')
    const first = await startFakeTwin(parley.url, { stateFile })
    await make(first, 'kept')
    await first.stop()
    const { ports } = JSON.parse(readFileSync(stateFile, 'utf8')) as { ports: { stripe: number } }
    const other = await startFakeTwin(parley.url, { ports: { control: ports.stripe } })
    const second = await startFakeTwin(parley.url, { stateFile })
    expect(second.urls.stripe).not.toBe(first.urls.stripe)
    expect(second.fakes.stripe.things).toEqual(['kept'])
    await expect(startFakeTwin(parley.url, { ports: { control: ports.stripe } })).rejects.toThrow(/EADDRINUSE/)
    await other.stop()
  })
})

describe('an answer that goes wrong', () => {
  test('is lost after the effect, for the next changes only', async () => {
    const parley = await startReceiver()
    const twin = await startFakeTwin(parley.url)
    twin.faults.stripe.loseNext = 1
    expect(await (await fetch(`${twin.urls.stripe}/things`, { headers: withKey })).json()).toEqual([])
    await expect(make(twin, 'lost')).rejects.toThrow()
    expect(twin.fakes.stripe.things).toEqual(['lost'])
    expect((await make(twin, 'answered')).status).toBe(200)
    await twin.deliver()
    expect(parley.take().toSorted()).toEqual(['answered', 'lost'])
  })

  test('is an error 500 without an effect', async () => {
    const parley = await startReceiver()
    const twin = await startFakeTwin(parley.url)
    twin.faults.stripe.failNext = 1
    const failed = await make(twin, 'failed')
    expect([failed.status, await failed.json()]).toEqual([500, { error: expect.objectContaining({ type: 'api_error' }) }])
    expect(twin.fakes.stripe.things).toEqual([])
    expect((await make(twin, 'made')).status).toBe(200)
  })

  test('comes at about the rate that was set, the same with the same seed, and never on the pages of a buyer', async () => {
    const parley = await startReceiver()
    const lost = async (): Promise<string[]> => {
      const twin = await startFakeTwin(parley.url, { faults: { loseAnswers: 0.3 } })
      const names = Array.from({ length: 100 }, (_, number) => String(number))
      const gone: string[] = []
      for (const name of names) await make(twin, name).catch(() => gone.push(name))
      expect(twin.fakes.stripe.things).toEqual(names)
      return gone
    }
    const gone = await lost()
    expect(gone.length).toBeGreaterThan(15)
    expect(gone.length).toBeLessThan(45)
    expect(await lost()).toEqual(gone)
    const twin = await startFakeTwin(parley.url, { faults: { loseAnswers: 1, failBefore: 1 } })
    expect((await make(twin, 'by a buyer', { 'Content-Type': 'application/json' })).status).toBe(200)
  })
})

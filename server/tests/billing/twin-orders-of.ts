import { beforeAll, describe, expect, test } from '@jest/globals'
import type { Client } from 'pg'
import { prepareSandbox } from '../../../scripts/database/sandbox.ts'
import { planPriceSchema, twinPrices } from '../../../scripts/twin/catalog.ts'
import { closeAfterTests, createTestDatabase } from '../support/database.ts'
import { type Ledger, openLedger } from './twin-ledger.ts'
import { LIVES, type Life, live, type Step, together } from './twin-life.ts'
import { type Count, countAstray, goOn, proveIgnored, proveLosses, proveOrders, provePlain } from './twin-orders.ts'
import { openShop, type Teller, type TwinShop } from './twin-shop.ts'

/** How many orders are tried of what has been tried in parts. */
const PAIRED = 8
const WHOLE = 16

/** A machine with much else to do takes several times the twenty seconds that the longest test takes. */
const TIMEOUT_MS = 180_000

/** proveOrdersOf defines the tests of one processor in one shape of its events: both lives, step by step and all at once. */
export function proveOrdersOf(teller: Teller): void {
  describe.each(LIVES)('$name', (life) => {
    let shop: TwinShop
    let ledger: Ledger
    const steps: Step[] = []
    const count: Count = { histories: 0, deliveries: 0 }
    const proofOf = (step: Step) => ({ ledger, processor: shop.processor, step, count })

    beforeAll(async () => {
      const owner = await openSandbox()
      ledger = await openLedger(owner)
      shop = await shopFor(owner, teller, life)
    })

    test('each step, in any order, with anything twice or lost, ends in the state of the twin', async () => {
      await ledger.attempt(async () => {
        for await (const step of live(shop, life)) {
          await ledger.standAt(step.atMs)
          const before = steps.at(-1)
          steps.push(step)
          if (before !== undefined) {
            // What belongs to two steps may also come mixed.
            const pair = proofOf(together(`${before.what}, and ${step.what}`, [before, step]))
            await proveOrders(pair, await provePlain(pair), PAIRED)
            await goOn(proofOf(before))
          }
          const proof = proofOf(step)
          const ending = await provePlain(proof)
          await proveOrders(proof, ending)
          await proveLosses(proof, ending)
        }
      })
      expect(steps).toHaveLength(life.deeds.length + 1)
    }, TIMEOUT_MS)

    test('all of the life in any order, and twice, ends in the state of the twin', async () => {
      const proof = proofOf(together(life.name, steps))
      await ledger.attempt(async () => proveOrders(proof, await provePlain(proof), WHOLE))
      expect(count.histories).toBeGreaterThan(100)
    }, TIMEOUT_MS)

    test('what Parley does not act on changes nothing', async () => {
      const proof = proofOf(together(life.name, steps))
      await goOn(proof)
      await proveIgnored(proof)
    })
  })

  test('the proof can fail: told in the order of arrival, a renewal that fails and recovers often ends astray', async () => {
    const [life] = LIVES
    if (life === undefined) throw new Error('There is no life.')
    const owner = await openSandbox()
    await foldByArrival(owner)
    const ledger = await openLedger(owner)
    const shop = await shopFor(owner, teller, life)
    const count: Count = { histories: 0, deliveries: 0 }
    for await (const step of live(shop, life)) {
      await ledger.standAt(step.atMs)
      const proof = { ledger, processor: shop.processor, step, count }
      if (step.what === 'a renewal that fails and recovers') {
        expect(await countAstray(proof)).toBeGreaterThan(6)
        return
      }
      await goOn(proof)
    }
    throw new Error('The step is missing.')
  })
}

async function openSandbox(): Promise<Client> {
  const database = await createTestDatabase()
  const owner = await database.connect()
  await prepareSandbox(owner)
  return owner
}

async function shopFor(owner: Client, teller: Teller, life: Life): Promise<TwinShop> {
  const { rows } = await owner.query('select * from api.list_plan_prices()')
  const catalog = rows.map((row) => planPriceSchema.parse(row))
  const shop = await openShop(teller, twinPrices(teller.name, catalog), Date.parse(life.begins))
  closeAfterTests(() => shop.close())
  return shop
}

/** foldByArrival breaks the fold on purpose: it takes the events as they came, and not in the processor's order. */
async function foldByArrival(owner: Client): Promise<void> {
  const { rows } = await owner.query<{ source: string }>(`select pg_get_functiondef('app.fold_subscription'::regproc) as source`)
  const source = rows[0]?.source ?? ''
  const broken = source.replace('order by e.occurred_at, e.event_rank, e.event_id collate "C"', 'order by e.arrived')
  if (broken === source) throw new Error('The order of the fold is written otherwise.')
  await owner.query('alter table app.subscription_events add column arrived bigserial')
  await owner.query(broken)
}

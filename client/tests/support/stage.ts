import { afterEach, beforeAll, expect } from '@jest/globals'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { dataPaths } from '../../../scripts/embedded/data-folder.ts'
import { readRunState } from '../../../scripts/embedded/run-state.ts'
import { createDataDir, type ParleyProcess, startParley } from '../../../server/tests/start/parley-process.ts'
import { closeAfterTests } from '../../../server/tests/support/database.ts'
import { type Account, createAccount, type Identity } from './account.ts'
import { launchBrowser } from './browser.ts'
import { DESKTOP_PX, openContext } from './context.ts'
import { type Tolerated, watchFaults } from './faults.ts'

/** Visit is how a page is opened. `as` null opens it signed out; `origins` are those it may talk to besides Parley. */
export type Visit = {
  as: Identity | null
  path?: string
  scheme?: 'light' | 'dark'
  width?: number
  origins?: readonly string[]
  tolerated?: Tolerated
}

/**
 * Stage is one running Parley and one browser for a test file. Every page has a context of its own, closed after its test,
 * which fails where one of its pages has met a fault ({@link watchFaults}).
 */
export type Stage = {
  /** url is Parley's address as people open it, without a slash at its end. */
  url(): string
  parley(): ParleyProcess
  /** checkoutOrigin is where the twin's Stripe shows its pages. */
  checkoutOrigin(): string
  browser(): Browser
  /** newAccount belongs to a user nobody else in this file is. */
  newAccount(name: string, options?: { operator: boolean }): Account
  open(visit: Visit): Promise<Page>
}

const START_MS = 60_000

/** setStage starts it before the tests of the file; call it once, at the top. `environment` is asked for when it starts. */
export function setStage(environment: () => Promise<Record<string, string>> = () => Promise.resolve({})): Stage {
  let started: { parley: ParleyProcess; browser: Browser } | null = null
  let accounts = 0
  const visits: { context: BrowserContext; faults: string[] }[] = []
  const running = (): { parley: ParleyProcess; browser: Browser } => {
    if (started === null) throw new Error('The stage is set before the tests, not while they are defined.')
    return started
  }
  // Parley takes sessions of pages at `localhost`.
  const url = (): string => running().parley.url.replace('127.0.0.1', 'localhost')

  beforeAll(async () => {
    const parley = await startParley(createDataDir(), { RATE_LIMIT_ADDRESS_PER_MINUTE: '100000', RATE_LIMIT_ACCOUNT_PER_MINUTE: '100000', ...(await environment()) })
    const [browser] = await Promise.all([launchBrowser(), parley.ready])
    closeAfterTests(() => browser.close())
    started = { parley, browser }
  }, START_MS)

  afterEach(async () => {
    const ended = visits.splice(0)
    await keepPictures(ended.map(({ context }) => context))
    await Promise.all(ended.map(({ context }) => context.close()))
    expect(ended.flatMap(({ faults }) => faults)).toEqual([])
  })

  return {
    url,
    parley: () => running().parley,
    checkoutOrigin: () => {
      const twin = readRunState(dataPaths(running().parley.dataDir))?.twin
      if (!twin) throw new Error('No twin runs beside this Parley.')
      return new URL(twin.stripe).origin
    },
    browser: () => running().browser,
    newAccount: (name, { operator } = { operator: false }) => {
      accounts += 1
      return createAccount(url(), { userId: `${name}-${accounts}`, operator })
    },
    open: async ({ as, path = '/', scheme = 'light', width = DESKTOP_PX, origins = [], tolerated = {} }) => {
      const context = await openContext(running().browser, { url: url(), as, scheme, width })
      visits.push({ context, faults: watchFaults(context, new Set([url(), ...origins]), tolerated) })
      const page = await context.newPage()
      await page.goto(`${url()}${path}`)
      return page
    }
  }
}

/** PARLEY_TEST_PICTURES names a folder for how every page looked when its test ended, to see why one failed. */
async function keepPictures(contexts: BrowserContext[]): Promise<void> {
  const folder = process.env['PARLEY_TEST_PICTURES']
  if (folder === undefined) return
  const test = (expect.getState().currentTestName ?? '').replace(/\W+/g, '-').slice(0, 60)
  for (const [place, page] of contexts.flatMap((context) => context.pages()).entries()) {
    await page.screenshot({ path: join(folder, `${test}-${place}.png`) })
  }
}

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import type { Browser } from 'playwright-core'
import { wear } from '../client/tests/support/axe.ts'
import { launchBrowser } from '../client/tests/support/browser.ts'
import { DESKTOP_PX, openContext, PHONE_PX } from '../client/tests/support/context.ts'
import { bringAbout, type Screen, screensOf } from '../client/tests/support/screens.ts'
import { seedParley } from '../client/tests/support/seed.ts'
import { REPOSITORY } from './embedded/environment.ts'
import { freePort } from './embedded/free-port.ts'

/*
 * `npm run screenshots`: every screen of the web client, light and dark, on a desk and on a phone, over a Parley of its own
 * with some weeks of life in it. The pictures are for looking at; git ignores them.
 */

const PICTURES = join(REPOSITORY, 'client', 'screenshots')
const README_PICTURES = join(REPOSITORY, 'docs', 'pictures')
const README_WIDTH_PX = 880
const README_HEIGHT_PX = 600
const README_MOST_BYTES = 60_000
const LOOKS = [
  { scheme: 'light', width: DESKTOP_PX },
  { scheme: 'dark', width: DESKTOP_PX },
  { scheme: 'dark', width: PHONE_PX },
  { scheme: 'light', width: PHONE_PX }
] as const
// Near the end of the 2,000 messages of its plan.
const LIFE = { days: 14, questionsADay: 118 }

const options = new Command('npm run screenshots --')
  .description('Takes a picture of every screen of the web client.')
  .option('--readme', 'only the two of the README, docs/pictures/{chat,usage}.png')
  .option('--only <part>', 'only screens whose name has this part')
  .parse()
  .opts<{ readme?: boolean; only?: string }>()

const folder = mkdtempSync(join(tmpdir(), 'parley-screenshots-'))
// Root's Postgres runs as another user, who must be able to pass.
chmodSync(folder, 0o711)
const dataDir = join(folder, 'data')
const port = await freePort()
const url = `http://localhost:${port}`
const unlimited = Object.fromEntries(
  ['ADDRESS_PER_MINUTE', 'ACCOUNT_PER_MINUTE', 'NEW_VISITS_PER_HOUR', 'VISITOR_MESSAGES_PER_MINUTE'].map((name) => [`RATE_LIMIT_${name}`, '100000'])
)
const parley = spawn(process.execPath, [join(REPOSITORY, 'scripts', 'start.ts')], {
  env: { ...process.env, ...unlimited, DATA_DIR: dataDir, PORT: String(port) },
  stdio: ['ignore', 'pipe', 'inherit']
})
const ended = once(parley, 'close')
try {
  await ready()
  console.log('Living some weeks…')
  const screens = screensOf(await seedParley(url, dataDir, LIFE))
  const browser = await launchBrowser()
  try {
    if (options.readme) await pictureReadme(browser, screens)
    else for (const screen of screens) if (screen.name.includes(options.only ?? '')) await picture(browser, screen)
  } finally {
    await browser.close()
  }
} finally {
  parley.kill()
  await ended
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

async function ready(): Promise<void> {
  let said = ''
  for await (const chunk of parley.stdout) {
    said += String(chunk)
    if (said.includes('Parley is ready')) break
  }
  if (!said.includes('Parley is ready')) throw new Error(`Parley did not start:\n${said}`)
}

async function picture(browser: Browser, screen: Screen): Promise<void> {
  const context = await openContext(browser, { url, as: screen.as, scheme: 'light', width: DESKTOP_PX })
  const page = await context.newPage()
  await page.goto(`${url}${screen.path}`)
  await bringAbout(page, screen)
  for (const { scheme, width } of LOOKS) {
    await wear(page, scheme, width)
    const path = join(PICTURES, `${screen.name}-${scheme}-${width === PHONE_PX ? 'phone' : 'desktop'}.png`)
    // What darkens the page behind a dialog is as large as the window.
    await page.screenshot({ path, fullPage: (await page.getByRole('dialog').count()) === 0 })
  }
  console.log(screen.name)
  await context.close()
}

async function pictureReadme(browser: Browser, screens: readonly Screen[]): Promise<void> {
  mkdirSync(README_PICTURES, { recursive: true })
  for (const screen of screens.filter(({ name }) => name === 'chat' || name === 'usage')) {
    const context = await openContext(browser, { url, as: screen.as, scheme: 'light', width: README_WIDTH_PX })
    const page = await context.newPage()
    await page.setViewportSize({ width: README_WIDTH_PX, height: README_HEIGHT_PX })
    await page.goto(`${url}${screen.path}`)
    await bringAbout(page, screen)
    await page.getByRole('button', { name: 'Dismiss this notice' }).click()
    const path = join(README_PICTURES, `${screen.name}.png`)
    await page.screenshot({ path })
    const bytes = statSync(path).size
    console.log(`${path} ${bytes} bytes`)
    if (bytes > README_MOST_BYTES) throw new Error(`The picture has more than ${README_MOST_BYTES} bytes.`)
    await context.close()
  }
}

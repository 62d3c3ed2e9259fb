import type { Browser, BrowserContext } from 'playwright-core'
import type { Identity } from './account.ts'

const PATIENCE_MS = 10_000
const HEIGHT_PX = 900

/** DESKTOP_PX and PHONE_PX are the widths every screen is held to. */
export const DESKTOP_PX = 1280
export const PHONE_PX = 390

/** openContext is a browser as a person has it: signed in where `as` is somebody. Nothing on its pages moves by itself. */
export async function openContext(
  browser: Browser,
  { url, as, scheme, width }: { url: string; as: Identity | null; scheme: 'light' | 'dark'; width: number }
): Promise<BrowserContext> {
  const context = await browser.newContext({
    viewport: { width, height: HEIGHT_PX },
    colorScheme: scheme,
    reducedMotion: 'reduce',
    locale: 'en-US',
    timezoneId: 'Europe/Berlin',
    ...(as !== null && {
      storageState: {
        cookies: [],
        origins: [{ origin: url, localStorage: [{ name: 'parley.identity', value: JSON.stringify({ operator: false, ...as }) }] }]
      }
    })
  })
  context.setDefaultTimeout(PATIENCE_MS)
  return context
}

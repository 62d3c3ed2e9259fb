import { type Browser, chromium } from 'playwright-core'
import { unpackedBrowser } from './unpacked-browser.ts'

// Not the package's own flags, which switch off the web's security: that is what is tested here. The sandbox needs rights a
// container does not give; the rest keeps the browser from talking to anybody but us.
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--disable-quic', '--hide-scrollbars', '--font-render-hinting=none'
]

/** launchBrowser starts the browser that came with the npm packages. */
export async function launchBrowser(): Promise<Browser> {
  const { executablePath, libraryPath } = unpackedBrowser()
  const env = { ...process.env, ...(libraryPath !== null && { LD_LIBRARY_PATH: libraryPath }) }
  return chromium.launch({ executablePath, args: FLAGS, headless: true, env })
}

import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'

const MOST_NAMED = 3
const HEIGHT_PX = 900

/** barriersOn returns what axe finds serious or critical on a page: the rule and where. */
export async function barriersOn(page: Page): Promise<string[]> {
  // The newer way judges in a page of its own, for frames of other origins, of which there are none: that takes twice the time.
  const builder = new AxeBuilder({ page }).setLegacyMode()
  const { violations } = await builder.analyze()
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.slice(0, MOST_NAMED).map(({ target, failureSummary }) => `${id} (${nodes.length}): ${target.join(' ')}: ${(failureSummary ?? '').replace(/\s+/g, ' ')}`))
}

/** wear shows a page in these colours and this width, and returns when it does. */
export async function wear(page: Page, scheme: 'light' | 'dark', width: number): Promise<void> {
  await page.emulateMedia({ colorScheme: scheme })
  await page.setViewportSize({ width, height: HEIGHT_PX })
  // The client follows the colours a moment later; the widget's page has none to follow.
  await page.locator(`html[data-mantine-color-scheme="${scheme}"], html:not([data-mantine-color-scheme])`).waitFor({ state: 'attached' })
}

/** overflowOf returns how many pixels a page is wider than its window, which makes people scroll sideways. */
export async function overflowOf(page: Page): Promise<number> {
  return Number(await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'))
}

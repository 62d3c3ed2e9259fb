import { z } from 'zod'
import { CARDS } from '../../dialect.ts'
import type { Card } from '../../dialect.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'

const ABOUT: Record<Card, string> = {
  good: 'is accepted',
  declined: 'is declined',
  declined_later: 'is accepted now and declined from the first renewal on'
}

const chosen = z.object({ card: z.enum(['4242424242424242', '4000000000000002', '4000000000000341']) })

/** cardChoice lets the buyer choose one of the test cards. */
export function cardChoice(): Html {
  const choices = Object.entries(CARDS).map(([number, card], index) => {
    const checked = index === 0 ? html` checked` : html``
    const label = html`${number.replaceAll(/(.{4})(?=.)/g, '$1 ')} (${ABOUT[card]})`
    return html`<label><input type="radio" name="card" value="${number}" ${checked} /> ${label}</label>`
  })
  return html`<fieldset>
    <legend>Test card</legend>
    ${choices}
  </fieldset>`
}

/** chosenCard is the card of a sent form, or null. */
export function chosenCard(body: unknown): Card | null {
  const parsed = chosen.safeParse(body)
  return parsed.success ? CARDS[parsed.data.card] : null
}

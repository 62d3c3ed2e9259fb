import { CARDS } from '../dialect.ts'
import type { Card } from '../dialect.ts'
import { html } from './html.ts'
import type { Html } from './html.ts'

const MEANING: Record<Card, string> = {
  good: 'is accepted',
  declined: 'is declined',
  declined_later: 'is accepted now and declined from the first renewal on'
}

/** cardChoice is the part of a form where one of the test cards is chosen. */
export function cardChoice(): Html {
  const cards = Object.entries(CARDS).map(
    ([number, card], place) =>
      html`<label class="card"
        ><input type="radio" name="card" value="${number}" required ${place === 0 ? html`checked` : null} /><span
          >${number.replace(/(.{4})(?=.)/g, '$1 ')}<br /><span class="quiet">${MEANING[card]}</span></span
        ></label
      >`
  )
  return html`<fieldset>
    <legend>Test card</legend>
    ${cards}
  </fieldset>`
}

/** readCard gives the card that a form was sent with, by its number, or null. */
export function readCard(number: unknown): Card | null {
  return Object.entries(CARDS).find(([known]) => known === number)?.[1] ?? null
}

import { CARDS } from '../dialect.ts'
import { type Context, findPlan } from './context.ts'
import { noteOf } from './notes.ts'
import { ENDED, type Plan, type SubscriptionEntity, type SubscriptionRecord } from './state.ts'

const CARD_LABELS: Record<(typeof CARDS)[keyof typeof CARDS], string> = {
  good: 'pays',
  declined: 'is declined',
  declined_later: 'pays now, is declined at the first renewal'
}

const STATUS_SENTENCES: Record<SubscriptionEntity['status'], string> = {
  created: 'Choose a card to subscribe.',
  authenticated: 'Your card was checked. The first payment follows when the subscription starts.',
  active: 'Your subscription is active.',
  pending: 'The last payment failed. Please change your card: the open invoice is then paid.',
  halted: 'The payments failed and the subscription is halted. Please change your card to go on.',
  paused: 'Your subscription is paused.',
  cancelled: 'This subscription was cancelled.',
  completed: 'This subscription has run to its end.',
  expired: 'This link has expired.'
}

/** subscriptionPage is the HTML of the page of one subscription; `fault` is a sentence for the buyer, or null. */
export function subscriptionPage(context: Context, { entity }: SubscriptionRecord, fault: string | null): string {
  const plan = findPlan(context, entity.plan_id)
  const ended = ENDED.has(entity.status)
  const waits = entity.status === 'created'
  const action = waits
    ? entity.start_at === null
      ? `Pay ${price(plan, entity.quantity)}`
      : 'Check card and subscribe'
    : 'Change card'
  const parts = [
    `<p class="amount">${escaped(price(plan, entity.quantity))} <span>${escaped(frequency(plan))}</span></p>`,
    waits && entity.start_at !== null ? `<p>First payment on ${escaped(day(entity.start_at))}.</p>` : '',
    `<p role="status">${STATUS_SENTENCES[entity.status]}</p>`,
    fault === null ? '' : `<p role="alert">${escaped(fault)}</p>`,
    ended ? '' : cardForm(entity.id, action),
    waits ? '' : wayBack(entity)
  ]
  return wholePage(plan.item.name, parts.join('\n'))
}

/** wholePage puts a title, which is escaped, and a body, which is HTML, into the twin's page. */
export function wholePage(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
body { margin: 0; padding: 1rem }
main { max-width: 24rem; margin: 0 auto }
.twin { border: 1px solid; border-radius: .5rem; padding: .5rem .75rem; font-size: .875rem }
.amount { font-size: 1.75rem; margin: .5rem 0 }
.amount span { font-size: 1rem }
fieldset { border: 0; padding: 0; margin: 1rem 0 }
label { display: flex; gap: .75rem; align-items: center; min-height: 3rem }
button, .back { font: inherit; display: block; box-sizing: border-box; width: 100%; min-height: 3rem; border-radius: .5rem;
  border: 0; background: #1a56db; color: #fff; text-align: center; line-height: 3rem; text-decoration: none; cursor: pointer }
.back { margin-top: 1rem }
:focus-visible { outline: 3px solid; outline-offset: 2px }
[role=alert] { border-left: .25rem solid #d03801; padding-left: .75rem }
</style>
</head>
<body>
<main>
<p class="twin">Razorpay, offline twin: no real money.</p>
<h1>${escaped(title)}</h1>
${body}
</main>
</body>
</html>
`
}

function cardForm(id: string, action: string): string {
  const cards = Object.entries(CARDS).map(
    ([number, kind], index) =>
      `<label><input type="radio" name="card" value="${number}"${index === 0 ? ' checked' : ''}>` +
      ` <span>${spaced(number)} (${CARD_LABELS[kind]})</span></label>`
  )
  return `<form method="post" action="/i/${encodeURIComponent(id)}">
<fieldset><legend>Test card</legend>
${cards.join('\n')}
</fieldset>
<button type="submit">${escaped(action)}</button>
</form>`
}

// Only to the web: a link from the notes must not become a script.
function wayBack(entity: SubscriptionEntity): string {
  const url = URL.parse(noteOf(entity.notes, 'return_url') ?? '')
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    return entity.status === 'expired' ? '' : '<p>You can go back to the shop now.</p>'
  }
  return `<a class="back" href="${escaped(url.href)}">Back to the shop</a>`
}

function price(plan: Plan, quantity: number): string {
  return money(plan.item.amount * quantity, plan.item.currency)
}

/** money words an amount in minor units for people, e.g. `$19.00`. */
export function money(amountMinor: number, currency: string): string {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency })
  return format.format(amountMinor / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2))
}

function frequency({ period, interval }: Plan): string {
  const unit = { daily: 'day', weekly: 'week', monthly: 'month', quarterly: 'quarter', yearly: 'year' }[period]
  return interval === 1 ? `per ${unit}` : `every ${interval} ${unit}s`
}

/** day words a time in Unix seconds by the clock of India. */
export function day(seconds: number): string {
  return new Intl.DateTimeFormat('en', { dateStyle: 'long', timeZone: 'Asia/Kolkata' }).format(seconds * 1000)
}

function spaced(number: string): string {
  return number.replaceAll(/(\d{4})(?=\d)/g, '$1 ')
}

/** escaped makes a text safe inside HTML, in attributes too. */
export function escaped(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character)
}

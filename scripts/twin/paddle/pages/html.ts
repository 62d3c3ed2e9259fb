/** Html is markup that is safe to send: made by {@link html} alone. */
export type Html = { markup: string }

/** html is a template in which everything put in is escaped, save other Html. */
export function html(texts: TemplateStringsArray, ...values: (string | number | Html | Html[])[]): Html {
  const markup = texts.map((text, index) => text + (index < values.length ? shown(values[index] ?? '') : ''))
  return { markup: markup.join('') }
}

/** pageOf is a whole page: plain HTML that loads nothing, readable on a phone. */
export function pageOf(title: string, body: Html): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>${title}</title>
        ${STYLE}
      </head>
      <body>
        <p class="twin" role="note">Paddle, offline twin: no real money moves here.</p>
        <main>${body}</main>
      </body>
    </html>`.markup
}

/** amountText words an amount for people, e.g. `$19.00`. */
export function amountText(amountMinor: number, currency: string): string {
  return new Intl.NumberFormat('en-US', { style: 'currency', currency }).format(amountMinor / 100)
}

/** dayText words a time for people, e.g. `28 Feb 2026`. */
export function dayText(time: string): string {
  const format = { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' } as const
  return new Intl.DateTimeFormat('en-GB', format).format(Date.parse(time))
}

/** webLink is an address that a browser may be sent to, or null for everything that is no http(s) URL. */
export function webLink(value: unknown): string | null {
  if (typeof value !== 'string' || !URL.canParse(value)) return null
  const url = new URL(value)
  return url.protocol === 'https:' || url.protocol === 'http:' ? url.href : null
}

function shown(value: string | number | Html | Html[]): string {
  if (Array.isArray(value)) return value.map(shown).join('')
  if (typeof value === 'object') return value.markup
  return String(value).replaceAll(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
}

const STYLE = html`<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { margin: 0; }
  main { max-width: 26rem; margin: 0 auto; padding: 1rem; }
  .twin { margin: 0; padding: 0.5rem 1rem; background: #fde68a; color: #422006; text-align: center; }
  h1 { font-size: 1.4rem; }
  fieldset { border: 1px solid #8888; border-radius: 0.5rem; margin: 1rem 0; }
  label { display: block; padding: 0.4rem 0; }
  input[type='email'] { box-sizing: border-box; width: 100%; padding: 0.5rem; font: inherit; }
  button { display: block; width: 100%; padding: 0.7rem; margin: 0.5rem 0; border: 0; border-radius: 0.5rem; }
  button { background: #1d4ed8; color: #fff; font: inherit; cursor: pointer; }
  button.quiet { background: #6b7280; }
  .fault { border-left: 4px solid #dc2626; padding-left: 0.75rem; }
  .card { border: 1px solid #8888; border-radius: 0.5rem; padding: 0.5rem 1rem; margin: 1rem 0; }
  table { width: 100%; border-collapse: collapse; }
  td, th { text-align: left; padding: 0.25rem 0; }
  td:last-child, th:last-child { text-align: right; }
  code { overflow-wrap: anywhere; }
</style>`

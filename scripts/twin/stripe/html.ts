import type { Response } from 'express'

/** Html is markup that is safe to send; everything else is escaped when it is put into a page. */
export class Html {
  readonly markup: string
  constructor(markup: string) {
    this.markup = markup
  }
}

type Part = Html | Html[] | string | number | null

/** html makes markup of a template; what is put in is escaped, unless it is markup itself. */
export function html(texts: TemplateStringsArray, ...parts: Part[]): Html {
  return new Html(texts.reduce((before, text, place) => before + written(parts[place - 1] ?? null) + text))
}

function written(part: Part): string {
  if (part === null) return ''
  if (Array.isArray(part)) return part.map(({ markup }) => markup).join('')
  if (part instanceof Html) return part.markup
  return String(part).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

const STYLE = new Html(`<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { margin: 0; background: #f3f4f8; color: #1c2130 }
main { max-width: 27rem; margin: 0 auto; padding: 1rem }
.twin { background: #8a4b00; color: #fff; padding: .5rem 1rem; text-align: center; font-size: .9rem }
section { background: #fff; border: 1px solid #d8dbe6; border-radius: .75rem; padding: 1.25rem; margin: 1rem 0 }
h1 { font-size: 1.3rem; margin: 0 0 .25rem } h2 { font-size: 1.05rem; margin: 0 0 .5rem }
.price { font-size: 1.75rem; font-weight: 650; margin: 0 }
.quiet { color: #545b70 } .error { background: #fdecec; color: #8f1414; border-radius: .5rem; padding: .6rem .8rem }
label.card {
  display: flex; gap: .75rem; align-items: center; min-height: 2.75rem; border: 1px solid #d8dbe6;
  border-radius: .5rem; padding: .4rem .75rem; margin: .5rem 0;
}
fieldset { border: 0; padding: 0; margin: 0 0 .75rem } legend { font-weight: 600; padding: 0 }
input[type=email] {
  width: 100%; box-sizing: border-box; font: inherit; padding: .6rem .7rem;
  border: 1px solid #9aa1b5; border-radius: .5rem; margin-bottom: .75rem;
}
button, a.button {
  display: block; width: 100%; box-sizing: border-box; font: inherit; font-weight: 600;
  text-align: center; padding: .75rem; min-height: 2.75rem; border-radius: .5rem;
  border: 1px solid #4338ca; background: #4338ca; color: #fff; text-decoration: none;
  cursor: pointer; margin-top: .5rem;
}
button.second, a.second { background: transparent; color: #4338ca } a { color: #4338ca }
:focus-visible { outline: 3px solid #f59e0b; outline-offset: 2px }
table {
  width: 100%; border-collapse: collapse } td { padding: .4rem 0;
  border-top: 1px solid #e4e6ee } td:last-child { text-align: right;
}
@media (prefers-color-scheme: dark) {
  body { background: #14161d; color: #e8eaf2 }
  section { background: #1e212b; border-color: #3a3f50 }
  .quiet { color: #aab1c5 }
  label.card { border-color: #3a3f50 }
  td { border-color: #3a3f50 }
  a, button.second, a.second { color: #a5b4fc }
  .error { background: #4a1717; color: #ffdada }
}
</style>`)

/** sendPage answers a whole page. It loads nothing from anywhere. */
export function sendPage(res: Response, title: string, content: Html, status = 200): void {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        ${STYLE}
      </head>
      <body>
        <p class="twin" role="note" style="margin:0">Offline twin of Stripe: no real money moves here.</p>
        <main>${content}</main>
      </body>
    </html>`
  res.status(status).set({
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer'
  })
  res.type('text/html').send(page.markup)
}

/** sendSorry answers a page that cannot be shown, with a way back if there is one. */
export function sendSorry(res: Response, status: number, title: string, sentence: string, backUrl: string | null = null): void {
  const back = backUrl === null ? null : html`<a class="button" href="${backUrl}">Go back</a>`
  sendPage(
    res,
    title,
    html`<section>
      <h1>${title}</h1>
      <p>${sentence}</p>
      ${back}
    </section>`,
    status
  )
}

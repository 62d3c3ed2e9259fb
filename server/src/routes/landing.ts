import express, { type Router } from 'express'
import type { Parts } from '../app.ts'
import type { Config } from '../config.ts'
import { readClientPage } from '../http/client-files.ts'
import { escapeHtml, htmlPage } from '../http/html.ts'
import { originOf } from '../http/origin.ts'
import { listStandIns } from '../stand-ins.ts'

/**
 * landingRouter answers the page that says the service runs and where to go from here, where the web client was not built.
 */
export function landingRouter({ config }: Parts): Router {
  const router = express.Router()
  const page = landingPage(config)
  router.get('/', (_req, res, next) => {
    if (readClientPage(config.clientDirectory) !== null) next()
    else res.type('html').send(page)
  })
  router.get('/landing.css', (_req, res) => {
    res.type('css').set('Cache-Control', 'public, max-age=300').send(STYLE)
  })
  return router
}

function landingPage(config: Config): string {
  const origin = originOf(config)
  const standIns = listStandIns(config)
  return htmlPage(
    'Parley',
    `<h1>Parley is running</h1>
<p>Chatbots with documents, on plans whose quotas are exact.</p>
<ul>
<li><a href="/docs">Interface documentation</a></li>
<li><a href="/openapi.json">OpenAPI 3.1 document</a></li>
<li><a href="/docs/problems">What the error codes mean</a></li>
<li><a href="/readyz">Whether the server is ready</a></li>
</ul>
<h2>Local stand-ins</h2>
${standIns.length === 0 ? '<p>None: every part is the real one.</p>' : `<ul>\n${standIns.map((part) => `<li>${escapeHtml(part)}</li>`).join('\n')}\n</ul>`}
<h2>First steps</h2>
<pre tabindex="0"><code>${escapeHtml(firstSteps(origin, config.clerk.local))}</code></pre>`
  )
}

function firstSteps(origin: string, hasLocalTokens: boolean): string {
  const token = hasLocalTokens ? 'TOKEN=$(npm run --silent token -- user_alice)' : 'TOKEN=<a session token of your Clerk application>'
  return `${token}
curl ${origin}/api/plans
curl ${origin}/api/me -H "Authorization: Bearer $TOKEN"
curl ${origin}/api/chatbots -H "Authorization: Bearer $TOKEN" \\
  -H "Content-Type: application/json" -d '{"name":"Helpdesk"}'
curl ${origin}/api/usage -H "Authorization: Bearer $TOKEN"`
}

const STYLE = `:root { color-scheme: light dark; --text: #1b1f24; --back: #fdfdfc; --soft: #f0efec; --link: #0b57d0; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e6e3; --back: #17191c; --soft: #24272b; --link: #8ab4f8; } }
body { margin: 0; background: var(--back); color: var(--text); font: 1rem/1.6 system-ui, sans-serif; }
main { max-width: 46rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.75rem; line-height: 1.25; }
h2 { font-size: 1.2rem; margin-top: 2rem; }
a { color: var(--link); }
a:focus-visible, pre:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
pre { background: var(--soft); padding: 1rem; border-radius: 6px; overflow-x: auto; }
code { font: 0.9rem/1.5 ui-monospace, monospace; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.5rem 0.75rem 0.5rem 0; border-bottom: 1px solid var(--soft); }
`

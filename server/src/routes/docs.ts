import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, extname, join } from 'node:path'
import express, { type Router } from 'express'
import { openApiDocument } from '../contract/openapi.ts'
import { ERRORS, Problem } from '../errors.ts'
import { escapeHtml, htmlPage } from '../http/html.ts'

const SWAGGER_UI = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
const FILES = new Set(['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'])

/** docsRouter answers the OpenAPI document and pages about it; all files are this server's own, so it works offline. */
export function docsRouter(): Router {
  const router = express.Router()
  const document = JSON.stringify(openApiDocument())
  router.get('/openapi.json', (_req, res) => {
    res.type('json').set('Access-Control-Allow-Origin', '*').send(document)
  })
  router.get('/docs', (_req, res) => {
    res.type('html').send(PAGE)
  })
  router.get('/docs/problems', (_req, res) => {
    res.type('html').send(problemsPage())
  })
  router.get('/docs/:file', async (req, res) => {
    const { file } = req.params
    if (file === 'initializer.js') {
      res.type('js').send(INITIALIZER)
      return
    }
    if (!FILES.has(file)) throw new Problem('not_found', 'The documentation page has no such file.')
    // Sent from memory: sendFile takes ranges and conditions, and throws errors of its own about them.
    res.type(extname(file)).set('Cache-Control', 'public, max-age=86400').send(await readFile(join(SWAGGER_UI, file)))
  })
  return router
}

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Parley: interface</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
</head>
<body>
<noscript>This page needs JavaScript; <a href="/openapi.json">the document itself</a> does not.</noscript>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/initializer.js"></script>
</body>
</html>
`

// validatorUrl would send the document to swagger.io.
const INITIALIZER = `window.addEventListener('load', () => {
  SwaggerUIBundle({ url: '/openapi.json', dom_id: '#swagger-ui', deepLinking: true, validatorUrl: null })
})
`

function problemsPage(): string {
  const rows = Object.entries(ERRORS).map(
    ([code, { status, title, meaning }]) =>
      `<tr id="${code}"><th scope="row"><code>${code}</code></th><td>${status}</td><td>${escapeHtml(title)}. ${escapeHtml(meaning)}</td></tr>`
  )
  return htmlPage(
    'Parley: problems',
    `<h1>What the error codes mean</h1>
<p>Errors are <code>application/problem+json</code> (RFC 9457). Decide by <code>code</code>; <code>detail</code> is for people.</p>
<table>
<thead><tr><th scope="col">Code</th><th scope="col">Status</th><th scope="col">Meaning</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>`
  )
}

import express, { type RequestHandler, type Router } from 'express'
import { join } from 'node:path'
import type { Parts } from '../app.ts'
import { CLIENT_CONFIG_MARK, clientConfigOf, clientPolicy, embedJson, readClientPage } from '../http/client-files.ts'

const ONE_YEAR_MS = 365 * 24 * 3600 * 1000

/** clientAssetsRouter serves the built files of the web client; their names change with their content. */
export function clientAssetsRouter({ config }: Parts): Router {
  const router = express.Router()
  const options = { immutable: true, maxAge: ONE_YEAR_MS, index: false, redirect: false }
  router.use('/assets', express.static(join(config.clientDirectory, 'assets'), options))
  return router
}

/**
 * clientPageRouter answers every address of the web client with its one page, in which the client finds its way itself.
 * Only browsers that ask for a page get it: programs keep their 404. Without a built client nothing is answered here.
 */
export function clientPageRouter({ config }: Parts): Router {
  const router = express.Router()
  const clerkHost = config.clerk.localSigningKey === null ? new URL(config.clerk.issuer).host : null

  const answerPage: RequestHandler = (req, res, next) => {
    res.vary('Accept')
    // Programs ask for anything, and get the page only where there is nothing else: at the root.
    const wantsPage = req.path === '/' ? req.accepts('html') : req.get('accept')?.includes('text/html')
    if (!/^(GET|HEAD)$/.test(req.method) || !wantsPage) {
      next()
      return
    }
    // Read each time: a client that is built anew needs no restart, and its page names its own files.
    const page = readClientPage(config.clientDirectory)
    if (page === null) {
      next()
      return
    }
    const client = clientConfigOf(config)
    res.set('Content-Security-Policy', clientPolicy(client.nonce, clerkHost)).set('Cache-Control', 'no-store')
    res.type('html').send(page.replace(CLIENT_CONFIG_MARK, () => embedJson('parley-config', client)))
  }
  router.use((req, res, next) => {
    if (/^\/(api|webhooks|widget|assets|docs)(\/|$)/.test(req.path)) next()
    else answerPage(req, res, next)
  })
  return router
}

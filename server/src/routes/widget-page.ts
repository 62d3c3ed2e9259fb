import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import express, { type Router } from 'express'
import type { Parts } from '../app.ts'
import { Problem } from '../errors.ts'
import { limitByAddress } from '../http/rate-limits.ts'
import { sendWidgetPage } from '../http/widget-page.ts'
import { findWidget } from './widget-visitor.ts'

/** widgetPageRouter answers the script that sites load and the page it opens in an iframe; both come from the built client. */
export function widgetPageRouter({ config, db }: Parts): Router {
  const router = express.Router()
  const slowDown = limitByAddress(config.rateLimits)

  router.get('/widget.js', slowDown, async (_req, res) => {
    const script = await readBuilt(config.clientDirectory, 'widget.js')
    res.set('Cache-Control', 'public, max-age=300').set('Cross-Origin-Resource-Policy', 'cross-origin')
    res.type('js').send(script)
  })

  router.get('/widget/:widgetKey', slowDown, async (req, res) => {
    const { widgetKey, chatbotName, welcomeMessage, allowedOrigins } = await findWidget(db, req)
    const page = await readBuilt(config.clientDirectory, 'widget.html')
    sendWidgetPage(res, page, { widgetKey, chatbotName, welcomeMessage }, allowedOrigins)
  })
  return router
}

async function readBuilt(folder: string, file: string): Promise<string> {
  try {
    return await readFile(join(folder, file), 'utf8')
  } catch (cause) {
    throw new Problem('service_unavailable', 'The web client is not built; run npm run build.', { cause })
  }
}

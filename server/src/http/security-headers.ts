import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { RequestHandler } from 'express'
import helmet, { type HelmetOptions } from 'helmet'

/**
 * securityHeaders: our pages load nothing but files of this server and hold no inline script or style. `data:` images are
 * the icons of the documentation page. Only production tells browsers to come back over https.
 *
 * They are the same for every answer, so that helmet is asked for them once and not by every request.
 */
export function securityHeaders(production: boolean): RequestHandler {
  const headers = headersOf({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        fontSrc: ["'self'"],
        connectSrc: ["'self'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"]
      }
    },
    strictTransportSecurity: production
  })
  return (_req, res, next) => {
    for (const { name, value } of headers) res.setHeader(name, value)
    next()
  }
}

type Header = { name: string; value: string }

/** headersOf has helmet write into an answer that nobody gets. */
function headersOf(options: HelmetOptions): Header[] {
  const answer = new Recorded(new IncomingMessage(new Socket()))
  helmet(options)(answer.req, answer, () => undefined)
  if (answer.headers.length === 0) throw new Error('helmet wrote no headers.')
  return answer.headers
}

class Recorded extends ServerResponse {
  readonly headers: Header[] = []

  // Node itself remembers the names, but not as they were spelt.
  override setHeader(name: string, value: number | string | readonly string[]): this {
    this.headers.push({ name, value: String(value) })
    return this
  }
}

import { IncomingMessage, ServerResponse } from 'node:http'
import type { Express } from 'express'

/** HttpMessages are the classes by which node:http makes requests and answers. */
export type HttpMessages = { IncomingMessage: typeof IncomingMessage; ServerResponse: typeof ServerResponse }

/**
 * messagesOf answers classes whose instances are what Express makes of every request and answer: it would otherwise change the
 * prototype of each, which is slow to do and to use. Where they are not used (a test), Express does as ever.
 */
export function messagesOf(app: Express): HttpMessages {
  class AppRequest extends IncomingMessage {}
  class AppResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {}
  Object.setPrototypeOf(AppRequest.prototype, app.request)
  Object.setPrototypeOf(AppResponse.prototype, app.response)
  Object.assign(app, { request: AppRequest.prototype, response: AppResponse.prototype })
  return { IncomingMessage: AppRequest, ServerResponse: AppResponse }
}

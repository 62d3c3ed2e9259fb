import type { Request, RequestHandler, Response } from 'express'
import type { Parts } from '../app.ts'
import type { Config } from '../config.ts'
import { newVisitorSchema, type Visit, widgetParamsSchema } from '../contract/widget.ts'
import type { Database } from '../db/database.ts'
import { type ServedWidget, readWidgetByKey } from '../db/functions/read-widget-by-key.ts'
import { readVisitor, type Visitor } from '../db/functions/read-visitor.ts'
import type { Message } from '../db/message-row.ts'
import { Problem } from '../errors.ts'
import { originOf } from '../http/origin.ts'
import { digestOf, isSigned, tokenOfIdentity, visitorTokenOf } from '../http/visitor-token.ts'
import { toMessageBody } from './stored-answer.ts'

const widgets = new WeakMap<Response, ServedWidget>()
const visitors = new WeakMap<Response, Visitor>()

/** requireWidget lets a request pass that names a widget which is switched on and that comes from a page which may use it. */
export function requireWidget({ config, db }: Pick<Parts, 'config' | 'db'>): RequestHandler {
  return async (req, res, next) => {
    const widget = await findWidget(db, req)
    widgets.set(res, widget)
    requireKnownOrigin(req, config, widget)
    res.set('Cache-Control', 'no-store')
    next()
  }
}

/** widgetOf answers the widget that {@link requireWidget} has found; null where it found none. */
export function widgetOf(res: Response): ServedWidget | null {
  return widgets.get(res) ?? null
}

/** servedWidget is {@link widgetOf} for routes behind requireWidget; throws elsewhere. */
export function servedWidget(res: Response): ServedWidget {
  const widget = widgets.get(res)
  if (widget === undefined) throw new Error('This route is not behind requireWidget.')
  return widget
}

/** findWidget reads the widget in the path. Throws `not_found` also for one that is switched off. */
export async function findWidget(db: Database, req: Request): Promise<ServedWidget> {
  const params = widgetParamsSchema.safeParse(req.params)
  const widget = params.success ? await readWidgetByKey(db, params.data) : null
  if (widget === null || !widget.enabled) throw new Problem('not_found', 'There is no such chat.')
  return widget
}

/** The check stops other sites, which a browser names truthfully; whoever has no browser is met by the limits. */
function requireKnownOrigin(req: Request, config: Config, widget: ServedWidget): void {
  const origin = req.get('origin')
  if (origin === undefined || widget.allowedOrigins.includes(origin)) return
  const own = [originOf(config), ...config.clerk.authorizedParties, `${req.protocol}://${req.get('host') ?? ''}`]
  if (!own.includes(origin)) throw new Problem('forbidden', 'This site may not use this chat.')
}

/**
 * identifiedUser is the site's id of its user, null when it names none. Throws `unauthenticated` when the signature is
 * wrong, or when the owner lets only identified visitors in.
 */
export function identifiedUser(
  widget: ServedWidget,
  identity: { userId: string; signature: string } | undefined
): string | null {
  if (identity === undefined) {
    if (widget.identityRequired) throw unauthenticated('This chat is for signed-in visitors. Sign in on this site first.')
    return null
  }
  if (!isSigned(widget.identitySecret, identity.userId, identity.signature)) {
    throw unauthenticated('This site could not show who you are. Sign in there again, then open the chat.')
  }
  return identity.userId
}

/**
 * requireVisitor lets a request pass whose token somebody holds, behind {@link requireWidget}. Anything else is answered with
 * `unauthenticated`, also a visit that has ended: the secret was replaced, or the owner lets only identified visitors in by now.
 */
export function requireVisitor({ db }: Pick<Parts, 'db'>): RequestHandler {
  return async (req, res, next) => {
    if ((await findVisitor(db, req, res)) === null) throw unauthenticated('This visit is over. Open the chat again.')
    next()
  }
}

/** findVisitor is who holds the token of a request behind {@link requireWidget}; null also where that visit has ended. */
export async function findVisitor(db: Database, req: Request, res: Response): Promise<Visitor | null> {
  const widget = servedWidget(res)
  const { accountId, chatbotId } = widget
  const token = visitorTokenOf(req)
  const visitor = token === null ? null : await readVisitor(db, { accountId, chatbotId, tokenSha256: digestOf(token) })
  if (visitor === null || hasEnded(widget, visitor, token)) return null
  visitors.set(res, visitor)
  return visitor
}

/** isVisitorStill: the request says nothing else than that it comes from whom {@link findVisitor} has found, if it found one. */
export function isVisitorStill(req: Request, res: Response): boolean {
  const externalId = visitors.get(res)?.externalId ?? null
  return externalId === null || newVisitorSchema.safeParse(req.body).data?.identity?.userId === externalId
}

/** servedVisitor answers who {@link requireVisitor} has found; throws where that did not run. */
export function servedVisitor(res: Response): Visitor {
  const visitor = visitors.get(res)
  if (visitor === undefined) throw new Error('This route is not behind requireVisitor.')
  return visitor
}

function hasEnded(widget: ServedWidget, { externalId }: Visitor, token: string | null): boolean {
  return externalId === null ? widget.identityRequired : token !== tokenOfIdentity(widget.identitySecret, externalId)
}

/** toVisitorMessage is a stored message as visitors read it, without what it cost. */
export function toVisitorMessage(row: Message): Visit['messages'][number] {
  const { messageId, role, status, content, citations, createdAt } = toMessageBody(row)
  return { messageId, role, status, content, citations, createdAt }
}

function unauthenticated(detail: string): Problem {
  return new Problem('unauthenticated', detail, { headers: { 'WWW-Authenticate': 'Bearer' } })
}

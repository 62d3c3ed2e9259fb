import type { Response } from 'express'
import { embedJson } from './client-files.ts'

/** WIDGET_CONFIG_MARK is where the built page of the widget takes its configuration. */
export const WIDGET_CONFIG_MARK = '<!--parley-widget-config-->'

/** WidgetPageConfig is what the page inside the iframe is told. */
export type WidgetPageConfig = { widgetKey: string; chatbotName: string; welcomeMessage: string }

/**
 * sendWidgetPage answers the page inside the iframe. Its policy is as strict as that of our other pages, but the allowed
 * origins may frame it, and ours, for the preview. X-Frame-Options knows no list, and would forbid it.
 */
export function sendWidgetPage(res: Response, page: string, config: WidgetPageConfig, allowedOrigins: readonly string[]): void {
  res.removeHeader('X-Frame-Options')
  res.set('Content-Security-Policy', widgetPolicy(allowedOrigins))
  // The iframe of a page that isolates itself is fetched by the rules of that page.
  res.set('Cross-Origin-Resource-Policy', 'cross-origin').set('Cache-Control', 'no-store')
  res.type('html').send(page.replace(WIDGET_CONFIG_MARK, () => embedJson('parley-widget-config', config)))
}

function widgetPolicy(allowedOrigins: readonly string[]): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    ['frame-ancestors', "'self'", ...allowedOrigins].join(' ')
  ].join('; ')
}

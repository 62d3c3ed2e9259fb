import express, { type Express, type Response } from 'express'

const JSON_TYPE = 'application/json; charset=utf-8'

/**
 * answerJsonPlainly gives the answers of `app` a `res.json` that writes what Express' own does, without looking for entity tags
 * and settings, of which this server has none for JSON, nor for the parameters of a media type it has only just set.
 */
export function answerJsonPlainly(app: Express): void {
  app.response.json = function json(this: Response, body: unknown): Response {
    if (this.hasHeader('Content-Type')) return express.response.json.call(this, body)
    const text = JSON.stringify(body)
    this.setHeader('Content-Type', JSON_TYPE)
    this.setHeader('Content-Length', Buffer.byteLength(text))
    // Node leaves the text out when a HEAD asked.
    this.end(text)
    return this
  }
}

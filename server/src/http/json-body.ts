import express, { type RequestHandler } from 'express'
import { Problem } from '../errors.ts'
import { isPlainJson, readPlainJson } from './plain-json.ts'

/** JSON_LIMIT_BYTES is the largest JSON body; larger texts are uploaded as files. */
export const JSON_LIMIT_BYTES = 100 * 1024
const MAX_DEPTH = 20

/** jsonBody parses JSON bodies into `req.body`, which stays undefined for any other media type. */
export function jsonBody(): RequestHandler[] {
  const readOthers = express.json({ limit: JSON_LIMIT_BYTES, strict: true })
  const read: RequestHandler = (req, res, next) => {
    if (isPlainJson(req, JSON_LIMIT_BYTES)) readPlainJson(req, next)
    else readOthers(req, res, next)
  }
  return [read, refuseHostileJson]
}

/**
 * refuseHostileJson refuses what parses but breaks things further on: nesting deeper than 20, and text Postgres cannot
 * hold (the NUL character, halves of surrogate pairs).
 */
const refuseHostileJson: RequestHandler = (req, _res, next) => {
  const open: { value: unknown; path: string; depth: number }[] = [{ value: req.body, path: '', depth: 1 }]
  for (let entry = open.pop(); entry !== undefined; entry = open.pop()) {
    const { value, path, depth } = entry
    if (typeof value === 'string') refuseText(value, path)
    if (typeof value !== 'object' || value === null) continue
    if (depth > MAX_DEPTH) throw new Problem('invalid_request', `The body is nested more than ${MAX_DEPTH} levels deep.`)
    for (const [name, member] of Object.entries(value)) {
      refuseText(name, path)
      open.push({ value: member, path: path === '' ? name : `${path}.${name}`, depth: depth + 1 })
    }
  }
  next()
}

function refuseText(text: string, field: string): void {
  if (text.isWellFormed() && !text.includes('\0')) return
  const problem = 'has a character that cannot be stored (NUL or half a surrogate pair)'
  throw new Problem('invalid_request', `The body is not valid. ${field}: ${problem}.`, { errors: [{ field, problem }] })
}

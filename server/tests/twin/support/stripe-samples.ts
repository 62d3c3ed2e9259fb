import { existsSync, readFileSync } from 'node:fs'

/** The official samples lie beside the repository, because their licences are not ours: CI has them, a fresh clone has not. */
const SAMPLES = new URL('../../../../../shared/fixtures/stripe/objects/', import.meta.url)
const SDK = new URL('../../../../node_modules/stripe/esm/resources/', import.meta.url)

/** HAS_SAMPLES: this machine has the official object samples. */
export const HAS_SAMPLES = existsSync(SAMPLES)

/** sample reads one of the official object samples, e.g. `subscription`. */
export function sample(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`${name}.json`, SAMPLES), 'utf8'))
}

/** sdkFields gives the fields that the SDK's types know of an object, e.g. of `Invoice` in `Invoices`. */
export function sdkFields(file: string, type: string): Set<string> {
  const text = readFileSync(new URL(`${file}.d.ts`, SDK), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '')
  const start = text.indexOf(`export interface ${type} {`)
  if (start < 0) throw new Error(`The SDK has no type ${type} in ${file}.`)
  const fields = new Set<string>()
  let depth = 0
  for (const line of text.slice(start).split('\n')) {
    if (depth === 1) {
      const name = /^\s+(\w+)\??:/.exec(line)?.[1]
      if (name) fields.add(name)
    }
    depth += line.split('{').length - line.split('}').length
    if (depth === 0) break
  }
  return fields
}

type Shape = Record<string, unknown>

function isObject(value: unknown): value is Shape {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value
}

/** FREE are fields whose inner names are a seller's, or depend on the kind of what they are about. */
const FREE = new Set(['metadata', 'payment_method_options', 'data.object'])

/**
 * differences lists where `ours` is not of the shape of `official`: a field that is missing, or of another JSON type. Null fits
 * everything; an id stands for an object that can be expanded; of lists the first entries are compared.
 */
export function differences(official: unknown, ours: unknown, path = ''): string[] {
  if (official === null || ours === null) return []
  if (isObject(official) && typeof official.id === 'string' && typeof ours === 'string') return []
  if (kindOf(official) !== kindOf(ours)) return [`${path}: ${kindOf(ours)} instead of ${kindOf(official)}`]
  if (Array.isArray(official) && Array.isArray(ours)) {
    return official.length > 0 && ours.length > 0 ? differences(official[0], ours[0], `${path}[]`) : []
  }
  if (!isObject(official) || !isObject(ours)) return []
  return Object.keys(official).flatMap((name) => {
    const below = path === '' ? name : `${path}.${name}`
    if (!Object.hasOwn(ours, name)) return [`${below}: missing`]
    return FREE.has(name) || FREE.has(below) ? [] : differences(official[name], ours[name], below)
  })
}

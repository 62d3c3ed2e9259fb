import type { Sent } from './http-client.ts'
import type { Operation, Parameter } from './operations.ts'
import { bodiesOf, Unfillable, valueOf } from './schema-values.ts'

/** Filling is what a request of an operation is made with; what is left out is as the ids and the schema say. */
export type Filling = {
  ids: Readonly<Record<string, string>>
  headers?: Record<string, string>
  parameters?: Readonly<Record<string, string>>
  body?: unknown
  /** text is the body as it is sent, whatever the schema says. */
  text?: string | Buffer
}

/**
 * requestOf makes a request of the operation: required parameters from the ids by their names, else from their schemas; those
 * in `parameters` as given. Throws {@link Unfillable} where no value is known.
 */
export function requestOf(operation: Operation, { ids, headers = {}, parameters = {}, body, text }: Filling): Sent {
  const valueFor = (parameter: Parameter): string | null => {
    const given = parameters[parameter.name]
    if (given !== undefined) return given
    if (!parameter.required) return null
    if (parameter.in === 'path' && parameter.schema.format === 'uuid' && ids[parameter.name] === undefined) {
      throw new Unfillable(`the tenants own no ${parameter.name}`)
    }
    return String(valueOf(parameter.schema, parameter.name, ids))
  }
  const filled = operation.parameters.map((parameter) => ({ ...parameter, value: valueFor(parameter) }))
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = filled.find((parameter) => parameter.in === 'path' && parameter.name === name)?.value
    if (value === null || value === undefined) throw new Unfillable(`the path's ${name} is not described`)
    return encode(value)
  })
  const query = filled.flatMap(({ in: place, name, value }) =>
    (place === 'query' && value !== null ? [`${encode(name)}=${encode(value)}`] : []))
  const own = filled.flatMap(({ in: place, name, value }) =>
    (place === 'header' && value !== null ? [[name, value] as const] : []))
  const isJson = operation.json !== null && (body !== undefined || text !== undefined)
  return {
    method: operation.method,
    path: query.length === 0 ? path : `${path}?${query.join('&')}`,
    headers: { Accept: 'application/json', ...(isJson && { 'Content-Type': 'application/json' }), ...Object.fromEntries(own),
      ...headers },
    body: text ?? (isJson && body !== undefined ? JSON.stringify(body) : undefined)
  }
}

/** bodiesFor are the bodies an operation is tried with: one that is undefined where it takes none, or needs none. */
export function bodiesFor(operation: Operation, ids: Readonly<Record<string, string>>): unknown[] {
  if (operation.json === null) return [undefined]
  return [...(operation.bodyRequired ? [] : [undefined]), ...bodiesOf(operation.json, ids)]
}

/** encode percent-encodes, also what is no well-formed text. */
export function encode(text: string): string {
  return text.isWellFormed() ? encodeURIComponent(text) : [...Buffer.from(text, 'utf8')].map((byte) =>
    `%${byte.toString(16).padStart(2, '0')}`).join('')
}

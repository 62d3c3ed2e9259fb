import type { Schema } from './operations.ts'

/** Unfillable: a value for this schema is not known. A route that needs it is not attacked, which is a violation. */
export class Unfillable extends Error {}

/** Slot is one value in a JSON body: the keys that lead to it (a number in an array) and its schema. */
export type Slot = { keys: (string | number)[]; schema: Schema }

// What patterns and free texts are tried with: one of each kind that people send.
const SAMPLES = ['messages', '4', '1 month', 'a'.repeat(64), 'https://www.example.com', 'x', 'free', 'wgt_00000000']

/** valueOf makes a value for the schema: an id of this name, an example, or what type and bounds ask for. Throws {@link Unfillable}. */
export function valueOf(schema: Schema, name: string, ids: Readonly<Record<string, string>>): unknown {
  const id = ids[name] ?? ids[name.replace(/s$/, '')]
  if (id !== undefined && isText(schema)) return id
  if (schema.example !== undefined) return schema.example
  if (schema.const !== undefined) return schema.const
  if (schema.enum !== undefined) return schema.enum.find((each) => each !== null)
  if (schema.default !== undefined) return schema.default
  const [choice] = choicesOf(schema)
  if (choice !== undefined) return valueOf(choice, name, ids)
  switch (typeOf(schema)) {
    case 'object':
      return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([key, each]) => [key, valueOf(each, key, ids)]))
    case 'array':
      return schema.items === undefined ? [] : [valueOf(schema.items, name, ids)]
    case 'integer':
    case 'number':
      return Math.max(schema.minimum ?? 1, 1)
    case 'boolean':
      return true
    case 'string':
      return textOf(schema, name)
    default:
      throw new Unfillable(`${name} has the type ${String(schema.type)}`)
  }
}

/** bodiesOf makes bodies: the example, the required members alone, with one other each, and all. */
export function bodiesOf(schema: Schema, ids: Readonly<Record<string, string>>): unknown[] {
  const bodies: unknown[] = schema.example === undefined ? [] : [schema.example]
  for (const choice of [schema, ...choicesOf(schema)]) {
    const members = Object.entries(choice.properties ?? {})
    const filled = members.flatMap(([key, each]) => {
      const value = attempt(() => valueOf(each, key, ids))
      if (value === undefined &&
        choice.required.includes(key)) throw new Unfillable(`${key} is required, and no value for it is known`)
      return value === undefined ? [] : ([[key, value]] as const)
    })
    const required = filled.filter(([key]) => choice.required.includes(key))
    bodies.push(Object.fromEntries(required), ...filled.map((member) => Object.fromEntries([...required, member])),
      Object.fromEntries(filled))
  }
  return bodies
}

/** slotsOf lists every value of a body that is no object, in all choices. */
export function slotsOf(schema: Schema, keys: (string | number)[] = []): Slot[] {
  const within = Object.entries(schema.properties ?? {}).flatMap(([key, each]) => slotsOf(each, [...keys, key]))
  const items = schema.items === undefined ? [] : slotsOf(schema.items, [...keys, 0])
  const choices = choicesOf(schema).flatMap((choice) => slotsOf(choice, keys))
  // A choice of plain values is one value, of which the schema as a whole tells what it may be.
  const isPlain = within.length + items.length === 0 && choices.every((slot) => slot.keys.length === keys.length)
  if (isPlain) return keys.length > 0 ? [{ keys, schema }] : []
  return [...within, ...items, ...choices]
}

/** withValue is the body with another value at these keys; what leads there is made. */
export function withValue(body: unknown, keys: readonly (string | number)[], value: unknown): unknown {
  const [key, ...rest] = keys
  if (key === undefined) return value
  if (typeof key === 'number') {
    const list: unknown[] = Array.isArray(body) ? body : []
    return [withValue(list[key], rest, value), ...list.slice(1)]
  }
  const members = typeof body === 'object' && body !== null && !Array.isArray(body) ? Object.entries(body) : []
  const inner: unknown = members.find(([name]) => name === key)?.[1]
  return Object.fromEntries([...members.filter(([name]) => name !== key), [key, withValue(inner, rest, value)]])
}

/** typeOf is the schema's type, without null. */
export function typeOf(schema: Schema): string | undefined {
  return Array.isArray(schema.type) ? schema.type.find((type) => type !== 'null') : schema.type
}

function choicesOf(schema: Schema): Schema[] {
  return [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].filter((choice) => choice.type !== 'null')
}

function isText(schema: Schema): boolean {
  return typeOf(schema) === 'string' || choicesOf(schema).some(isText)
}

function textOf(schema: Schema, name: string): string {
  if (schema.format === 'date-time') return '2026-11-21T00:00:00Z'
  const { pattern, minLength = 0, maxLength = Infinity, format } = schema
  const fits = (text: string) =>
    text.length >= minLength && text.length <= maxLength && (pattern === undefined || new RegExp(pattern, 'u').test(text))
  // A free text may be anything; one that only looks free is found out by the owner's own call.
  const sample = format === 'uuid' ? undefined : SAMPLES.toReversed().find(fits)
  if (sample === undefined) throw new Unfillable(`no text for ${name} is known (${format ?? pattern ?? ''})`)
  return /origin/i.test(name) ? 'https://www.example.com' : sample
}

function attempt<Value>(make: () => Value): Value | undefined {
  try {
    return make()
  } catch (error) {
    if (error instanceof Unfillable) return undefined
    throw error
  }
}

import { z } from 'zod'

/** Schema is as much of a JSON schema as requests are described with. */
export type Schema = z.output<typeof schemaSchema>
const schemaSchema = z.looseObject({
  $ref: z.string().optional(),
  type: z.union([z.string(), z.array(z.string())]).optional(),
  enum: z.array(z.unknown()).optional(),
  const: z.unknown().optional(),
  default: z.unknown().optional(),
  example: z.unknown().optional(),
  format: z.string().optional(),
  pattern: z.string().optional(),
  minLength: z.number().optional(),
  maxLength: z.number().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  required: z.array(z.string()).default([]),
  minItems: z.number().optional(),
  get properties() {
    return z.record(z.string(), schemaSchema).optional()
  },
  get items() {
    return schemaSchema.optional()
  },
  get anyOf() {
    return z.array(schemaSchema).optional()
  },
  get oneOf() {
    return z.array(schemaSchema).optional()
  }
})

const parameterSchema = z.object({ name: z.string(), in: z.enum(['path', 'query', 'header', 'cookie']),
  required: z.boolean().default(false), schema: schemaSchema })
/** Parameter is one of the path, the query or the headers. */
export type Parameter = z.output<typeof parameterSchema>

const operationSchema = z.object({
  security: z.array(z.record(z.string(), z.array(z.string()))),
  parameters: z.array(parameterSchema).default([]),
  requestBody: z.object({ required: z.boolean().default(false),
    content: z.record(z.string(), z.object({ schema: schemaSchema })) }).optional(),
  responses: z.record(z.string(), z.unknown())
})

const documentSchema = z.object({
  paths: z.record(z.string(), z.record(z.string(), operationSchema)),
  components: z.object({ schemas: z.record(z.string(), schemaSchema) })
})

/**
 * Operation is one of the OpenAPI document. `scheme` is what it is secured with, null for a public one; `json` is the schema of
 * its JSON body; `statuses` are those the contract names.
 */
export type Operation = {
  name: string
  method: string
  path: string
  scheme: 'session' | 'visitor' | 'metrics' | null
  parameters: Parameter[]
  json: Schema | null
  bodyRequired: boolean
  mediaTypes: string[]
  statuses: number[]
}

const SCHEMES: Record<string, Operation['scheme']> = {
  sessionToken: 'session', sessionCookie: 'session', visitorToken: 'visitor', metricsToken: 'metrics'
}

/** readOperations parses an OpenAPI document; references are resolved. Throws ZodError, and Error for a scheme it does not know. */
export function readOperations(document: unknown): Operation[] {
  const { paths, components } = documentSchema.parse(document)
  const resolve = (schema: Schema): Schema => resolved(schema, components.schemas)
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]): Operation => {
      const names = operation.security.flatMap((requirement) => Object.keys(requirement))
      const schemes = [...new Set(names.map((name) => SCHEMES[name]))]
      const [scheme = null] = schemes
      if (schemes.length > 1 ||
        names.some((name) => SCHEMES[name] === undefined)) throw new Error(`${method} ${path} is secured with ${names.join(', ')}.`)
      const content = operation.requestBody?.content ?? {}
      const json = content['application/json']?.schema
      return {
        name: `${method.toUpperCase()} ${path}`,
        method: method.toUpperCase(),
        path,
        scheme,
        parameters: operation.parameters.map((parameter) => ({ ...parameter, schema: resolve(parameter.schema) })),
        json: json === undefined ? null : resolve(json),
        bodyRequired: operation.requestBody?.required ?? false,
        mediaTypes: Object.keys(content),
        statuses: Object.keys(operation.responses).map(Number)
      }
    })
  )
}

function resolved(schema: Schema, components: Record<string, Schema>): Schema {
  if (schema.$ref !== undefined) {
    const found = components[schema.$ref.split('/').at(-1) ?? '']
    if (found === undefined) throw new Error(`There is no ${schema.$ref}.`)
    return resolved(found, components)
  }
  const all = (schemas: Schema[] | undefined) => schemas?.map((each) => resolved(each, components))
  return {
    ...schema,
    ...(schema.properties && { properties: Object.fromEntries(Object.entries(schema.properties).map(([name, each]) =>
      [name, resolved(each, components)])) }),
    ...(schema.items && { items: resolved(schema.items, components) }),
    ...(schema.anyOf && { anyOf: all(schema.anyOf) }),
    ...(schema.oneOf && { oneOf: all(schema.oneOf) })
  }
}

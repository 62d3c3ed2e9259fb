import { beforeAll, describe, expect, test } from '@jest/globals'
import request from 'supertest'
import { z } from 'zod'
import { ERRORS } from '../../src/errors.ts'
import { startTestApp, type TestApp } from './test-app.ts'

const operationSchema = z.looseObject({
  operationId: z.string(),
  summary: z.string(),
  security: z.array(z.record(z.string(), z.array(z.string()))),
  parameters: z.array(z.looseObject({ name: z.string(), in: z.string() })).default([]),
  requestBody: z.looseObject({}).optional(),
  responses: z.record(z.string(), z.looseObject({ description: z.string(), content: z.record(z.string(), z.unknown()).optional() }))
})
const documentSchema = z.looseObject({
  openapi: z.literal('3.1.0'),
  paths: z.record(z.string(), z.record(z.enum(['get', 'post', 'put', 'patch', 'delete']), operationSchema).or(z.looseObject({}))),
  components: z.looseObject({ schemas: z.record(z.string(), z.looseObject({})), securitySchemes: z.record(z.string(), z.looseObject({})) })
})

type Operation = { name: string; path: string; method: string; operation: z.output<typeof operationSchema> }

let server: TestApp
let document: z.output<typeof documentSchema>
let operations: Operation[]
beforeAll(async () => {
  server = await startTestApp()
  document = documentSchema.parse((await request(server.app).get('/openapi.json')).body)
  operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      path,
      method,
      operation: operationSchema.parse(operation)
    }))
  )
})

/** routesOf lists `GET /path/{parameter}` of every route in the stacks of an express application. */
function routesOf(stack: unknown): string[] {
  return z.array(z.looseObject({})).parse(stack).flatMap((layer) => {
    const route = z.object({ route: z.looseObject({ path: z.string(), methods: z.record(z.string(), z.boolean()) }) }).safeParse(layer)
    if (route.success) {
      const path = route.data.route.path.replace(/:(\w+)/g, '{$1}')
      return Object.keys(route.data.route.methods).map((method) => `${method.toUpperCase()} ${path}`)
    }
    const handle: unknown = layer['handle']
    return typeof handle === 'function' && 'stack' in handle ? routesOf(handle.stack) : []
  })
}

describe('the OpenAPI document', () => {
  test('names every route of the server, and no other', () => {
    expect(routesOf(server.app.router.stack).sort()).toEqual(operations.map(({ name }) => name).sort())
  })

  test('gives every operation an id of its own', () => {
    const ids = operations.map(({ operation }) => operation.operationId)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('declares the parameters of every path', () => {
    for (const { name, path, operation } of operations) {
      const declared = operation.parameters.filter((parameter) => parameter.in === 'path').map((parameter) => parameter.name)
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter = '']) => parameter)
      expect([name, declared.sort()]).toEqual([name, named.sort()])
    }
  })

  test('lets every operation on an account need a session, and tells how it may fail', () => {
    for (const { name, path, operation } of operations.filter((one) => one.path.startsWith('/api/') && one.path !== '/api/plans')) {
      expect([name, operation.security]).toEqual([name, [{ sessionToken: [] }, { sessionCookie: [] }]])
      const statuses = Object.keys(operation.responses)
      expect([name, statuses]).toEqual([name, expect.arrayContaining(['401', '429', '500', '503'])])
      if (path.includes('{')) expect([name, statuses]).toEqual([name, expect.arrayContaining(['400', '404'])])
    }
  })

  test('answers every error as a problem, of a status the table of errors has', () => {
    const known = new Set<string>(Object.values(ERRORS).map(({ status }) => String(status)))
    for (const { name, operation } of operations) {
      for (const [status, response] of Object.entries(operation.responses).filter(([code]) => Number(code) >= 400)) {
        expect([name, status, known.has(status)]).toEqual([name, status, true])
        expect([name, status, response.content]).toEqual([
          name,
          status,
          { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } }
        ])
      }
    }
  })

  test('takes an Idempotency-Key wherever something is created', () => {
    for (const { name, operation } of operations.filter((one) => one.operation.responses['201'])) {
      expect([name, operation.parameters.map((parameter) => parameter.name)]).toEqual([name, expect.arrayContaining(['Idempotency-Key'])])
    }
  })

  test('refers only to what it contains', () => {
    const text = JSON.stringify(document)
    for (const [, name] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      expect(Object.keys(document.components.schemas)).toContain(name)
    }
    const schemes = new Set(operations.flatMap(({ operation }) => operation.security.flatMap((requirement) => Object.keys(requirement))))
    for (const scheme of schemes) expect(Object.keys(document.components.securitySchemes)).toContain(scheme)
  })

  test('refuses unknown fields in bodies, as the server does', () => {
    expect(document.components.schemas['NewChatbot']).toMatchObject({ additionalProperties: false, required: ['name'] })
  })
})

describe('the pages', () => {
  test('load only files this server has, and hold no inline script or style', async () => {
    for (const path of ['/', '/docs', '/docs/problems']) {
      const page = await request(server.app).get(path)
      expect([path, page.status]).toEqual([path, 200])
      expect(page.text).not.toMatch(/<style|\sstyle=|\son\w+=|javascript:/)
      for (const [script] of page.text.matchAll(/<script[^>]*>/g)) expect(script).toMatch(/src="\//)
      const files = [...page.text.matchAll(/(?:src|href)="(\/[^"#]*)"/g)].map(([, file]) => file ?? '')
      for (const file of files) {
        expect([file, (await request(server.app).get(file)).status]).toEqual([file, 200])
      }
      expect(page.text).not.toMatch(/(?:src|href)="(?!\/|#|data:,)/)
    }
  })

  test('list the local stand-ins, and no other file of the documentation package is served', async () => {
    expect((await request(server.app).get('/')).text).toContain('a local key signs session tokens')
    for (const file of ['package.json', 'swagger-initializer.js', '..%2f..%2fpackage.json']) {
      expect([file, (await request(server.app).get(`/docs/${file}`)).status]).toEqual([file, 404])
    }
  })

  test('answer whole to whatever a range or a condition asks', async () => {
    for (const header of [{ Range: 'bytes=99999999-' }, { 'If-Match': '"another"' }]) {
      const answer = await request(server.app).get('/docs/swagger-ui.css').set(header)
      expect([header, answer.status, answer.type]).toEqual([header, 200, 'text/css'])
    }
  })

  test('explain every error code', async () => {
    const { text } = await request(server.app).get('/docs/problems')
    for (const code of Object.keys(ERRORS)) expect(text).toContain(`id="${code}"`)
  })
})

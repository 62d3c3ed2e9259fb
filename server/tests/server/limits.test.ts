import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { CALL_LIMIT_MS, isPatient, unlessSilent } from '../../src/db/limits.ts'

const never = new Promise<string>(() => undefined)

describe('unlessSilent', () => {
  test('answers as the call does, and asks nothing before its time', async () => {
    let probes = 0
    const probe = () => Promise.resolve((probes += 1))
    expect(await unlessSilent(Promise.resolve('done'), probe, 60_000)).toBe('done')
    await expect(unlessSilent(Promise.reject(new Error('refused')), probe, 60_000)).rejects.toThrow('refused')
    expect(probes).toBe(0)
  })

  test('goes on waiting as long as something else is answered, and gives up when nothing is', async () => {
    let probes = 0
    const probe = async (): Promise<void> => {
      probes += 1
      if (probes === 3) throw new Error('silence')
    }
    await expect(unlessSilent(never, probe, 1)).rejects.toThrow('silence')
    expect(probes).toBe(3)
  })

  test('a call that answers after all, while it is being looked whether anybody does, is answered', async () => {
    const call = Promise.withResolvers<string>()
    const answer = unlessSilent(call.promise, () => {
      call.resolve('late')
      return never
    }, 1)
    expect(await answer).toBe('late')
  })
})

test('what a visitor or an owner waits for is told in less than two seconds; only known functions are waited for longer', () => {
  expect(CALL_LIMIT_MS).toBeLessThanOrEqual(1_500)
  const names = readdirSync(join(import.meta.dirname, '../../src/db/functions')).map((file) => file.replace('.ts', '').replaceAll('-', '_'))
  const patient = [...readFileSync(join(import.meta.dirname, '../../src/db/limits.ts'), 'utf8').matchAll(/^ {2}'([a-z_]+)',?$/gm)].map(([, name]) => name ?? '')
  expect(patient.length).toBeGreaterThan(10)
  expect(patient.filter((name) => !names.includes(name))).toEqual([])
  expect(['check_and_increment_usage', 'check_and_increment_usage_many', 'begin_answer', 'record_billing_event', 'read_usage'].filter(isPatient)).toEqual([])
})

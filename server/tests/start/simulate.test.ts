import { expect, test } from '@jest/globals'
import { runCommand } from './parley-process.ts'

test('a simulation that breaks off for any reason says how to live the same life again', async () => {
  // Nobody there: it fails by an error of its own, not by a promise that did not hold.
  const { code, output } = await runCommand('simulate.ts', ['--seed', '7', '--accounts', '0', '--months', '1'], {})
  expect(code).toBe(1)
  expect(output).toContain('The same life again: npm run simulate -- --seed 7 --accounts 0 --months 1 --story')
}, 60_000)

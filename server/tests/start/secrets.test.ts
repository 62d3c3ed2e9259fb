import { expect, test } from '@jest/globals'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dataPaths } from '../../../scripts/embedded/data-folder.ts'
import { loadSecrets, makeSecrets, readSecrets } from '../../../scripts/embedded/secrets.ts'
import { createDataDir } from './parley-process.ts'

test('a secrets file of an older version goes on working, and gets the secret that it lacks, the same for whoever reads first', async () => {
  const paths = dataPaths(createDataDir())
  mkdirSync(paths.folder)
  const { clerkWebhookSecret: _added, ...older } = await makeSecrets()
  writeFileSync(paths.secrets, JSON.stringify(older))

  const read = readSecrets(paths)
  expect(read).toEqual({ ...older, clerkWebhookSecret: expect.stringMatching(/^whsec_local_[0-9a-f]{64}$/) })
  expect(JSON.parse(readFileSync(paths.secrets, 'utf8'))).toEqual(older)
  expect(await loadSecrets(paths)).toEqual(read)
  expect(JSON.parse(readFileSync(paths.secrets, 'utf8'))).toEqual(read)
  expect(statSync(paths.secrets).mode & 0o777).toBe(0o600)
  expect(await loadSecrets(paths)).toEqual(read)
})

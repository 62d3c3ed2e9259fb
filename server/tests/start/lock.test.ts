import { expect, test } from '@jest/globals'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { identify, isAlive } from '../../../scripts/embedded/process-identity.ts'
import { takeLock } from '../../../scripts/embedded/lock.ts'
import { createFolder } from '../support/folder.ts'

const newLock = (text?: string) => {
  const folder = createFolder({})
  const path = join(folder, 'lock')
  if (text !== undefined) writeFileSync(path, text)
  return { folder, path }
}

test('a living holder is named, and the lock is free again when it is given back', () => {
  const { path, folder } = newLock()
  const release = takeLock(path, folder)
  expect(() => takeLock(path, folder)).toThrow(`Process ${process.pid} already uses the data folder ${folder}`)
  release()
  expect(existsSync(path)).toBe(false)
  takeLock(path, folder)()
})

test('a holder whose process number was given to another process no longer counts', () => {
  const { path, folder } = newLock(JSON.stringify({ pid: process.ppid, startedAt: 'another boot 1' }))
  const release = takeLock(path, folder)
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(identify(process.pid))
  release()
})

test('a holder that has ended no longer counts, nor does a lock that was never written to its end', () => {
  for (const text of [JSON.stringify({ pid: 2 ** 22 + 1, startedAt: 'x' }), '', '{"pid":']) {
    const { path, folder } = newLock(text)
    takeLock(path, folder)()
  }
})

test('giving back a lock that somebody else holds by now leaves it alone', () => {
  const { path, folder } = newLock()
  const release = takeLock(path, folder)
  const other = JSON.stringify({ pid: process.ppid, startedAt: 'later' })
  writeFileSync(path, other)
  release()
  expect(readFileSync(path, 'utf8')).toBe(other)
})

test('a process is recognised by its start, not by its number alone', () => {
  const self = identify(process.pid)
  expect(self !== null && isAlive(self)).toBe(true)
  expect(isAlive({ pid: process.pid, startedAt: 'another time' })).toBe(false)
  expect(identify(2 ** 22 + 1)).toBeNull()
})

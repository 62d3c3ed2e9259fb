import { describe, expect, test } from '@jest/globals'
import { bytesApart } from '../../src/lib/bytes-apart.ts'
import {
  canRetry, describeState, isBusy, nextUpload, reduceUploads, summarizeUploads, type UploadAction, type UploadItem, type UploadState
} from '../../src/features/knowledge/upload-queue.ts'

const FAILED: UploadState = { kind: 'failed', reason: 'No.', requestId: null, canRetry: false }
const BROKEN: UploadState = { kind: 'failed', reason: 'Broken off.', requestId: null, canRetry: true }
const READY: UploadState = { kind: 'ready', passageCount: 3 }
const UPLOADING: UploadState = { kind: 'uploading', percent: 40 }
const TOO_LARGE: UploadState = { kind: 'will_not_fit', neededBytes: 9, remainingBytes: 4 }

function item(id: string, state: UploadState = { kind: 'waiting' }): UploadItem {
  return { id, name: `${id}.md`, sizeBytes: 9, state }
}

function after(items: UploadItem[], ...actions: UploadAction[]): Record<string, string> {
  return Object.fromEntries(actions.reduce(reduceUploads, items as readonly UploadItem[]).map(({ id, state }) => [id, state.kind]))
}

describe('the upload queue', () => {
  test('one file is sent at a time, in the order in which they came', () => {
    expect(nextUpload([item('a', READY), item('b'), item('c')])?.id).toBe('b')
    for (const state of [{ kind: 'checking' }, UPLOADING, { kind: 'reading' }] as const) {
      expect(nextUpload([item('a', state), item('b')])).toBeNull()
    }
    expect(nextUpload([item('a', FAILED), item('b', READY)])).toBeNull()
  })

  test('what arrives late about a cancelled file does not bring it back', () => {
    expect(after([item('a', UPLOADING)], { type: 'cancelled', id: 'a' }, { type: 'moved', id: 'a', state: READY })).toEqual({ a: 'cancelled' })
  })

  test('a file the server is reading cannot be cancelled, for it may be stored already', () => {
    expect(after([item('a', { kind: 'reading' })], { type: 'cancelled', id: 'a' })).toEqual({ a: 'reading' })
  })

  test('only what can end otherwise is tried again, under the same id', () => {
    const items = [item('a', FAILED), item('b', BROKEN), item('c', TOO_LARGE), item('d', { kind: 'cancelled' }), item('e', READY)]
    const retried = items.map(({ id }): UploadAction => ({ type: 'retried', id }))
    expect(after(items, ...retried)).toEqual({ a: 'failed', b: 'waiting', c: 'waiting', d: 'waiting', e: 'ready' })
    expect(items.filter(canRetry).map(({ id }) => id)).toEqual(['b', 'c', 'd'])
  })

  test('clearing keeps what is on its way and what may be tried again', () => {
    const items = [item('a', READY), item('b', FAILED), item('c', BROKEN), item('d', UPLOADING), item('e')]
    expect(after(items, { type: 'cleared' })).toEqual({ c: 'failed', d: 'uploading', e: 'waiting' })
  })

  test('a file on its way is not removed from the list', () => {
    expect(after([item('a', UPLOADING), item('b', FAILED)], { type: 'removed', id: 'a' }, { type: 'removed', id: 'b' })).toEqual({ a: 'uploading' })
  })

  test('leaving asks while a file waits or is on its way, and not afterwards', () => {
    expect(isBusy([item('a', READY), item('b')])).toBe(true)
    expect(isBusy([item('a', { kind: 'reading' })])).toBe(true)
    expect(isBusy([item('a', READY), item('b', FAILED), item('c', TOO_LARGE)])).toBe(false)
  })

  test('the announcement counts what is ready, failed and too large, and is silent about percentages', () => {
    expect(summarizeUploads([])).toBe('')
    expect(summarizeUploads([item('a', UPLOADING)])).toBe(summarizeUploads([item('a', { kind: 'uploading', percent: 90 })]))
    expect(summarizeUploads([item('a', READY), item('b', FAILED), item('c', TOO_LARGE)])).toBe('1 of 3 files ready, 1 failed, 1 will not fit.')
  })

  test('a file that will not fit names what it needs and what is left, also where both round to the same', () => {
    expect(describeState({ kind: 'will_not_fit', neededBytes: 3000, remainingBytes: 1000 })).toBe('Will not fit: needs 3 kB, 1 kB left')
    const [needed, left] = bytesApart(9_999_999, 9_999_900)
    expect(needed).not.toBe(left)
  })
})

import { formatNumber, plural } from '../../lib/format.ts'
import { bytesApart } from '../../lib/bytes-apart.ts'

/**
 * UploadState is where one file is on its way: `percent` is 0 to 100, `reading` means that all is sent and the server takes the
 * text out of it. Amounts are in bytes.
 */
export type UploadState =
  | { kind: 'waiting' }
  | { kind: 'checking' }
  | { kind: 'uploading'; percent: number }
  | { kind: 'reading' }
  | { kind: 'ready'; passageCount: number }
  | { kind: 'will_not_fit'; neededBytes: number; remainingBytes: number }
  | { kind: 'failed'; reason: string; requestId: string | null; canRetry: boolean }
  | { kind: 'cancelled' }

/** UploadItem is one file of the queue; `id` is also the Idempotency-Key of all its tries. */
export type UploadItem = { id: string; name: string; sizeBytes: number; state: UploadState }

/** UploadAction is what may happen to the queue. */
export type UploadAction =
  | { type: 'added'; items: UploadItem[] }
  | { type: 'moved'; id: string; state: UploadState }
  | { type: 'retried'; id: string }
  | { type: 'cancelled'; id: string }
  | { type: 'removed'; id: string }
  | { type: 'cleared' }

/** isActive: it is being worked on, so no other may start. */
export function isActive({ state }: UploadItem): boolean {
  return state.kind === 'checking' || state.kind === 'uploading' || state.kind === 'reading'
}

/** canCancel: while the server reads it is too late, since it may be stored already. */
export function canCancel({ state }: UploadItem): boolean {
  return state.kind === 'waiting' || state.kind === 'checking' || state.kind === 'uploading'
}

/** canRetry: another try can end otherwise. */
export function canRetry({ state }: UploadItem): boolean {
  return state.kind === 'will_not_fit' || state.kind === 'cancelled' || (state.kind === 'failed' && state.canRetry)
}

/** reduceUploads is the queue after an action. What arrives late about a file that is cancelled or done changes nothing. */
export function reduceUploads(items: readonly UploadItem[], action: UploadAction): readonly UploadItem[] {
  const change = (id: string, may: (item: UploadItem) => boolean, state: UploadState) =>
    items.map((item) => (item.id === id && may(item) ? { ...item, state } : item))
  switch (action.type) {
    case 'added':
      return [...items, ...action.items]
    case 'moved':
      return change(action.id, (item) => item.state.kind === 'waiting' || isActive(item), action.state)
    case 'retried':
      return change(action.id, canRetry, { kind: 'waiting' })
    case 'cancelled':
      return change(action.id, canCancel, { kind: 'cancelled' })
    case 'removed':
      return items.filter((item) => item.id !== action.id || isActive(item))
    case 'cleared':
      return items.filter((item) => isActive(item) || item.state.kind === 'waiting' || canRetry(item))
  }
}

/** nextUpload is the file to start now, one at a time so that each is measured after the one before is stored. */
export function nextUpload(items: readonly UploadItem[]): UploadItem | null {
  return items.some(isActive) ? null : (items.find(({ state }) => state.kind === 'waiting') ?? null)
}

/** isBusy: leaving the page now would lose a file. */
export function isBusy(items: readonly UploadItem[]): boolean {
  return items.some((item) => isActive(item) || item.state.kind === 'waiting')
}

/** describeState says a state in words, for everybody and for screen readers alike. */
export function describeState(state: UploadState): string {
  switch (state.kind) {
    case 'waiting':
      return 'Waiting'
    case 'checking':
      return 'Checking whether it fits'
    case 'uploading':
      return `Uploading, ${formatNumber(Math.round(state.percent))} %`
    case 'reading':
      return 'Reading the text'
    case 'ready':
      return `Ready: ${plural(state.passageCount, 'passage')}`
    case 'will_not_fit': {
      const [needed, left] = bytesApart(state.neededBytes, state.remainingBytes)
      return `Will not fit: needs ${needed}, ${left} left`
    }
    case 'failed':
      return `Failed: ${state.reason}`
    case 'cancelled':
      return 'Cancelled'
  }
}

/** summarizeUploads is one sentence about the queue, to be announced when it changes; percentages are left out of it. */
export function summarizeUploads(items: readonly UploadItem[]): string {
  if (items.length === 0) return ''
  const count = (...kinds: UploadState['kind'][]) => items.filter(({ state }) => kinds.includes(state.kind)).length
  const parts = [`${count('ready')} of ${plural(items.length, 'file')} ready`]
  const failed = count('failed')
  const tooLarge = count('will_not_fit')
  if (failed > 0) parts.push(`${failed} failed`)
  if (tooLarge > 0) parts.push(`${tooLarge} will not fit`)
  return `${parts.join(', ')}.`
}

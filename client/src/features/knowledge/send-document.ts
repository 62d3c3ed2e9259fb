import { type DocumentBody, documentFitSchema } from '../../../../server/src/contract/documents.ts'
import { type Api, ApiProblem } from '../../lib/api.ts'
import { refusalOfFile } from './document-file.ts'
import type { UploadState } from './upload-queue.ts'

/** Sending is one try of a file. */
export type Sending = { chatbotId: string; file: File; idempotencyKey: string; signal: AbortSignal }

/** Upload sends the file and tells `uploading` and `reading` on the way; {@link uploadFile} is the one of browsers. */
export type Upload = (api: Api, sending: Sending, onState: (state: UploadState) => void) => Promise<DocumentBody>

/** SendOutcome is how it ended; `error` is there where it failed, for a dialog that explains limits. */
export type SendOutcome = { state: UploadState; error: unknown }

/**
 * sendDocument asks whether a file fits, sends it only then, and tells every state on the way. It never throws: an aborted one
 * ends as `cancelled`. The same `idempotencyKey` over all tries stores the file once.
 */
export async function sendDocument(
  api: Api,
  upload: Upload,
  sending: Sending,
  onState: (state: UploadState) => void
): Promise<SendOutcome> {
  const { chatbotId, file, signal } = sending
  const refusal = refusalOfFile(file)
  if (refusal !== null) return { state: { kind: 'failed', reason: refusal, requestId: null, canRetry: false }, error: null }
  try {
    onState({ kind: 'checking' })
    const path = `/api/chatbots/${chatbotId}/documents/check`
    const fit = await api.send(documentFitSchema, 'POST', path, { sizeBytes: file.size }, { signal })
    if (!fit.fits) {
      return { state: { kind: 'will_not_fit', neededBytes: file.size, remainingBytes: fit.remaining ?? 0 }, error: null }
    }
    onState({ kind: 'uploading', percent: 0 })
    const { passageCount } = await upload(api, sending, onState)
    return { state: { kind: 'ready', passageCount }, error: null }
  } catch (error) {
    return { state: signal.aborted ? { kind: 'cancelled' } : stateOfError(error, file.size), error }
  }
}

/** stateOfError is what a failed try looks like: what time or a freed byte can cure may be tried again. */
export function stateOfError(error: unknown, sizeBytes: number): UploadState {
  if (!(error instanceof ApiProblem)) {
    const reason = error instanceof Error ? error.message : String(error)
    return { kind: 'failed', reason, requestId: null, canRetry: true }
  }
  const { code, status, limit, requestId } = error.problem
  if (code === 'quota_exceeded' && limit?.metric === 'storage_bytes') {
    return { kind: 'will_not_fit', neededBytes: sizeBytes, remainingBytes: limit.remaining ?? 0 }
  }
  return {
    kind: 'failed',
    reason: error.message,
    requestId: status >= 500 ? requestId : null,
    canRetry: status >= 500 || status === 429 || status === 401 || code === 'request_in_progress'
  }
}

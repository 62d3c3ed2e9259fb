import { z } from 'zod'
import { type DocumentBody, documentSchema } from '../../../../server/src/contract/documents.ts'
import { problemSchema } from '../../../../server/src/contract/problem.ts'
import { ApiProblem, Unreachable } from '../../lib/api.ts'
import type { Upload } from './send-document.ts'

/**
 * uploadFile is the {@link Upload} of browsers. fetch tells nothing about how much of a body is sent; the older interface does.
 * Throws {@link ApiProblem}, {@link Unreachable}, or the signal's reason.
 */
export const uploadFile: Upload = async (api, { chatbotId, file, idempotencyKey, signal }, onState) => {
  const headers = await api.headers()
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    const abort = (): void => request.abort()
    signal.addEventListener('abort', abort, { once: true })
    request.upload.addEventListener('progress', ({ loaded, total }) => {
      if (total > 0) onState({ kind: 'uploading', percent: (loaded / total) * 100 })
    })
    request.upload.addEventListener('load', () => onState({ kind: 'reading' }))
    request.addEventListener('error', () => reject(new Unreachable(new Error('The upload broke off.'))))
    request.addEventListener('abort', () => {
      reject(signal.reason instanceof Error ? signal.reason : new Error('The upload was cancelled.'))
    })
    request.addEventListener('loadend', () => signal.removeEventListener('abort', abort))
    request.addEventListener('load', () => {
      try {
        resolve(readAnswer(request))
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)))
      }
    })
    request.open('POST', api.url(`/api/chatbots/${chatbotId}/documents`))
    for (const [name, value] of Object.entries({ ...headers, Accept: 'application/json', 'Idempotency-Key': idempotencyKey })) {
      request.setRequestHeader(name, value)
    }
    const form = new FormData()
    form.append('file', file)
    request.send(form)
  })
}

const jsonText = z.string().transform((text, context) => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    context.addIssue('is no JSON')
    return z.NEVER
  }
})

function readAnswer(request: XMLHttpRequest): DocumentBody {
  const { status, responseText } = request
  if (status >= 200 && status < 300) return jsonText.pipe(documentSchema).parse(responseText)
  const problem = jsonText.pipe(problemSchema).safeParse(responseText)
  if (problem.success) throw new ApiProblem(problem.data, null)
  const isTooLarge = status === 413
  const detail = isTooLarge ? 'The file is larger than what is taken here.' : `The server answered ${status} without saying why.`
  const requestId = request.getResponseHeader('X-Request-Id') ?? ''
  const unexpected = { type: 'about:blank', title: 'Unexpected answer', code: 'unexpected_answer', instance: '' }
  throw new ApiProblem({ ...unexpected, status, detail, requestId }, null)
}

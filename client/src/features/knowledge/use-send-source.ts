import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { useApi } from '../../lib/api-context.tsx'
import { refreshDocuments } from './documents-query.ts'
import { sendDocument, type SendOutcome } from './send-document.ts'
import { uploadFile } from './upload-file.ts'
import type { UploadState } from './upload-queue.ts'

/** SendSource sends one file, tells its state meanwhile, and can be cancelled. */
export type SendSource = {
  state: UploadState | null
  send: (chatbotId: string, file: File, idempotencyKey: string) => Promise<SendOutcome>
  cancel: () => void
  reset: () => void
}

/** useSendSource is the way of one file outside of the queue: a dialog's. Leaving the dialog's screen cancels it. */
export function useSendSource(): SendSource {
  const api = useApi()
  const queries = useQueryClient()
  const [state, setState] = useState<UploadState | null>(null)
  const running = useRef<AbortController>(null)
  useEffect(() => () => running.current?.abort(), [])
  return {
    state,
    send: async (chatbotId, file, idempotencyKey) => {
      const controller = new AbortController()
      running.current = controller
      const sending = { chatbotId, file, idempotencyKey, signal: controller.signal }
      const outcome = await sendDocument(api, uploadFile, sending, setState)
      setState(outcome.state)
      await refreshDocuments(queries)
      return outcome
    },
    cancel: () => running.current?.abort(),
    reset: () => setState(null)
  }
}

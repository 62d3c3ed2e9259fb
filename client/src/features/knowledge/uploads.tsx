import { VisuallyHidden } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useEffect, useEffectEvent, useMemo, useReducer, useRef } from 'react'
import { useApi } from '../../lib/api-context.tsx'
import { LeaveGuard } from '../../lib/leave-guard.tsx'
import { useLimitDialog } from '../limits/limit-dialog.tsx'
import { refreshDocuments } from './documents-query.ts'
import { sendDocument } from './send-document.ts'
import { uploadFile } from './upload-file.ts'
import { isBusy, nextUpload, reduceUploads, summarizeUploads, type UploadAction, type UploadItem } from './upload-queue.ts'

type Uploads = { items: readonly UploadItem[]; add: (files: File[]) => void; dispatch: (action: UploadAction) => void }

const UploadsContext = createContext<Uploads | null>(null)

/** useUploads returns the upload queue of the chatbot around this component. */
export function useUploads(): Uploads {
  const uploads = useContext(UploadsContext)
  if (uploads === null) throw new Error('There is no UploadsProvider around this component.')
  return uploads
}

/**
 * UploadsProvider sends the queued files of one chatbot, one after the other, also while another of the chatbot's screens is
 * open. Leaving the chatbot with files on their way asks first.
 */
export function UploadsProvider({ chatbotId, children }: { chatbotId: string; children: ReactNode }) {
  const api = useApi()
  const queries = useQueryClient()
  const explain = useLimitDialog()
  const [items, dispatch] = useReducer(reduceUploads, [])
  const files = useRef(new Map<string, File>())
  const running = useRef(new Map<string, AbortController>())

  const start = useEffectEvent(async (id: string): Promise<void> => {
    const file = files.current.get(id)
    if (file === undefined) return
    const controller = new AbortController()
    running.current.set(id, controller)
    const { signal } = controller
    const { state, error } = await sendDocument(api, uploadFile, { chatbotId, file, idempotencyKey: id, signal }, (reached) => {
      if (!signal.aborted) dispatch({ type: 'moved', id, state: reached })
    })
    if (running.current.get(id) === controller) running.current.delete(id)
    // Even a cancelled upload may have reached the server whole: the lists tell.
    if (state.kind !== 'failed') void refreshDocuments(queries)
    if (signal.aborted) return
    dispatch({ type: 'moved', id, state })
    if (state.kind === 'failed') explain(error)
  })

  const nextId = nextUpload(items)?.id
  useEffect(() => {
    if (nextId !== undefined) void start(nextId)
  }, [nextId])
  useEffect(() => {
    const controllers = running.current
    return () => controllers.forEach((controller) => controller.abort())
  }, [])

  const uploads = useMemo<Uploads>(
    () => ({
      items,
      add: (added) => {
        const news = added.map((file) => {
          const id = crypto.randomUUID()
          files.current.set(id, file)
          return { id, name: file.name, sizeBytes: file.size, state: { kind: 'waiting' as const } }
        })
        dispatch({ type: 'added', items: news })
      },
      dispatch: (action) => {
        if (action.type === 'cancelled') running.current.get(action.id)?.abort()
        if (action.type === 'removed') files.current.delete(action.id)
        dispatch(action)
      }
    }),
    [items]
  )
  return (
    <UploadsContext value={uploads}>
      {children}
      <VisuallyHidden role="status">{summarizeUploads(items)}</VisuallyHidden>
      <LeaveGuard
        isActive={isBusy(items)}
        isInside={(path) => path.startsWith(`/bots/${chatbotId}/`)}
        title="Files are still on their way"
        leaveLabel="Leave and cancel them"
      >
        If you leave this chatbot now, the files that are not ready yet are not added.
      </LeaveGuard>
    </UploadsContext>
  )
}

import { useMutation, useQueryClient } from '@tanstack/react-query'
import { subscriptionSchema } from '../../../server/src/contract/subscription.ts'
import { useApi } from '../lib/api-context.tsx'
import { refreshBilling } from '../lib/queries.ts'

const CALLS = {
  change: { method: 'DELETE', path: '/api/billing/plan-change' },
  cancellation: { method: 'POST', path: '/api/billing/resume' }
} as const

/** Undoable is what can be taken back: a scheduled change of the plan, or a planned cancellation. */
export type Undoable = keyof typeof CALLS

/** useUndo takes something back. Its button goes away then, and with it the focus: `onUndone` is where to put that. */
export function useUndo(what: Undoable, onUndone: () => void) {
  const api = useApi()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: () => api.send(subscriptionSchema, CALLS[what].method, CALLS[what].path),
    onSuccess: onUndone,
    onSettled: () => refreshBilling(queries)
  })
}

import { useMutation } from '@tanstack/react-query'
import { portalSchema } from '../../../server/src/contract/subscription.ts'
import { useApi } from '../lib/api-context.tsx'

/** usePortal leads to the processor's page for payment methods; its address is made on the press, and kept nowhere. */
export function usePortal() {
  const api = useApi()
  return useMutation({
    mutationFn: () => api.send(portalSchema, 'POST', '/api/billing/portal', { returnUrl: window.location.href }),
    onSuccess: ({ url }) => window.location.assign(url)
  })
}

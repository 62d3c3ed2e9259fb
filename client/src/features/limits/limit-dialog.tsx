import { createContext, lazy, type ReactNode, Suspense, useCallback, useContext, useMemo, useState } from 'react'
import { ApiProblem } from '../../lib/api.ts'

const LimitDialog = lazy(async () => ({ default: (await import('./limit-dialog-content.tsx')).LimitDialog }))

const CODES = new Set(['quota_exceeded', 'chatbot_cap_reached', 'chatbot_read_only'])

type Explain = (error: unknown) => boolean

const LimitDialogContext = createContext<Explain | null>(null)

/**
 * useLimitDialog returns a function that explains an error of a limit in a dialog and tells whether it did: any other error is
 * the caller's to show. What was typed is the caller's to keep.
 */
export function useLimitDialog(): Explain {
  const explain = useContext(LimitDialogContext)
  if (explain === null) throw new Error('There is no LimitDialogProvider around this component.')
  return explain
}

/** LimitDialogProvider holds the one dialog that explains limits. */
export function LimitDialogProvider({ children }: { children: ReactNode }) {
  const [problem, setProblem] = useState<ApiProblem | null>(null)
  const [isOpen, setIsOpen] = useState(false)
  const explain = useCallback<Explain>((error) => {
    if (!(error instanceof ApiProblem) || !CODES.has(error.problem.code)) return false
    setProblem(error)
    setIsOpen(true)
    return true
  }, [])
  const close = useCallback(() => setIsOpen(false), [])
  const dialog = useMemo(
    () => problem !== null && <LimitDialog problem={problem.problem} opened={isOpen} onClose={close} />,
    [problem, isOpen, close]
  )
  return (
    <LimitDialogContext value={explain}>
      {children}
      <Suspense>{dialog}</Suspense>
    </LimitDialogContext>
  )
}

import { useQuery } from '@tanstack/react-query'
import { useRouterState } from '@tanstack/react-router'
import { useEffect } from 'react'
import { useApi } from '../lib/api-context.tsx'
import { chatbotQuery } from '../lib/queries.ts'

const PRODUCT = 'Parley'

declare module '@tanstack/react-router' {
  interface StaticDataRouteOption {
    /** title names the screen in the browser's tab and history. */
    title?: string
  }
}

/** usePageTitle names the tab after the screen, and after the chatbot or account it is about; call it once, in the frame. */
export function usePageTitle(): void {
  const match = useRouterState({ select: ({ matches }) => matches.at(-1) })
  const { chatbotId = '', accountId }: { chatbotId?: string; accountId?: string } = match?.params ?? {}
  // The screen itself asks for it.
  const { data: chatbot } = useQuery({ ...chatbotQuery(useApi(), chatbotId), enabled: false })
  const title = [match?.staticData.title, accountId ?? chatbot?.name, PRODUCT].filter((part) => part !== undefined).join(' · ')
  useEffect(() => {
    document.title = title
    return () => {
      // Who signs out leaves nothing of theirs in the tab.
      document.title = PRODUCT
    }
  }, [title])
}

import { MantineContext, MantineProvider, type MantineThemeOverride, mergeThemeOverrides } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { type ReactNode, useContext, useMemo, useState } from 'react'
import { cssVariables, theme as parleyTheme } from '../app/theme.ts'
import { createApi } from '../lib/api.ts'
import { ApiContext } from '../lib/api-context.tsx'
import { createQueryClient } from '../lib/queries.ts'

type ParleyProviderProps = {
  /** apiUrl is where Parley runs, such as `https://parley.example.com`. Parley must list this page's origin. */
  apiUrl: string
  /** getToken returns a session token that is valid for some seconds; it is asked before every request. */
  getToken: () => Promise<string>
  /** theme changes Parley's look: a theme of Mantine. */
  theme?: MantineThemeOverride
  /** colorScheme: `auto` follows the reader's system. */
  colorScheme?: 'light' | 'dark' | 'auto'
  /** getStyleNonce is for pages whose Content-Security-Policy asks style elements for a nonce. */
  getStyleNonce?: () => string
  children: ReactNode
}

/**
 * ParleyProvider makes Parley's components work inside another app. It asks Parley by itself and keeps its own answers. It brings
 * Parley's look; only an app that shares its copy of Mantine (by importing the kit's source) keeps its own, unless a `theme` is
 * given. Give it a new `key` when another account signs in, so that nothing of one is seen by the next.
 */
export function ParleyProvider({ apiUrl, getToken, theme, colorScheme = 'auto', getStyleNonce, children }: ParleyProviderProps) {
  const [queries] = useState(createQueryClient)
  const api = useMemo(() => createApi({ baseUrl: apiUrl.replace(/\/+$/, ''), getToken }), [apiUrl, getToken])
  const isThemed = useContext(MantineContext) !== null
  const content = (
    <ApiContext value={api}>
      <QueryClientProvider client={queries}>{children}</QueryClientProvider>
    </ApiContext>
  )
  if (isThemed && theme === undefined) return content
  return (
    <MantineProvider
      theme={theme === undefined ? parleyTheme : mergeThemeOverrides(parleyTheme, theme)}
      cssVariablesResolver={cssVariables}
      {...(colorScheme === 'auto' ? { defaultColorScheme: 'auto' as const } : { forceColorScheme: colorScheme })}
      {...(getStyleNonce && { getStyleNonce })}
    >
      {content}
    </MantineProvider>
  )
}

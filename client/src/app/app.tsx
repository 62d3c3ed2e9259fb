import { MantineProvider } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { lazy, type ReactNode, StrictMode, Suspense, useMemo, useState } from 'react'
import type { ClientConfig } from '../../../server/src/contract/client-config.ts'
import { LocalSession } from '../features/session/local-session.tsx'
import { useSession } from '../features/session/session.ts'
import { createApi } from '../lib/api.ts'
import { ApiContext } from '../lib/api-context.tsx'
import { createQueryClient } from '../lib/queries.ts'
import { ConfigContext } from './config-context.ts'
import { createAppRouter } from './router.tsx'
import { cssVariables, theme } from './theme.ts'

const Notifications = lazy(async () => ({ default: (await import('@mantine/notifications')).Notifications }))
const ClerkSession = lazy(async () => ({ default: (await import('../features/session/clerk-session.tsx')).ClerkSession }))

/** App is everything below the page's root: look, session, how to ask Parley, and the screens. */
export function App({ config }: { config: ClientConfig }) {
  return (
    <StrictMode>
      <MantineProvider
        theme={theme}
        cssVariablesResolver={cssVariables}
        defaultColorScheme="auto"
        getStyleNonce={() => config.nonce}
      >
        <Suspense>
          <Notifications position="bottom-right" />
        </Suspense>
        <ConfigContext value={config}>
          <Session config={config}>
            <Account />
          </Session>
        </ConfigContext>
      </MantineProvider>
    </StrictMode>
  )
}

function Session({ config, children }: { config: ClientConfig; children: ReactNode }) {
  const { signIn, nonce } = config
  if (signIn.kind === 'local') return <LocalSession>{children}</LocalSession>
  return (
    <Suspense>
      <ClerkSession publishableKey={signIn.publishableKey} nonce={nonce}>{children}</ClerkSession>
    </Suspense>
  )
}

/** Account begins anew where another user or organization is active: nothing that was read for one may be seen by the next. */
function Account() {
  const { userId, organizationId } = useSession()
  return <SignedInApp key={`${organizationId ?? ''} ${userId}`} />
}

function SignedInApp() {
  const session = useSession()
  const [queries] = useState(createQueryClient)
  const api = useMemo(() => createApi({ baseUrl: '', getToken: session.getToken }), [session])
  const [router] = useState(createAppRouter)
  return (
    <ApiContext value={api}>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </ApiContext>
  )
}

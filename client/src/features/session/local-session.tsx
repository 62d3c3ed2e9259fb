import { lazy, type ReactNode, Suspense, useMemo, useState } from 'react'
import { createTokenSource, keepIdentity, readIdentity } from './local-identity.ts'
import { LocalAccountButton } from './local-account-button.tsx'
import { SessionContext } from './session.ts'

const LocalSignIn = lazy(async () => {
  const [module] = await Promise.all([import('./local-sign-in.tsx'), import('../../app/screen-styles.ts')])
  return { default: module.LocalSignIn }
})

/** LocalSession signs in without Clerk, by a name: at a desk only. It has the same shape as the real one. */
export function LocalSession({ children }: { children: ReactNode }) {
  const [identity, setIdentity] = useState(readIdentity)
  const session = useMemo(() => {
    if (identity === null) return null
    const signOut = (): void => {
      keepIdentity(null)
      setIdentity(null)
    }
    return {
      userId: identity.userId,
      organizationId: identity.organization?.id ?? null,
      getToken: createTokenSource(identity),
      accountMenu: <LocalAccountButton identity={identity} onSignOut={signOut} />
    }
  }, [identity])

  if (session === null) {
    return (
      <Suspense>
        <LocalSignIn
          onSignedIn={(chosen) => {
            keepIdentity(chosen)
            setIdentity(chosen)
          }}
        />
      </Suspense>
    )
  }
  return <SessionContext value={session}>{children}</SessionContext>
}

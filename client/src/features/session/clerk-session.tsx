import { ClerkProvider, OrganizationSwitcher, SignIn, useAuth, UserButton } from '@clerk/react'
import { Center, Group, Loader } from '@mantine/core'
import { type ReactNode, useMemo } from 'react'
import { SessionContext } from './session.ts'

/** ClerkSession signs in with Clerk. It is a chunk of its own: nobody without a key loads it. */
export function ClerkSession({ publishableKey, nonce, children }: { publishableKey: string; nonce: string; children: ReactNode }) {
  return (
    <ClerkProvider publishableKey={publishableKey} nonce={nonce} telemetry={false}>
      <SignedIn>{children}</SignedIn>
    </ClerkProvider>
  )
}

function SignedIn({ children }: { children: ReactNode }) {
  const { isLoaded, isSignedIn, userId, orgId, getToken } = useAuth()
  const session = useMemo(() => {
    if (!userId) return null
    return {
      userId,
      organizationId: orgId ?? null,
      getToken: async () => {
        const token = await getToken()
        if (token === null) throw new Error('The session has ended. Sign in again.')
        return token
      },
      accountMenu: (
        <Group gap="xs" wrap="nowrap">
          <OrganizationSwitcher />
          <UserButton />
        </Group>
      )
    }
  }, [userId, orgId, getToken])

  if (!isLoaded) {
    return (
      <Center h="100vh">
        <Loader aria-label="Loading the sign-in" />
      </Center>
    )
  }
  if (!isSignedIn || session === null) {
    return (
      <Center h="100vh" component="main">
        <SignIn routing="hash" />
      </Center>
    )
  }
  return <SessionContext value={session}>{children}</SessionContext>
}

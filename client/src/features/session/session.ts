import { createContext, type ReactNode, useContext } from 'react'

/**
 * ClientSession is who is signed in, by Clerk or locally: one shape for both. `getToken` returns a session token that is valid
 * for some seconds more, and throws where nobody is signed in any more.
 */
export type ClientSession = {
  userId: string
  organizationId: string | null
  getToken: () => Promise<string>
  /** accountMenu switches the organization and signs out. */
  accountMenu: ReactNode
}

/** SessionContext holds the session below the sign-in. */
export const SessionContext = createContext<ClientSession | null>(null)

/** useSession returns the session; throws outside of the signed-in part. */
export function useSession(): ClientSession {
  const session = useContext(SessionContext)
  if (session === null) throw new Error('Nobody is signed in around this component.')
  return session
}

import { createContext, useContext } from 'react'
import type { Api } from './api.ts'

/** ApiContext holds how this part of the page asks Parley: the app's own session, or what another app gave the kit. */
export const ApiContext = createContext<Api | null>(null)

/** useApi returns the {@link Api} around this component; throws where there is none. */
export function useApi(): Api {
  const api = useContext(ApiContext)
  if (api === null) throw new Error('There is no ApiContext around this component.')
  return api
}

import { createContext, useContext } from 'react'
import type { ClientConfig } from '../../../server/src/contract/client-config.ts'

/** ConfigContext holds what the server told the page. */
export const ConfigContext = createContext<ClientConfig | null>(null)

/** useConfig returns what the server told the page. */
export function useConfig(): ClientConfig {
  const config = useContext(ConfigContext)
  if (config === null) throw new Error('There is no ConfigContext around this component.')
  return config
}

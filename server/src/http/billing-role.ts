import type { Response } from 'express'
import { Problem } from '../errors.ts'
import { sessionOf } from './session.ts'

/**
 * requireBillingRole answers the account whose billing may be changed by whoever asks: a person's own, an organization's
 * only by its admins. Throws the {@link Problem} `forbidden` for other members, who may read.
 */
export function requireBillingRole(res: Response): string {
  const { accountId, organizationId, role } = sessionOf(res)
  if (organizationId === null || role === 'org:admin') return accountId
  throw new Problem('forbidden', 'Only an admin of the organization can change its plan and payments. Ask one of them.')
}

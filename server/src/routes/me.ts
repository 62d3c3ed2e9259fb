import express, { type Router } from 'express'
import type { Parts } from '../app.ts'
import type { Me } from '../contract/me.ts'
import { readAccount } from '../db/functions/read-account.ts'
import { sessionOf } from '../http/session.ts'
import { formatTime } from '../http/time.ts'

/** meRouter answers who is signed in and which account is billed. */
export function meRouter({ db }: Parts): Router {
  const router = express.Router()
  router.get('/api/me', async (_req, res) => {
    const { accountId, userId, organizationId, role, operator } = sessionOf(res)
    const account = await readAccount(db, { accountId })
    res.json({
      userId,
      organizationId,
      role,
      operator,
      account: {
        ...account,
        windowStart: formatTime(account.windowStart),
        windowEnd: formatTime(account.windowEnd),
        periodEnd: formatTime(account.periodEnd),
        cancelsAt: formatTime(account.cancelsAt),
        graceEndsAt: formatTime(account.graceEndsAt),
        createdAt: formatTime(account.createdAt)
      }
    } satisfies Me)
  })
  return router
}

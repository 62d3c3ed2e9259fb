import express, { type Router } from 'express'
import type { Parts } from '../app.ts'
import type { Doctor } from '../contract/admin.ts'
import { DatabaseUnavailable } from '../db/database.ts'
import { checkInvariants } from '../db/functions/check-invariants.ts'
import { Problem } from '../errors.ts'

/** adminDoctorRouter asks the database whether its invariants hold. Whoever asks while that runs gets the same answer. */
export function adminDoctorRouter({ db, nowMs }: Parts): Router {
  const router = express.Router()
  let running: Promise<Doctor> | null = null

  const examine = async (): Promise<Doctor> => {
    const checkedAt = new Date(nowMs()).toISOString()
    try {
      // One statement, and so one snapshot: all checks see the same moment.
      return { checkedAt, checks: await checkInvariants(db) }
    } catch (error) {
      throw isTimeout(error) ? tooLarge(error) : error
    }
  }
  router.get('/api/admin/doctor', async (_req, res) => {
    running ??= examine().finally(() => {
      running = null
    })
    res.json(await running)
  })
  return router
}

function isTimeout(error: unknown): boolean {
  return error instanceof DatabaseUnavailable && error.message.startsWith('57014')
}

function tooLarge(cause: unknown): Problem {
  const detail = 'The checks took longer than this server waits for its database. Run `npm run doctor` instead.'
  return new Problem('service_unavailable', detail, { headers: { 'Retry-After': '60' }, cause })
}

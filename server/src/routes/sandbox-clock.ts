import express, { type RequestHandler, type Router } from 'express'
import type { Parts } from '../app.ts'
import { type ClockBody, clockMoveSchema } from '../contract/sandbox.ts'
import { readClock } from '../db/functions/read-clock.ts'
import { Problem } from '../errors.ts'
import { jsonBody } from '../http/json-body.ts'
import { notFound } from '../http/problem-handler.ts'
import { formatTime } from '../http/time.ts'
import { parseBody } from '../http/validate.ts'
import { advanceClock } from '../sandbox/advance-clock.ts'
import { addMonths, MOST_YEARS, targetOf } from '../sandbox/clock-move.ts'
import { TwinAway } from '../sandbox/twin-control.ts'

const PATH = '/sandbox/clock'

/** sandboxClockRouter tells and moves the time in a sandbox; elsewhere it is as if it were not there. */
export function sandboxClockRouter(parts: Parts): Router {
  const { config, db } = parts
  const { sandboxUrl } = config
  const router = express.Router()
  let isMoving = false

  const onlyInSandbox: RequestHandler = async (req, res, next) => {
    if (sandboxUrl !== null && (await readClock(db)).sandbox) next()
    else notFound(req, res, next)
  }
  const notFromElsewhere: RequestHandler = (req, _res, next) => {
    const origin = req.get('origin')
    if (origin !== undefined && !config.clerk.authorizedParties.includes(origin)) {
      throw new Problem('forbidden', 'Pages of other origins may not move the clock.')
    }
    next()
  }

  router.get(PATH, onlyInSandbox, async (_req, res) => {
    const { now } = await readClock(db)
    res.json({ now: formatTime(now) } satisfies ClockBody)
  })

  router.post(PATH, onlyInSandbox, notFromElsewhere, ...jsonBody(), async (req, res) => {
    const move = parseBody(clockMoveSchema, req)
    const before = formatTime((await readClock(db)).now)
    const targetMs = checkedTarget(move, Date.parse(before))
    if (isMoving) throw new Problem('request_in_progress', 'The clock is being moved already. Wait until it has arrived.')
    isMoving = true
    try {
      await advanceClock(parts, sandboxUrl ?? '', targetMs)
    } catch (error) {
      if (!(error instanceof TwinAway)) throw error
      const sentence = 'The offline twin does not answer, so that its clock cannot be moved along.'
      throw new Problem('processor_unavailable', sentence, { cause: error })
    } finally {
      isMoving = false
    }
    res.json({ before, now: formatTime((await readClock(db)).now) } satisfies ClockBody)
  })
  return router
}

function checkedTarget(move: Parameters<typeof targetOf>[0], nowMs: number): number {
  const field = 'to' in move ? 'to' : 'advance'
  const refuse = (problem: string): Problem =>
    new Problem('invalid_request', `${field} ${problem}.`, { errors: [{ field, problem }] })
  const targetMs = targetOf(move, nowMs)
  if (targetMs === null || targetMs > addMonths(nowMs, 12 * MOST_YEARS)) {
    throw refuse(`leads further than ${MOST_YEARS} years; go there in several steps`)
  }
  if (targetMs < nowMs) throw refuse(`lies before ${new Date(nowMs).toISOString()}; the clock only goes forward`)
  return targetMs
}

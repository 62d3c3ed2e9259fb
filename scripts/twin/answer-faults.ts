import type { RequestHandler } from 'express'
import type { ProcessorName } from '../../server/src/billing/billing-event.ts'
import type { Faults } from './faults.ts'

const SERVER_ERRORS: Record<ProcessorName, unknown> = {
  stripe: { error: { type: 'api_error', message: 'An error occurred with our connection to Stripe.' } },
  paddle: {
    error: { type: 'api_error', code: 'internal_error', detail: 'An internal error occurred.', documentation_url: 'https://developer.paddle.com/v1/errors/shared/internal_error' },
    meta: { request_id: 'offline-twin' }
  },
  razorpay: { error: { code: 'SERVER_ERROR', description: 'We are facing some trouble completing your request at the moment. Please try again shortly.' } }
}

/**
 * answerFaults stands in front of a dialect and lets its API fail as `faults` say: before the request has an effect, or
 * after it, by breaking the connection instead of answering. Only requests with a key (an Authorization header) are
 * touched, never the pages a buyer sees.
 */
export function answerFaults(processor: ProcessorName, faults: Faults, random: () => number): RequestHandler {
  const strikes = (rate: number, counter: 'loseNext' | 'failNext', isChange: boolean): boolean => {
    if (isChange && faults[counter] > 0) {
      faults[counter] -= 1
      return true
    }
    return rate > 0 && random() < rate
  }
  return (req, res, next) => {
    if (req.headers.authorization === undefined) return next()
    const isChange = req.method !== 'GET'
    if (strikes(faults.failBefore, 'failNext', isChange)) {
      res.status(500).json(SERVER_ERRORS[processor])
      return
    }
    if (strikes(faults.loseAnswers, 'loseNext', isChange)) {
      const lose = () => {
        req.socket.destroy()
        return res
      }
      Object.assign(res, { end: lose, write: () => true, flushHeaders: () => undefined })
    }
    next()
  }
}

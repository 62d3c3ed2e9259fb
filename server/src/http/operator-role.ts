import type { RequestHandler } from 'express'
import { Problem } from '../errors.ts'
import { sessionOf } from './session.ts'

/**
 * requireOperator lets only operators pass, who see every account, and logs each request of theirs with their id. Throws the
 * {@link Problem} `forbidden` for everybody else, whatever they ask for.
 */
export const requireOperator: RequestHandler = (req, res, next) => {
  const { operator, userId } = sessionOf(res)
  if (!operator) {
    throw new Problem(
      'forbidden',
      'Only operators may do this: the session token needs the claim "metadata" with "role": "operator" (in Clerk, from the ' +
        "user's public metadata)."
    )
  }
  req.log.info({ operatorId: userId, method: req.method, path: req.originalUrl.split('?', 1)[0] }, 'operator request')
  next()
}

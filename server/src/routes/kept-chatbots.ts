import express, { type Router } from 'express'
import type { Parts } from '../app.ts'
import { keptChatbotsSchema } from '../contract/subscription.ts'
import { keepChatbots } from '../db/functions/keep-chatbots.ts'
import { Problem } from '../errors.ts'
import { requireBillingRole } from '../http/billing-role.ts'
import { parseBody } from '../http/validate.ts'
import { readSubscriptionBody } from './subscription-body.ts'

/** keptChatbotsRouter lets the owner choose which chatbots stay in use where the plan does not hold all of them. */
export function keptChatbotsRouter({ db }: Parts): Router {
  const router = express.Router()
  router.put('/api/billing/kept-chatbots', async (req, res) => {
    const accountId = requireBillingRole(res)
    const { chatbotIds } = parseBody(keptChatbotsSchema, req)
    const { outcome, kept, quota } = await keepChatbots(db, { accountId, chatbotIds })
    if (outcome === 'not_found') throw new Problem('not_found', 'One of these chatbots is not in this account.')
    if (outcome === 'too_many') {
      const sentence = `The plan holds ${quota} chatbot(s), and ${kept} were named. Name at most ${quota}, or upgrade.`
      throw new Problem('too_many_chatbots', sentence, { resolutions: [{ action: 'upgrade' }] })
    }
    res.json(await readSubscriptionBody(db, accountId))
  })
  return router
}

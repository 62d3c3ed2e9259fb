import { chatbotSchema } from '../../server/src/contract/chatbots.ts'
import { planChangeFitSchema } from '../../server/src/contract/plan-change.ts'
import { describeMeter, demandUsed, meterOf, readUsage } from './account.ts'
import { describe, expectAnswer, expectProblem, type Api } from './api.ts'
import { demand, Mismatch, readable, type Steps } from './steps.ts'

/** Chatbots are those the story has made and not yet deleted, by id. */
export type Chatbots = string[]

// A catalog may be changed; a plan that allows hundreds is no limit one can walk to.
const MOST_CHATBOTS = 50

/** createToLimit creates chatbots until the plan has no more, and sees the next one refused with its numbers. */
export async function createToLimit(steps: Steps, api: Api, made: Chatbots): Promise<void> {
  await steps.step('create chatbots to the limit', async () => {
    const { plan, quota } = await limitOf(api)
    while (made.length < quota) await create(api, made)
    const refused = expectProblem(await api('POST', '/api/chatbots', { name: 'One too many' }), 402, 'quota_exceeded')
    demand('the quota that refuses is of', 'chatbots', refused.limit?.metric ?? null)
    if (!refused.detail.includes(`${quota} of ${quota} chatbots`)) throw new Mismatch(`"${quota} of ${quota} chatbots"`, refused.detail)
    demandUsed(await readUsage(api), 'chatbots', quota)
    return { detail: `${quota} on ${plan}; the next is ${refused.status} ${refused.code}`, made: undefined }
  })
}

/** createMore creates chatbots until there are `count`. */
export async function createMore(steps: Steps, api: Api, made: Chatbots, count: number): Promise<void> {
  await steps.step('create more chatbots', async () => {
    while (made.length < count) await create(api, made)
    return { detail: describeMeter(demandUsed(await readUsage(api), 'chatbots', count)), made: undefined }
  })
}

/** refuseDowngrade sees a plan refused for which there are too many chatbots, with the sentence that says what to do. */
export async function refuseDowngrade(steps: Steps, api: Api, plan: string, excess: number): Promise<void> {
  await steps.step(`no downgrade to ${plan} yet`, async () => {
    const refused = expectProblem(await api('POST', CHECK, { plan }), 400, 'downgrade_blocked')
    demand('the sentence', `Please delete ${excess} chatbot(s) before downgrading`, refused.detail)
    return { detail: `${refused.status} "${refused.detail}"`, made: undefined }
  })
}

/** deleteThenFit deletes that many chatbots and sees the plan pass. */
export async function deleteThenFit(steps: Steps, api: Api, made: Chatbots, plan: string, count: number): Promise<void> {
  await steps.step(`delete ${count}, it fits now`, async () => {
    await deleteChatbots(api, made, count)
    const { fits } = expectAnswer(await api('POST', CHECK, { plan }), 200, planChangeFitSchema)
    const chatbots = demandUsed(await readUsage(api), 'chatbots', made.length)
    return { detail: `${describeMeter(chatbots)}, fits ${plan}: ${fits}`, made: undefined }
  })
}

/** deleteChatbots deletes the `count` made last and forgets them. */
export async function deleteChatbots(api: Api, made: Chatbots, count: number): Promise<void> {
  for (const id of made.slice(-count)) {
    const answer = await api('DELETE', `/api/chatbots/${id}`)
    if (answer.status !== 204) throw new Mismatch(`204 for deleting chatbot ${id}`, describe(answer))
    made.splice(made.indexOf(id), 1)
  }
}

const CHECK = '/api/billing/plan-change/check'

async function create(api: Api, made: Chatbots): Promise<void> {
  const body = { name: `Smoke ${made.length + 1}`, instructions: 'Answer from the handbook.' }
  const { chatbotId } = expectAnswer(await api('POST', '/api/chatbots', body), 201, chatbotSchema)
  made.push(chatbotId)
}

async function limitOf(api: Api): Promise<{ plan: string; quota: number }> {
  const usage = await readUsage(api)
  const { quota } = meterOf(usage, 'chatbots')
  if (quota === null || quota < 1 || quota > MOST_CHATBOTS) {
    throw new Mismatch(`a plan with 1 to ${MOST_CHATBOTS} chatbots`, `${readable(quota)} on ${usage.plan}`)
  }
  return { plan: usage.plan, quota }
}

import { plansSchema } from '../../server/src/contract/plans.ts'
import { describeMeter, demandUsed, readMe, readUsage, usageTable } from './account.ts'
import { createApi, expectAnswer, expectProblem, type Api } from './api.ts'
import { deliverAgain, renew, upgrade, type Cashier } from './billing.ts'
import { askCited, chatOnce, chatToLimit, giveDocument } from './chat.ts'
import { createMore, createToLimit, deleteChatbots, deleteThenFit, refuseDowngrade, type Chatbots } from './chatbots.ts'
import { createSteps, demand, Mismatch, type Screen, type Steps } from './steps.ts'

/** StoryOptions: `url` without a slash at its end; `keep` leaves the chatbots; `price` is Stripe's for the larger plan. */
export type StoryOptions = { url: string; token: string; secret: string; price: string | null; keep: boolean }

const LARGE = 'growth'
const SMALL = 'starter'
const EXCESS = 2

/**
 * tellStory walks a fresh account through all that Parley promises and stops at the first thing that is not so. True when
 * all was. Throws {@link NoServer} when nothing answers at the start.
 */
export async function tellStory(options: StoryOptions, screen: Screen): Promise<boolean> {
  const onWait = (seconds: number): void => screen.progress(`told to slow down, waiting ${seconds} s`)
  const api = createApi({ ...options, onWait })
  await api('GET', '/readyz')
  screen.line(`The story of a customer, at ${options.url}\n`)
  const steps = createSteps(screen)
  const made: Chatbots = []
  try {
    await walk(steps, api, options, made)
    screen.line(`\n${usageTable(await readUsage(api))}\n`)
    await cleanUp(steps, api, made, options.keep)
    return true
  } catch (error) {
    if (!(error instanceof Mismatch)) screen.line(`    ${error instanceof Error ? error.message : String(error)}`)
    if (!options.keep) await deleteChatbots(api, made, made.length).catch(() => screen.line(`    left behind: chatbots ${made.join(', ')}`))
    return false
  }
}

async function walk(steps: Steps, api: Api, options: StoryOptions, made: Chatbots): Promise<void> {
  const accountId = await signIn(steps, api, options)
  const cashier: Cashier = { url: options.url, secret: options.secret, accountId, plan: LARGE, price: options.price }
  await createToLimit(steps, api, made)
  const [chatbot = ''] = made
  await giveDocument(steps, api, chatbot)
  await askCited(steps, api, chatbot)
  await chatToLimit(steps, api, chatbot)
  await upgrade(steps, api, cashier, made.length)
  await createMore(steps, api, made, (await chatbotsOf(api, SMALL)) + EXCESS)
  await refuseDowngrade(steps, api, SMALL, EXCESS)
  await deleteThenFit(steps, api, made, SMALL, EXCESS)
  await chatOnce(steps, api, chatbot)
  const renewal = await renew(steps, api, cashier, made.length)
  await deliverAgain(steps, api, cashier, renewal)
}

async function signIn(steps: Steps, api: Api, { url }: StoryOptions): Promise<string> {
  return steps.step('sign in', async () => {
    const nobody = createApi({ url, token: null, onWait: () => undefined })
    expectProblem(await nobody('GET', '/api/me'), 401, 'unauthenticated')
    const answer = await api('GET', '/api/me')
    if (answer.status === 401) throw new Mismatch('a session token this server accepts (with Clerk, give one with --token)', '401')
    const { account } = await readMe(api)
    demand('a fresh account, whose plan is', 'free', account.plan)
    demand('a fresh account, whose subscription is', 'none', account.status)
    const chatbots = demandUsed(await readUsage(api), 'chatbots', 0)
    return { detail: `${account.accountId} on ${account.plan}, ${describeMeter(chatbots)}; without a token 401`, made: account.accountId }
  })
}

async function cleanUp(steps: Steps, api: Api, made: Chatbots, keep: boolean): Promise<void> {
  await steps.step('clean up', async () => {
    const count = made.length
    if (keep) return { detail: `kept ${count} chatbots`, made: undefined }
    await deleteChatbots(api, made, count)
    return { detail: `deleted ${count} chatbots, ${describeMeter(demandUsed(await readUsage(api), 'chatbots', 0))}`, made: undefined }
  })
}

/** chatbotsOf is how many chatbots a plan allows. */
async function chatbotsOf(api: Api, plan: string): Promise<number> {
  const { data } = expectAnswer(await api('GET', '/api/plans'), 200, plansSchema)
  const quota = data.find((one) => one.plan === plan)?.quotas.find(({ metric }) => metric === 'chatbots')?.quota
  if (quota === undefined || quota === null) throw new Mismatch(`a plan ${plan} with a number of chatbots`, 'none')
  return quota
}


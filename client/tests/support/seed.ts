import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Account, askAsVisitor, createAccount, type Identity, moveClock, readClock } from './account.ts'
import { CHATBOTS, QUESTIONS } from './seed-texts.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')
const run = promisify(execFile)

/** Seeded is a Parley with people in it: who they are, and the ids that addresses need. */
export type Seeded = {
  /** owner has the plan starter, full of chatbots; newcomer has nothing yet; overdue and over have a banner each. */
  owner: Identity
  newcomer: Identity
  overdue: Identity
  over: Identity
  operator: Identity
  chatbotId: string
  conversationId: string
  widgetKey: string
  checkoutId: string
  /** The inbox has an event that could not be applied. */
  failedEventId: string
}

/** SeedSize is how many days pass, and how many questions are asked on a day, at least 10. */
export type SeedSize = { days: number; questionsADay: number }

// Place is where a Parley runs, and on which data folder.
type Place = { url: string; dataDir: string }

const ASKERS = 8

/**
 * seedParley lives some days in the Parley at `url`, whose data folder is `dataDir`: over its own interfaces, except for
 * deliveries of a payment processor, which `npm run webhook` makes.
 */
export async function seedParley(url: string, dataDir: string, { days, questionsADay }: SeedSize): Promise<Seeded> {
  const owner = createAccount(url, { userId: 'nora' })
  const chatbotIds: string[] = []
  // The first is created with the free plan, which holds one.
  chatbotIds.push(await createChatbot(owner, CHATBOTS[0]))
  const checkoutId = await owner.subscribe('starter')
  for (const chatbot of CHATBOTS.slice(1)) chatbotIds.push(await createChatbot(owner, chatbot))
  const [chatbotId = '', secondId = ''] = chatbotIds
  const { widgetKey } = await owner.widget(chatbotId, { enabled: true, allowedOrigins: ['https://www.nordlicht.example'] })

  for (let day = 0; day < days; day += 1) {
    if (day > 0) await moveClock(url, '1 day')
    // No two days are alike, and every run is.
    const questions = Math.round(questionsADay * (0.6 + 0.8 * Math.abs(Math.sin(day * 2.3 + 1))))
    await liveADay(url, owner, { chatbotId, secondId, widgetKey, questions })
  }
  const conversationId = await owner.openConversation(chatbotId, QUESTIONS[0])
  for (const question of QUESTIONS.slice(0, 2)) await owner.ask(chatbotId, conversationId, question)

  // One after the other: the command remembers what it has told.
  const place = { url, dataDir }
  const failed = await sendWebhook(place, 'created', 'kai', '--plan', 'starter', '--price', 'price_of_another_shop')
  await createAccount(url, { userId: 'vera' }).send('GET', '/api/me')
  await sendWebhook(place, 'created', 'vera', '--plan', 'starter')
  await sendWebhook(place, 'past_due', 'vera')
  await growTooLarge(place)
  await run(process.execPath, [join(ROOT, 'scripts', 'reconcile.ts'), 'subscriptions'], { env: environmentOf(dataDir) })
  return {
    owner: owner.identity,
    newcomer: { userId: 'nils' },
    overdue: { userId: 'vera' },
    over: { userId: 'ole' },
    operator: { userId: 'otto', operator: true },
    chatbotId,
    conversationId,
    widgetKey,
    checkoutId,
    failedEventId: /evt_\w+/.exec(failed)?.[0] ?? ''
  }
}

async function createChatbot(owner: Account, chatbot: (typeof CHATBOTS)[number]): Promise<string> {
  const { name, instructions, welcomeMessage, documents } = chatbot
  const chatbotId = await owner.createChatbot(name, { instructions, welcomeMessage })
  for (const [document, text] of Object.entries(documents)) await owner.addDocument(chatbotId, document, text)
  return chatbotId
}

async function liveADay(
  url: string,
  owner: Account,
  { chatbotId, secondId, widgetKey, questions }: { chatbotId: string; secondId: string; widgetKey: string; questions: number }
): Promise<void> {
  const question = (place: number): string => QUESTIONS[place % QUESTIONS.length] ?? ''
  const visits = Math.max(1, Math.round(questions / 20))
  for (let place = 0; place < visits; place += 1) await askAsVisitor(url, widgetKey, question(place))
  await Promise.all(
    Array.from({ length: ASKERS }, async (_, asker) => {
      const askedId = asker % 4 === 3 ? secondId : chatbotId
      const share = Math.floor((questions - visits + asker) / ASKERS)
      if (share <= 0) return
      const conversationId = await owner.openConversation(askedId, question(asker))
      for (let place = 0; place < share; place += 1) await owner.ask(askedId, conversationId, question(asker + place))
    })
  )
}

// Three chatbots, and then a plan that holds one.
async function growTooLarge(place: Place): Promise<void> {
  const account = createAccount(place.url, { userId: 'ole' })
  await account.send('GET', '/api/me')
  await sendWebhook(place, 'created', 'ole', '--plan', 'growth')
  for (const name of ['Support', 'Sales', 'Press']) await account.createChatbot(name)
  await sendWebhook(place, 'canceled', 'ole')
}

/** sendWebhook delivers an event of Stripe's for an account, signed as Stripe would, and returns what the command says. */
async function sendWebhook({ url, dataDir }: Place, event: string, accountId: string, ...options: string[]): Promise<string> {
  const occurredAt = ['--occurred-at', await readClock(url)]
  const args = [join(ROOT, 'scripts', 'webhook.ts'), 'stripe', event, '--account', accountId, ...occurredAt, ...options]
  return (await run(process.execPath, args, { env: environmentOf(dataDir) })).stdout
}

function environmentOf(dataDir: string): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', DATA_DIR: dataDir, STRIPE_WEBHOOK_SECRET: '' }
}

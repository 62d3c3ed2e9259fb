import { conversationSchema } from '../../server/src/contract/conversations.ts'
import { documentSchema } from '../../server/src/contract/documents.ts'
import { answerSchema, type AnswerBody } from '../../server/src/contract/messages.ts'
import { demandUsed, describeMeter, meterOf, readUsage } from './account.ts'
import { describe, expectAnswer, expectProblem, type Api } from './api.ts'
import { demand, Mismatch, readable, type Steps } from './steps.ts'

const DOCUMENT = { name: 'handbook.md', text: '# Refunds\n\nRefunds are possible within 30 days of purchase.\n' }
const QUESTION = 'Are refunds possible?'
const LANES = 10
const MOST_MESSAGES = 1_000

/** giveDocument gives the chatbot something to answer from. */
export async function giveDocument(steps: Steps, api: Api, chatbotId: string): Promise<void> {
  await steps.step('give it a document', async () => {
    const answer = await api('POST', `/api/chatbots/${chatbotId}/documents`, DOCUMENT)
    const { name, sizeBytes, passageCount } = expectAnswer(answer, 201, documentSchema)
    demandUsed(await readUsage(api), 'storage_bytes', sizeBytes)
    return { detail: `${name}, ${sizeBytes} bytes, ${passageCount} passage(s)`, made: undefined }
  })
}

/** askCited asks what the document answers and sees it cited. */
export async function askCited(steps: Steps, api: Api, chatbotId: string): Promise<void> {
  await steps.step('ask, and see the source', async () => {
    const { message } = await ask(api, await startConversation(api, chatbotId))
    const cited = message.citations.map(({ documentName }) => documentName)
    if (!cited.includes(DOCUMENT.name)) throw new Mismatch(`an answer that cites ${DOCUMENT.name}`, `"${message.content}" (cites ${cited.join(', ') || 'nothing'})`)
    return { detail: `"${shorten(message.content)}" cites ${DOCUMENT.name}`, made: undefined }
  })
}

/** chatToLimit uses up the messages of the plan, several at a time, and sees the next one refused with its numbers. */
export async function chatToLimit(steps: Steps, api: Api, chatbotId: string): Promise<void> {
  await steps.step('chat to the limit', async () => {
    const { quota, remaining } = meterOf(await readUsage(api), 'messages')
    if (quota === null || remaining === null || quota > MOST_MESSAGES) {
      throw new Mismatch(`a plan with at most ${readable(MOST_MESSAGES)} messages`, readable(quota))
    }
    const begun = performance.now()
    let left = remaining
    let answered = quota - remaining
    const talk = async (): Promise<void> => {
      const conversation = await startConversation(api, chatbotId)
      while (left > 0) {
        left -= 1
        await ask(api, conversation)
        answered += 1
        steps.progress(`${answered} of ${quota} messages`)
      }
    }
    const lanes = Array.from({ length: LANES }, async () => {
      await talk().catch((error: unknown) => {
        // The others are to stop too.
        left = 0
        throw error
      })
    })
    const failed = (await Promise.allSettled(lanes)).find((lane) => lane.status === 'rejected')
    if (failed) throw failed.reason
    const seconds = ((performance.now() - begun) / 1000).toFixed(1)

    const path = await startConversation(api, chatbotId)
    const refused = expectProblem(await api('POST', path, { content: QUESTION, channel: 'playground' }), 402, 'quota_exceeded')
    demand('the quota that refuses is of', 'messages', refused.limit?.metric ?? null)
    const sentence = `${readable(quota)} of ${readable(quota)} messages`
    if (!refused.detail.includes(sentence)) throw new Mismatch(`"${sentence}"`, refused.detail)
    demandUsed(await readUsage(api), 'messages', quota)
    return { detail: `${remaining} in ${seconds} s; the next is ${refused.status}: ${sentence} are used`, made: undefined }
  })
}

/** chatOnce asks once more and sees one message counted. */
export async function chatOnce(steps: Steps, api: Api, chatbotId: string): Promise<void> {
  await steps.step('chat on', async () => {
    const { used } = meterOf(await readUsage(api), 'messages')
    await ask(api, await startConversation(api, chatbotId))
    return { detail: describeMeter(demandUsed(await readUsage(api), 'messages', used + 1)), made: undefined }
  })
}

/** startConversation answers the path of a new conversation's messages. */
async function startConversation(api: Api, chatbotId: string): Promise<string> {
  const path = `/api/chatbots/${chatbotId}/conversations`
  const { conversationId } = expectAnswer(await api('POST', path, { channel: 'playground' }), 201, conversationSchema)
  return `${path}/${conversationId}/messages`
}

async function ask(api: Api, path: string): Promise<AnswerBody> {
  const answer = await api('POST', path, { content: QUESTION, channel: 'playground' })
  const body = expectAnswer(answer, 201, answerSchema)
  if (body.message.status !== 'complete') throw new Mismatch('a complete answer', describe(answer))
  return body
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ')
  return line.length > 70 ? `${line.slice(0, 69)}…` : line
}

import { z } from 'zod'
import { callForOne, timestamp } from '../call.ts'
import type { Database } from '../database.ts'
import { decisionSchema } from '../decision.ts'

const createdSchema = decisionSchema.extend({
  chatbotId: z.string().nullable(),
  name: z.string().nullable(),
  instructions: z.string().nullable(),
  welcomeMessage: z.string().nullable(),
  model: z.string().nullable(),
  createdAt: timestamp.nullable(),
  updatedAt: timestamp.nullable(),
  monthlyMessageCap: z.number().nullable()
})
export type ChatbotCreation = z.output<typeof createdSchema>

/** createChatbot makes a chatbot and counts it, in one transaction; the chatbot's columns are null when refused. */
export function createChatbot(
  db: Database,
  args: {
    accountId: string
    name: string
    instructions?: string
    welcomeMessage?: string
    model?: string | null
    requestId?: string | null
    monthlyMessageCap?: number | null
  }
): Promise<ChatbotCreation> {
  return callForOne(db, 'create_chatbot', args, createdSchema)
}

import { z } from 'zod'
import { timestamp } from './call.ts'

/**
 * chatbotSchema is a chatbot as it is read; the functions answer none when it is not the account's. `readOnly`: the plan in
 * force does not hold it. `messagesThisWindow` is what counts against `monthlyMessageCap` (null: none) in the account's window.
 */
export const chatbotSchema = z.object({
  chatbotId: z.string(),
  name: z.string(),
  instructions: z.string(),
  welcomeMessage: z.string(),
  model: z.string().nullable(),
  documentCount: z.number(),
  storageBytes: z.number(),
  createdAt: timestamp,
  updatedAt: timestamp,
  readOnly: z.boolean(),
  monthlyMessageCap: z.number().nullable(),
  messagesThisWindow: z.number()
})
export type Chatbot = z.output<typeof chatbotSchema>

/** deletionSchema: `deleted` is false when there was nothing of the account's to delete; the rest is the gauge afterwards. */
export const deletionSchema = z.object({
  deleted: z.boolean(),
  used: z.number().nullable(),
  quota: z.number().nullable(),
  remaining: z.number().nullable()
})
export type Deletion = z.output<typeof deletionSchema>

import { z } from 'zod'
import { timestamp } from './call.ts'

/** widgetSchema is a widget as its owner reads it; the functions answer none when the chatbot is not the account's. */
export const widgetSchema = z.object({
  chatbotId: z.string(),
  widgetKey: z.string(),
  enabled: z.boolean(),
  allowedOrigins: z.array(z.string()),
  messagesPerVisitorPerHour: z.number(),
  unavailableMessage: z.string(),
  identityRequired: z.boolean(),
  identitySecret: z.string(),
  lastRefusedAt: timestamp.nullable(),
  lastRefusedCause: z.string().nullable(),
  lastRefusedRequestId: z.string().nullable()
})
export type Widget = z.output<typeof widgetSchema>

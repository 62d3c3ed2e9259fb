import { z } from 'zod'

/** inboxStatusSchema: `discarded` was dead or failed and an operator decided that it stays without effect. */
export const inboxStatusSchema = z.enum(['received', 'processed', 'ignored', 'failed', 'dead', 'discarded'])

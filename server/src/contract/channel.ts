import { z } from 'zod'

/** channelSchema is the way a message came in. */
export const channelSchema = z.enum(['playground', 'widget', 'api'])

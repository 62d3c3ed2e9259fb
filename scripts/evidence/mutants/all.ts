import { ACCESS_GUARDS } from './access-guards.ts'
import { ANSWER_GUARDS } from './answer-guards.ts'
import { BATCH_GUARDS } from './batch-guards.ts'
import { CHAT_GUARDS } from './chat-guards.ts'
import { HTTP_GUARDS } from './http-guards.ts'
import { INBOX_GUARDS } from './inbox-guards.ts'
import type { Mutant } from './mutant.ts'
import { PAGE_GUARDS } from './page-guards.ts'
import { PLAN_CHANGE_GUARDS } from './plan-change-guards.ts'
import { SERVER_GUARDS } from './server-guards.ts'
import { SUBSCRIPTION_GUARDS } from './subscription-guards.ts'
import { USAGE_GUARDS } from './usage-guards.ts'
import { WEBHOOK_GUARDS } from './webhook-guards.ts'

/** ALL_MUTANTS are the guards that are taken out, one at a time. */
export const ALL_MUTANTS: readonly Mutant[] = [
  ...USAGE_GUARDS,
  ...BATCH_GUARDS,
  ...ANSWER_GUARDS,
  ...INBOX_GUARDS,
  ...SUBSCRIPTION_GUARDS,
  ...PLAN_CHANGE_GUARDS,
  ...CHAT_GUARDS,
  ...ACCESS_GUARDS,
  ...WEBHOOK_GUARDS,
  ...HTTP_GUARDS,
  ...PAGE_GUARDS,
  ...SERVER_GUARDS
]

import { z } from 'zod'
import type { ZodOpenApiPathsObject } from 'zod-openapi'
import { quota, SESSION, time } from './common.ts'
import { inboxStatusSchema } from './inbox-status.ts'
import { pageOf, pageSchema } from './page.ts'
import { sessionProblems } from './problem.ts'

// Postgres stores any character but NUL.
const text = z.string().regex(/^[^\0]*$/, 'has a NUL character')
const source = z.enum(['stripe', 'paddle', 'razorpay', 'clerk'])
const reason = z
  .string()
  .trim()
  .min(3, 'needs at least 3 characters')
  .max(500, 'has more than 500 characters')
  .meta({ description: 'Why; kept in the log of what operators did.', example: 'Fixed the price id, INC-42' })

/** adminAccountSchema is an account as operators see it in the list. */
export const adminAccountSchema = z
  .object({
    accountId: z.string(),
    plan: z.string(),
    status: z.string(),
    processor: z.string().nullable(),
    subscriptionId: z.string().nullable(),
    chatbots: z.number().int(),
    messagesUsed: z.number().int(),
    messagesQuota: quota,
    createdAt: time,
    closedAt: time.nullable()
  })
  .meta({ id: 'AdminAccount' })
export type AdminAccount = z.output<typeof adminAccountSchema>

/** adminAccountsQuerySchema: `search` is the beginning of an account's id, or of a customer's, subscription's or payment's. */
export const adminAccountsQuerySchema = pageSchema.extend({ search: text.trim().max(255).optional() })

/** adminAccountParamsSchema is the path of one account. */
export const adminAccountParamsSchema = z.object({ accountId: z.string().regex(/^[\x21-\x7e]{1,255}$/, 'is not an account id') })

/** adminAccountDetailSchema is all there is to know of an account. */
export const adminAccountDetailSchema = adminAccountSchema
  .extend({
    metrics: z.array(z.object({ metric: z.string(), title: z.string(), used: z.number().int(), quota, resetsAt: time.nullable() })),
    subscriptions: z.array(
      z.object({
        processor: z.string(),
        subscriptionId: z.string(),
        status: z.string(),
        plan: z.string().nullable(),
        inForce: z.boolean(),
        periodStart: time.nullable(),
        periodEnd: time.nullable(),
        asOf: time
      })
    ),
    events: z.array(
      z.object({ processor: source, eventId: z.string(), eventType: z.string(), status: z.string(), occurredAt: time })
    ).meta({ description: 'The last 20 deliveries about it.' })
  })
  .meta({ id: 'AdminAccountDetail' })
export type AdminAccountDetail = z.output<typeof adminAccountDetailSchema>

/** inboxQuerySchema filters the inbox. */
export const inboxQuerySchema = pageSchema.extend({
  status: inboxStatusSchema.optional(),
  processor: source.optional(),
  accountId: text.max(255).optional()
})

/** inboxEventSchema is one delivery in the list. */
export const inboxEventSchema = z
  .object({
    processor: source,
    eventId: z.string(),
    eventType: z.string(),
    kind: z.string().nullable(),
    status: inboxStatusSchema,
    attempts: z.number().int(),
    deliveries: z.number().int(),
    lastError: z.string().nullable(),
    accountId: z.string().nullable(),
    subscriptionId: z.string().nullable(),
    occurredAt: time,
    receivedAt: time,
    processedAt: time.nullable(),
    nextAttemptAt: time.nullable()
  })
  .meta({ id: 'InboxEvent' })
export type InboxEvent = z.output<typeof inboxEventSchema>

/** inboxParamsSchema is the path of one delivery. */
export const inboxParamsSchema = z.object({ processor: source, eventId: text.min(1).max(255) })

/** inboxDetailSchema adds the payload as it came, and what operators did with it. */
export const inboxDetailSchema = inboxEventSchema
  .extend({
    payload: z.string().meta({ description: 'The body as it was received.' }),
    actions: z.array(z.object({ operatorId: z.string(), action: z.string(), reason: z.string(), at: time }))
  })
  .meta({ id: 'InboxDetail' })
export type InboxDetail = z.output<typeof inboxDetailSchema>

/** reasonSchema is the body of what an operator does. */
export const reasonSchema = z.strictObject({ reason }).meta({ id: 'Reason' })

/** inboxActionSchema is what became of the delivery. */
export const inboxActionSchema = z.object({ status: inboxStatusSchema }).meta({ id: 'InboxAction' })
export type InboxAction = z.output<typeof inboxActionSchema>

/** reconciliationRunSchema is one time a processor was asked for what had happened. */
export const reconciliationRunSchema = z
  .object({
    runId: z.guid(),
    processor: z.string(),
    since: time,
    dryRun: z.boolean(),
    status: z.enum(['running', 'done', 'failed']),
    entries: z.number().int(),
    drifts: z.number().int(),
    corrections: z.number().int(),
    lastError: z.string().nullable(),
    startedAt: time,
    finishedAt: time.nullable()
  })
  .meta({ id: 'ReconciliationRun' })
export type ReconciliationRun = z.output<typeof reconciliationRunSchema>

/** driftSchema is one field that differed. */
export const driftSchema = z
  .object({
    eventId: z.string(),
    field: z.string(),
    eventType: z.string(),
    accountId: z.string().nullable(),
    subscriptionId: z.string().nullable(),
    ours: z.string().nullable(),
    theirs: z.string().nullable(),
    corrected: z.boolean()
  })
  .meta({ id: 'Drift' })
export type Drift = z.output<typeof driftSchema>

/** runParamsSchema is the path of one run. */
export const runParamsSchema = z.object({ runId: z.guid('is not an id') })

/** doctorSchema is what the database says of its own invariants. */
export const doctorSchema = z
  .object({
    checkedAt: time,
    checks: z.array(z.object({ place: z.number().int(), name: z.string(), violations: z.number().int(), example: z.string().nullable() }))
  })
  .meta({ id: 'Doctor' })
export type Doctor = z.output<typeof doctorSchema>

const json = (description: string, schema: z.ZodType) => ({ 200: { description, content: { 'application/json': { schema } } } })
const operator = { tags: ['Operator'], security: SESSION }
const reasonBody = { required: true, content: { 'application/json': { schema: reasonSchema } } }

/** adminPaths is the OpenAPI part of routes/admin-*.ts. Whoever is no operator is answered 403. */
export const adminPaths: ZodOpenApiPathsObject = {
  '/api/admin/accounts': {
    get: {
      ...operator,
      operationId: 'adminListAccounts',
      summary: 'Accounts, the newest first',
      requestParams: { query: adminAccountsQuerySchema },
      responses: { ...json('A page.', pageOf(adminAccountSchema)), ...sessionProblems(400, 403) }
    }
  },
  '/api/admin/accounts/{accountId}': {
    get: {
      ...operator,
      operationId: 'adminReadAccount',
      summary: 'One account',
      requestParams: { path: adminAccountParamsSchema },
      responses: { ...json('The account.', adminAccountDetailSchema), ...sessionProblems(400, 403, 404) }
    }
  },
  '/api/admin/inbox': {
    get: {
      ...operator,
      operationId: 'adminListInbox',
      summary: 'Deliveries, the newest first',
      requestParams: { query: inboxQuerySchema },
      responses: { ...json('A page.', pageOf(inboxEventSchema)), ...sessionProblems(400, 403) }
    }
  },
  '/api/admin/inbox/{processor}/{eventId}': {
    get: {
      ...operator,
      operationId: 'adminReadInboxEvent',
      summary: 'One delivery with its payload',
      requestParams: { path: inboxParamsSchema },
      responses: { ...json('The delivery.', inboxDetailSchema), ...sessionProblems(400, 403, 404) }
    }
  },
  '/api/admin/inbox/{processor}/{eventId}/replay': {
    post: {
      ...operator,
      operationId: 'adminReplayInboxEvent',
      summary: 'Try a failed, dead or discarded delivery again; one that was applied cannot apply twice',
      requestParams: { path: inboxParamsSchema },
      requestBody: reasonBody,
      responses: { ...json('What became of it.', inboxActionSchema), ...sessionProblems(400, 403, 404, 409, 413, 415) }
    }
  },
  '/api/admin/inbox/{processor}/{eventId}/discard': {
    post: {
      ...operator,
      operationId: 'adminDiscardInboxEvent',
      summary: 'Decide that a failed or dead delivery stays without effect',
      requestParams: { path: inboxParamsSchema },
      requestBody: reasonBody,
      responses: { ...json('What became of it.', inboxActionSchema), ...sessionProblems(400, 403, 404, 409, 413, 415) }
    }
  },
  '/api/admin/reconciliation': {
    get: {
      ...operator,
      operationId: 'adminListReconciliationRuns',
      summary: 'Reconciliation runs, the newest first',
      requestParams: { query: pageSchema },
      responses: { ...json('A page.', pageOf(reconciliationRunSchema)), ...sessionProblems(400, 403) }
    }
  },
  '/api/admin/reconciliation/{runId}/drifts': {
    get: {
      ...operator,
      operationId: 'adminListDrifts',
      summary: 'What a run found to differ',
      requestParams: { path: runParamsSchema, query: pageSchema },
      responses: { ...json('A page.', pageOf(driftSchema)), ...sessionProblems(400, 403, 404) }
    }
  },
  '/api/admin/doctor': {
    get: {
      ...operator,
      operationId: 'adminRunDoctor',
      summary: 'Ask the database whether its invariants hold',
      responses: { ...json('Every check.', doctorSchema), ...sessionProblems(403) }
    }
  }
}

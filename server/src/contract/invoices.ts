import { z } from 'zod'
import type { ZodOpenApiPathsObject } from 'zod-openapi'
import { SESSION, time } from './common.ts'
import { moneySchema, processorSchema } from './money.ts'
import { sessionProblems } from './problem.ts'

/** invoiceSchema is an invoice as the processor has it. */
export const invoiceSchema = z
  .object({
    invoiceId: z.string().meta({ description: "The processor's id." }),
    processor: processorSchema,
    number: z.string().nullable().meta({ description: 'The number printed on it; null until it has one.' }),
    status: z.enum(['draft', 'open', 'paid', 'past_due', 'void', 'uncollectible', 'refunded']),
    total: moneySchema,
    issuedAt: time,
    periodStart: time.nullable(),
    periodEnd: time.nullable(),
    hasDocument: z.boolean().meta({ description: 'The processor keeps a page or a PDF of it: ask for it by `document`.' })
  })
  .meta({ id: 'Invoice' })
export type InvoiceBody = z.output<typeof invoiceSchema>

/** invoicesSchema is the answer of `GET /api/billing/invoices`, the newest first. */
export const invoicesSchema = z
  .object({
    data: z.array(invoiceSchema),
    hasMore: z.boolean().meta({ description: 'There are older ones; the portal of the processor shows them.' })
  })
  .meta({ id: 'Invoices' })
export type Invoices = z.output<typeof invoicesSchema>

/** invoiceParamsSchema is the path of one invoice. */
export const invoiceParamsSchema = z.object({ invoiceId: z.string().regex(/^[\w-]{1,255}$/, 'is not an id') })

/** invoiceDocumentSchema is where the invoice can be read, soon: such addresses expire. */
export const invoiceDocumentSchema = z.object({ url: z.string(), kind: z.enum(['pdf', 'page']) }).meta({ id: 'InvoiceDocument' })
export type InvoiceDocument = z.output<typeof invoiceDocumentSchema>

/** invoicePaths is the OpenAPI part of routes/invoices.ts. */
export const invoicePaths: ZodOpenApiPathsObject = {
  '/api/billing/invoices': {
    get: {
      operationId: 'listInvoices',
      summary: 'The invoices of the account, asked of its processor; none without a subscription',
      tags: ['Billing'],
      security: SESSION,
      responses: {
        200: { description: 'The newest, at most 24.', content: { 'application/json': { schema: invoicesSchema } } },
        ...sessionProblems()
      }
    }
  },
  '/api/billing/invoices/{invoiceId}/document': {
    get: {
      operationId: 'readInvoiceDocument',
      summary: 'Where the processor shows an invoice, as a PDF where it has one',
      tags: ['Billing'],
      security: SESSION,
      requestParams: { path: invoiceParamsSchema },
      responses: {
        200: { description: 'The address; it expires.', content: { 'application/json': { schema: invoiceDocumentSchema } } },
        ...sessionProblems(400, 404)
      }
    }
  }
}

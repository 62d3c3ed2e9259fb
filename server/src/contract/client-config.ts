import { z } from 'zod'

/**
 * clientConfigSchema is what the web client must know before it can ask anything. The page carries it as JSON in
 * `<script type="application/json" id="parley-config">`.
 */
export const clientConfigSchema = z.object({
  /** signIn: `local` means that everybody may be anybody, at a desk; `clerk` needs the publishable key. */
  signIn: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('local') }),
    z.object({ kind: z.literal('clerk'), publishableKey: z.string() })
  ]),
  /** standIns are sentences about parts that are not the real ones; shown to whoever runs it. */
  standIns: z.array(z.string()),
  /** models are the names a chatbot may choose among; empty where answers are quotations. */
  models: z.array(z.string()),
  /** sandbox: time can be moved, and no money is real. */
  sandbox: z.boolean(),
  /** nonce is what style elements must carry under this page's Content-Security-Policy. */
  nonce: z.string()
})
export type ClientConfig = z.output<typeof clientConfigSchema>

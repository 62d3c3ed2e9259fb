/** LedgerFilter names the rows of the ledger behind a number; what is left out is not filtered by. */
export type LedgerFilter = {
  metric?: string | undefined
  /** windowStart is the window's start, RFC 3339. */
  windowStart?: string | undefined
  /** day is a day in UTC, such as 2026-11-20. */
  day?: string | undefined
  /** chatbotId: `none` is what belongs to no chatbot. */
  chatbotId?: string | undefined
  channel?: 'playground' | 'widget' | 'api' | undefined
}

import { type AccountOverview, accountOverviewSchema } from '../account-overview-row.ts'
import { callForOneOrNone } from '../call.ts'
import type { Database } from '../database.ts'

/** readAccountOverview answers how an account stands, for operators; null where nobody used it yet, which it does not change. */
export function readAccountOverview(db: Database, args: { accountId: string }): Promise<AccountOverview | null> {
  return callForOneOrNone(db, 'read_account_overview', args, accountOverviewSchema)
}

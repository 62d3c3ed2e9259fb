import { type AccountOverview, accountOverviewSchema } from '../account-overview-row.ts'
import { call } from '../call.ts'
import type { Database } from '../database.ts'

/**
 * listAccounts answers all accounts for operators, the newest first, at most `limit` after the given one. `search` is the
 * beginning of the account's id, or of a processor's id that belongs to it.
 */
export function listAccounts(
  db: Database,
  args: { search?: string | null; limit?: number; beforeCreatedAt?: string | null; beforeId?: string | null }
): Promise<AccountOverview[]> {
  return call(db, 'list_accounts', args, accountOverviewSchema)
}

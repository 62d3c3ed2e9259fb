import type { UsageDay, UsageHistory } from '../../../../server/src/contract/usage-history.ts'
import type { LedgerFilter } from '../../kit/ledger-filter.ts'
import { CHANNEL_NAMES } from './channel-names.ts'

/** Grouping is what a day's use is divided by. */
export type Grouping = 'chatbot' | 'channel'

/** UsageGroup is what one chatbot or channel used in a window; `filter` names its rows in the ledger, null where none can. */
export type UsageGroup = { key: string; name: string; chatbotId: string | null; amount: number; filter: LedgerFilter | null }

const OTHERS = 'others'

/** groupKey names the chatbot or channel of an entry; `none` where there is none. */
export function groupKey({ chatbotId, channel }: Pick<UsageDay, 'chatbotId' | 'channel'>, by: Grouping): string {
  return (by === 'chatbot' ? chatbotId : channel) ?? 'none'
}

/** groupUsage sums a window up by chatbot or channel, the largest first. */
export function groupUsage({ days, metric, windowStart }: Pick<UsageHistory, 'days' | 'metric' | 'windowStart'>, by: Grouping): UsageGroup[] {
  const groups = new Map<string, UsageGroup>()
  for (const entry of days) {
    const key = groupKey(entry, by)
    const group = groups.get(key) ?? {
      key,
      name: nameOf(entry, by),
      chatbotId: by === 'chatbot' ? entry.chatbotId : null,
      amount: 0,
      filter: filterOf(entry, by, { metric, windowStart })
    }
    groups.set(key, { ...group, amount: group.amount + entry.amount })
  }
  return [...groups.values()].sort((a, b) => b.amount - a.amount || a.name.localeCompare(b.name))
}

/** chartGroups keeps as many groups as colours can be told apart, and makes one of the rest. */
export function chartGroups(groups: UsageGroup[], most: number): { groups: UsageGroup[]; keyOf: (key: string) => string } {
  if (groups.length <= most) return { groups, keyOf: (key) => key }
  const shown = groups.slice(0, most - 1)
  const rest = groups.slice(most - 1)
  const others: UsageGroup = {
    key: OTHERS,
    name: `${rest.length} others`,
    chatbotId: null,
    amount: rest.reduce((sum, { amount }) => sum + amount, 0),
    filter: null
  }
  const kept = new Set(shown.map(({ key }) => key))
  return { groups: [...shown, others], keyOf: (key) => (kept.has(key) ? key : OTHERS) }
}

function nameOf({ chatbotId, chatbotName, channel }: UsageDay, by: Grouping): string {
  if (by === 'channel') return channel === null ? 'No channel' : CHANNEL_NAMES[channel]
  return chatbotName ?? (chatbotId === null ? 'No chatbot' : 'Deleted chatbot')
}

// The ledger cannot be asked for rows without a channel.
function filterOf({ chatbotId, channel }: UsageDay, by: Grouping, base: LedgerFilter): LedgerFilter | null {
  if (by === 'chatbot') return { ...base, chatbotId: chatbotId ?? 'none' }
  return channel === null ? null : { ...base, channel }
}

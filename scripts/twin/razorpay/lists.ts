import { listRequest, read } from './requests.ts'

type Listed = { created_at: number; plan_id?: string; subscription_id?: string }

/**
 * page is one page of a list, newest first, as a `collection`. `from` and `to` are about `created_at` and both included
 * (observed); at most 100 entries. Throws Refusal for a query that Razorpay does not take.
 */
export function page<T extends Listed>(all: Record<string, T>, query: unknown, keeps: (entity: T) => boolean = () => true) {
  const { from, to, count, skip, plan_id: planId, subscription_id: subscriptionId } = read(listRequest, query)
  const items = Object.values(all)
    .filter(
      (entity) =>
        keeps(entity) &&
        (from === undefined || entity.created_at >= from) &&
        (to === undefined || entity.created_at <= to) &&
        (planId === undefined || entity.plan_id === planId) &&
        (subscriptionId === undefined || entity.subscription_id === subscriptionId)
    )
    .reverse()
    .slice(skip, skip + count)
  return { entity: 'collection', count: items.length, items }
}

import type { IEventName, NotificationSettings } from '@paddle/paddle-node-sdk'
import { PADDLE_EVENT_TYPES } from '../../server/src/billing/processors/paddle/normalise.ts'
import type { PaddleShop, Step } from './paddle-shop.ts'

/**
 * setUpWebhook makes Paddle send what Parley acts on to `url`. A destination that is there already keeps its secret; event
 * types that it has beside ours are left on. Simulated events never go there. Returns the secret of a new one, which is to be
 * shown once, else null. Throws StartError.
 */
export async function setUpWebhook(shop: PaddleShop, url: string): Promise<string | null> {
  const { notificationSettings } = shop.paddle
  const settings = await shop.ask(() => notificationSettings.list({ perPage: 200 }))
  const known = settings.find((setting) => setting.type === 'url' && setting.destination === url)
  const tell = (became: Step['became'], id: string | null) => shop.told({ what: `webhook ${url}`, became, id })

  if (shop.isDryRun || (known && isSound(known))) {
    tell(known === undefined ? 'made' : isSound(known) ? 'is there' : 'changed', known?.id ?? null)
    return null
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the SDK's type is an enum of the same names
  const subscribedEvents = [...new Set([...PADDLE_EVENT_TYPES, ...(known ? namesOf(known) : [])])] as IEventName[]
  if (known) {
    const changes = { subscribedEvents, active: true, apiVersion: 1, trafficSource: 'platform' } as const
    await shop.ask(() => notificationSettings.update(known.id, changes))
    tell('changed', known.id)
    return null
  }
  const made = await shop.ask(() =>
    notificationSettings.create({
      description: 'Parley',
      destination: url,
      type: 'url',
      subscribedEvents,
      apiVersion: 1,
      includeSensitiveFields: false,
      trafficSource: 'platform'
    })
  )
  tell('made', made.id)
  return made.endpointSecretKey
}

function isSound(setting: NotificationSettings): boolean {
  const names = new Set(namesOf(setting))
  const isComplete = PADDLE_EVENT_TYPES.every((type) => names.has(type))
  return isComplete && setting.active && setting.apiVersion === 1 && setting.trafficSource === 'platform'
}

function namesOf(setting: NotificationSettings): string[] {
  return setting.subscribedEvents.map(({ name }) => name)
}

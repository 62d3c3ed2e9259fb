import { Router } from 'express'
import { z } from 'zod'
import { notFound } from '../errors.ts'
import type { Shop } from '../shop.ts'
import type { NotificationSetting } from '../state/state.ts'
import { answer, answerPage, idOf, namesIn, parsed } from './context.ts'
import type { Context } from './context.ts'

const changes = z.object({
  description: z.string().min(1).optional(),
  destination: z.string().min(1).optional(),
  subscribed_events: z.array(z.string()).min(1).optional(),
  active: z.boolean().optional(),
  api_version: z.number().int().nullish(),
  include_sensitive_fields: z.boolean().nullish(),
  traffic_source: z.enum(['platform', 'simulation', 'all']).nullish()
})
const newSetting = changes.omit({ active: true }).extend({
  description: z.string().min(1),
  destination: z.string().min(1),
  subscribed_events: z.array(z.string()).min(1),
  type: z.enum(['url', 'email'])
})

/** notificationRoutes are the events that happened and the places they are sent to. */
export function notificationRoutes({ shop, during }: Context): Router {
  const router = Router()
  router.get('/events', (req, res) => {
    const types = namesIn(req, 'event_type')
    const events = types.length === 0 ? shop.state.events : shop.state.events.filter((one) => types.includes(one.event_type))
    answerPage(shop, req, res, events, ({ event_id }) => event_id)
  })
  router.get('/notification-settings', (req, res) => {
    answerPage(shop, req, res, Object.values(shop.state.notificationSettings).map(entity), ({ id }) => id)
  })
  router.post('/notification-settings', (req, res) => {
    const given = parsed(newSetting, req.body)
    const setting = during(() => {
      const made: NotificationSetting = {
        id: shop.id('ntfset'),
        description: given.description,
        type: given.type,
        destination: given.destination,
        active: true,
        api_version: given.api_version ?? 1,
        include_sensitive_fields: given.include_sensitive_fields ?? false,
        traffic_source: given.traffic_source ?? 'platform',
        subscribed_events: given.subscribed_events,
        endpoint_secret_key: shop.secret('pdl_ntfset_')
      }
      return (shop.state.notificationSettings[made.id] = made)
    })
    answer(shop, res, entity(setting), 201)
  })
  router.get('/notification-settings/:id', (req, res) => answer(shop, res, entity(settingOf(shop, idOf(req)))))
  router.patch('/notification-settings/:id', (req, res) => {
    const setting = settingOf(shop, idOf(req))
    const wanted = Object.entries(parsed(changes, req.body)).filter(([, value]) => value !== undefined && value !== null)
    during(() => Object.assign(setting, Object.fromEntries(wanted)))
    answer(shop, res, entity(setting))
  })
  router.delete('/notification-settings/:id', (req, res) => {
    const { id } = settingOf(shop, idOf(req))
    during(() => delete shop.state.notificationSettings[id])
    res.status(204).end()
  })
  return router
}

function settingOf(shop: Shop, id: string): NotificationSetting {
  const setting = Object.hasOwn(shop.state.notificationSettings, id) ? shop.state.notificationSettings[id] : undefined
  if (!setting) throw notFound('Notification setting', id)
  return setting
}

function entity(setting: NotificationSetting) {
  const subscribed_events = setting.subscribed_events.map((name) => {
    const [group = name, what = ''] = name.split('.')
    const description = `Occurs when a ${group} is ${what}.`
    return { name, description, group: `${group[0]?.toUpperCase()}${group.slice(1)}`, available_versions: [1] }
  })
  return { ...setting, subscribed_events }
}

import { beforeAll, describe, expect, test } from '@jest/globals'
import request from 'supertest'
import { transports } from '../support/database.ts'
import { type BillingApp, startBillingApp } from './billing-app.ts'

describe.each(transports)('billing over %s', (transport) => {
  let server: BillingApp
  beforeAll(async () => {
    server = await startBillingApp(transport)
  })

  test('buys, changes, schedules, takes back, cancels and lets time pass alike', async () => {
    const ask = server.as('user_life')
    await server.subscribe('user_life', { plan: 'starter', interval: 'month' })
    expect((await ask('get', '/api/billing/plans')).status).toBe(200)
    expect((await ask('post', '/api/billing/plan-change', { plan: 'growth', interval: 'month' })).body).toMatchObject({ plan: 'growth' })
    const { body: bot } = await ask('post', '/api/chatbots', { name: 'one' })
    expect((await ask('post', '/api/billing/plan-change/preview', { plan: 'starter', interval: 'month' })).body).toMatchObject({ outcome: 'possible', direction: 'downgrade' })
    expect((await ask('post', '/api/billing/plan-change', { plan: 'starter', interval: 'month' })).body.change).toMatchObject({ plan: 'starter' })
    expect((await ask('delete', '/api/billing/plan-change')).body.change).toBeNull()
    expect((await ask('put', '/api/billing/kept-chatbots', { chatbotIds: [bot.chatbotId] })).status).toBe(200)
    expect((await ask('put', '/api/billing/kept-chatbots', { chatbotIds: [] })).status).toBe(200)
    expect((await ask('post', '/api/billing/cancel', { when: 'period_end' })).body.cancelsAt).not.toBeNull()
    expect((await request(server.app).post('/sandbox/clock').send({ advance: '32 days' })).status).toBe(200)
    expect((await ask('get', '/api/billing/subscription')).body).toMatchObject({ plan: 'free', status: 'canceled' })
  })
})

import { expect, test } from '@jest/globals'
import request from 'supertest'
import { transports } from '../support/database.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { bearer, startTestApp } from './test-app.ts'

test.each(transports)('five creates at once with 4 of 5 chatbots, over %s: one is made, four are told "Limit reached"', async (transport) => {
  const server = await startTestApp({ transport })
  const owner = await server.database.connect()
  await owner.query(`insert into app.plans (plan, name, position) values ('five', 'Five', 9)`)
  await owner.query(`update app.plan_quotas set quota = 5 where plan = 'five' and metric = 'chatbots'`)
  await owner.query(`insert into app.accounts (account_id, plan, anchor) values ('user_five', 'five', now())`)
  const session = await bearer('user_five')
  const create = (name: string) => request(server.app).post('/api/chatbots').set(session).send({ name })
  for (const name of ['one', 'two', 'three', 'four']) expect((await create(name)).status).toBe(201)

  const answers = await Promise.all(Array.from({ length: 5 }, () => create('the fifth')))
  expect(answers.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([201, 402, 402, 402, 402])
  for (const { body } of answers.filter(({ status }) => status === 402)) {
    expect(body).toMatchObject({ code: 'quota_exceeded', limit: { metric: 'chatbots', used: 5, quota: 5, remaining: 0, requested: 1 } })
    expect(body.detail).toContain('Limit reached')
  }
  expect((await request(server.app).get('/api/chatbots').set(session)).body.data).toHaveLength(5)
  expect(await brokenInvariants(owner)).toEqual([])
})

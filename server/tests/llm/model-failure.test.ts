import { expect, test } from '@jest/globals'
import { APICallError, RetryError } from 'ai'
import { toModelFailure } from '../../src/llm/model-failure.ts'

const question = 'My name is Alice Quint, and my account number is 4711-0815. When is my refund?'
const passage = 'Refunds take 14 days.\nThey are "paid" to the card.'
const request = { model: 'm', messages: [{ role: 'system', content: passage },
  { role: 'user', content: [{ type: 'text', text: question }] }] }

function refusal(message: string): APICallError {
  return new APICallError({ message, url: 'http://127.0.0.1/v1', requestBodyValues: request, statusCode: 401,
    isRetryable: false })
}

test.each([
  ['the whole request', `Bad request: ${JSON.stringify(request)}`],
  ['a part of the question', 'Flagged: "Alice Quint, and my account number is 4711"'],
  ['the question twice', `${question} ${question}`]
])("a provider's words lose what they repeat of the prompt: %s", (_what, message) => {
  for (const error of [refusal(message), new RetryError({ message, reason: 'maxRetriesExceeded', errors: [refusal(message)] })]) {
    const { providerText } = toModelFailure(error)
    expect(providerText).not.toMatch(/Quint|4711|14 days|paid/)
    expect(providerText).toContain('[prompt]')
  }
})

test.each(['gsk_6pQ0aZ81mXcV77bNq2Lw', 'sk-proj-abcdef123456', 'AIzaSyA1b2C3d4E5f6G7h8I9j0', 'Bearer 0123456789abcdef0123'])(
  'and any key: %s',
  (key) => {
    const { providerText } = toModelFailure(refusal(`Incorrect API key provided: ${key}. See the dashboard.`))
    expect(providerText).not.toContain(key.slice(-12))
    expect(providerText).toContain('Incorrect API key')
  }
)

test('the rest stays, and the id of the request by which the provider finds it', () => {
  const { providerText } = toModelFailure(refusal('You exceeded your current quota (request req_011CSHoEeqs5C35K2UUqR7Fy).'))
  expect(providerText).toBe('AI_APICallError: You exceeded your current quota (request req_011CSHoEeqs5C35K2UUqR7Fy).')
})

const RULES: Record<string, string> = {
  messages:
    'Every answer counts as one message, in the playground too, and also one that was stopped after its first word. ' +
    'Questions, welcome texts and failed answers do not count.',
  llm_tokens:
    'What the model reads and writes: the question, the passages of your documents that go with it, and the answer. An estimate ' +
    'is held back while an answer is written; afterwards only what was used stays charged. Failed answers cost nothing.',
  api_calls: 'Every answer asked for through the API. The playground and the widget do not count, failed answers neither.',
  chatbots: 'Every chatbot there is, also a read-only one. Deleting one frees its place at once.',
  storage_bytes: 'The size of the files you uploaded. Deleting a document frees its space at once.',
  seats: 'The people who may use this account together. Removing one frees the seat at once.'
}

/** whatCounts says what moves a meter; null for a metric it does not know. */
export function whatCounts(metric: string): string | null {
  return RULES[metric] ?? null
}

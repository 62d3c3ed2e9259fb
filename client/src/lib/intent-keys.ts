/** IntentKeys gives the Idempotency-Key of what somebody is about to do. */
export type IntentKeys = {
  /** keyFor: the same content has the same key over all its tries; another content is another intent. */
  keyFor: (content: string) => string
  /** done: it happened, and doing the same again is meant. */
  done: () => void
}

/** createIntentKeys starts without an intent; `create` makes a fresh key. */
export function createIntentKeys(create: () => string = () => crypto.randomUUID()): IntentKeys {
  let current: { content: string; key: string } | null = null
  return {
    keyFor: (content) => {
      if (current?.content !== content) current = { content, key: create() }
      return current.key
    },
    done: () => {
      current = null
    }
  }
}

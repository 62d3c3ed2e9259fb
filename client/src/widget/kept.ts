/**
 * Kept keeps a text for the next visit. A browser may forbid storage inside a frame of another site: then it lasts as long
 * as the page.
 */
export type Kept = { read: () => string | null; write: (value: string) => void; forget: () => void }

/** createKept keeps a text under a name. */
export function createKept(name: string): Kept {
  let inMemory: string | null = null
  const attempt = <Result>(action: () => Result): Result | null => {
    try {
      return action()
    } catch {
      return null
    }
  }
  return {
    read: () => inMemory ?? attempt(() => localStorage.getItem(name)),
    write: (value) => {
      inMemory = value
      attempt(() => localStorage.setItem(name, value))
    },
    forget: () => {
      inMemory = null
      attempt(() => localStorage.removeItem(name))
    }
  }
}

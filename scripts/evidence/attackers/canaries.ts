/**
 * Canary is a text that exists once: a secret, or something a person wrote. `owner` is the account it belongs to, null for the
 * operator's secrets. `isPublic`: whoever visits the widget reads it, by the contract.
 */
export type Canary = { name: string; text: string; kind: 'secret' | 'personal'; owner: string | null; isPublic: boolean }

/** CanaryBook collects canaries while a ground is furnished. `watch` takes those already there into account, and later ones. */
export type CanaryBook = {
  add(canary: { name: string; text: string; kind: Canary['kind']; owner?: string | null; isPublic?: boolean }): void
  list(filter?: (canary: Canary) => boolean): Canary[]
}

/** LEAST_LENGTH of a canary: a shorter text could appear by accident. */
const LEAST_LENGTH = 12

/** createCanaryBook makes an empty one. Its `add` throws Error for a text that is too short to be unique. */
export function createCanaryBook(): CanaryBook {
  const canaries: Canary[] = []
  return {
    add({ name, text, kind, owner = null, isPublic = false }) {
      if (text.length < LEAST_LENGTH) throw new Error(`The canary ${name} is too short to be told from other text.`)
      if (!canaries.some((known) => known.text === text)) canaries.push({ name, text, kind, owner, isPublic })
    },
    list: (filter = () => true) => canaries.filter(filter)
  }
}

/** canaryIn names the first canary that is in the text: as it is, in base64, or in hex. Null when none is. */
export function canaryIn(text: string, canaries: readonly Canary[]): Canary | null {
  return canaries.find((canary) => formsOf(canary).some((form) => text.includes(form))) ?? null
}

const forms = new WeakMap<Canary, string[]>()

function formsOf(canary: Canary): string[] {
  const known = forms.get(canary)
  if (known !== undefined) return known
  const bytes = Buffer.from(canary.text)
  const cores = [0, 1, 2].map((shift) => base64Core(bytes, shift))
  const made = [canary.text, bytes.toString('hex'), ...cores,
    ...cores.map((core) => core.replaceAll('+', '-').replaceAll('/', '_'))]
  forms.set(canary, made)
  return made
}

/** base64Core is what base64 makes of the bytes wherever they stand in a longer text: without the letters their neighbours share. */
function base64Core(bytes: Buffer, shift: number): string {
  const whole = bytes.subarray((3 - shift) % 3)
  return whole.subarray(0, whole.length - (whole.length % 3)).toString('base64')
}

/** Form is a form-encoded body or query, unfolded: `items[0][price]=x` becomes `{items: [{price: 'x'}]}`. */
export type Form = { [name: string]: FormValue }
export type FormValue = string | FormValue[] | Form

type Tree = Map<string, Tree | string>

const NAME = /^([^[\]]+)((?:\[[^[\]]*\])*)$/

/**
 * parseForm reads the form encoding of Stripe's API v1. `a[]=1&a[]=2` and `a[0]=1&a[1]=2` are lists; a name that is not of
 * that form stands for itself. Own, because Express's query parser is the app's to choose; keys are never inherited ones.
 */
export function parseForm(text: string): Form {
  const root: Tree = new Map()
  for (const [name, value] of new URLSearchParams(text)) insert(root, pathOf(name), value)
  return toForm(root)
}

function pathOf(name: string): string[] {
  const match = NAME.exec(name)
  if (!match?.[1]) return [name]
  return [match[1], ...[...(match[2] ?? '').matchAll(/\[([^[\]]*)\]/g)].map((part) => part[1] ?? '')]
}

function insert(tree: Tree, path: string[], value: string): void {
  const [head = '', ...rest] = path
  const key = head === '' ? String(tree.size) : head
  if (rest.length === 0) {
    tree.set(key, value)
    return
  }
  const below = tree.get(key)
  const next: Tree = below instanceof Map ? below : new Map()
  tree.set(key, next)
  insert(next, rest, value)
}

function toForm(tree: Tree): Form {
  return Object.fromEntries([...tree].map(([key, value]) => [key, typeof value === 'string' ? value : toValue(value)]))
}

function toValue(tree: Tree): FormValue {
  const isList = [...tree.keys()].every((key) => /^[0-9]+$/.test(key))
  if (!isList) return toForm(tree)
  const sorted = [...tree].sort(([a], [b]) => Number(a) - Number(b))
  return sorted.map(([, value]) => (typeof value === 'string' ? value : toValue(value)))
}

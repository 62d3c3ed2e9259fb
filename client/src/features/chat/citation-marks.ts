/** TreeNode is the little that is needed of a node of the tree that Markdown becomes (hast). */
export type TreeNode = { type: string; value?: string; tagName?: string; properties?: Record<string, string>; children?: TreeNode[] }

const MARK = /\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]/g
// Brackets in code are code; a button inside a link could not be pressed.
const OPAQUE = new Set(['code', 'pre', 'a'])

/**
 * citationMarks makes a plugin for the HTML tree: each mark of a known citation, `[1]` or `[1, 3]`, becomes a `button` with the
 * number as its value. Other brackets stay text.
 */
export function citationMarks(numbers: ReadonlySet<number>): () => (tree: TreeNode) => void {
  const visit = (node: TreeNode): void => {
    if (node.children === undefined || OPAQUE.has(node.tagName ?? '')) return
    node.children = node.children.flatMap((child) => {
      if (child.type === 'text') return splitMarks(child.value ?? '', numbers)
      visit(child)
      return [child]
    })
  }
  return () => visit
}

function splitMarks(text: string, numbers: ReadonlySet<number>): TreeNode[] {
  const nodes: TreeNode[] = []
  let end = 0
  for (const match of text.matchAll(MARK)) {
    const known = (match[1] ?? '').split(',').map(Number).filter((number) => numbers.has(number))
    if (known.length === 0) continue
    if (match.index > end) nodes.push({ type: 'text', value: text.slice(end, match.index) })
    for (const number of known) {
      nodes.push({
        type: 'element',
        tagName: 'button',
        properties: { value: String(number) },
        children: [{ type: 'text', value: `[${number}]` }]
      })
    }
    end = match.index + match[0].length
  }
  if (end < text.length) nodes.push({ type: 'text', value: text.slice(end) })
  return nodes
}

import { nodesOf, type PlanNode, type Statement } from './watch.ts'

/** Fault is why a plan will not do for a large table. */
export type Fault = { statement: string; fault: string }

// Far above what a page, a batch of 64 or the passages of one chatbot need.
const MOST_BLOCKS = 5_000
const MOST_THROWN_AWAY = 1_000
// Who sorts thousands of rows to answer a page of them lacks an index in that order.
const MOST_ROWS = 5_000

/**
 * faultsOf tells which of the statements read a large table from end to end, throw away more rows than they need, or read
 * more than 5,000 rows or 40 MB, whatever they are for.
 */
export function faultsOf(statements: readonly Statement[], largeTables: ReadonlySet<string>): Fault[] {
  return statements.flatMap(({ text, plan }) =>
    nodesOf(plan)
      .flatMap((node) => faultOf(node, largeTables) ?? [])
      .map((fault) => ({ statement: text.replace(/\s+/g, ' ').trim().slice(0, 120), fault }))
  )
}

function faultOf(node: PlanNode, largeTables: ReadonlySet<string>): string | null {
  if (node.relation === null || !largeTables.has(node.relation)) return null
  if (/Seq Scan/.test(node.nodeType)) return `reads all of ${node.relation} (${node.nodeType})`
  const thrownAway = node.removedByFilter * node.loops
  if (thrownAway > MOST_THROWN_AWAY) return `reads ${thrownAway} rows of ${node.relation} only to throw them away`
  const read = node.rows * node.loops
  if (read > MOST_ROWS) return `reads ${read} rows of ${node.relation}`
  return node.blocks > MOST_BLOCKS ? `reads ${node.blocks} blocks of ${node.relation}` : null
}

/** describePlan is a plan in a line: what is read from which index. */
export function describePlan(plan: PlanNode): string {
  const steps = nodesOf(plan).filter(({ index, relation, nodeType }) => index !== null || (relation !== null && nodeType.endsWith('Scan')))
  const named = steps.map(({ nodeType, index, relation, loops }) => {
    const source = index ?? relation ?? ''
    const kind = index === null ? `${nodeType}: ` : ''
    return `${kind}\`${source}\`${loops > 1 ? ` ×${loops}` : ''}`
  })
  const written = plan.nodeType === 'ModifyTable' && steps.length === 0 ? 'insert' : ''
  return [...new Set([written, ...named])].filter((part) => part !== '').join(', ') || plan.nodeType
}

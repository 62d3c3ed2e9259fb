import { expect, test } from '@jest/globals'
import { describePlan, faultsOf } from '../../../scripts/bench/plans/judge.ts'
import type { PlanNode } from '../../../scripts/bench/plans/watch.ts'

const LARGE = new Set(['messages', 'usage_events'])

function node(nodeType: string, change: Partial<PlanNode> = {}): PlanNode {
  return { nodeType, relation: null, index: null, rows: 1, loops: 1, milliseconds: 0.1, blocks: 4, removedByFilter: 0, children: [], ...change }
}

function faults(plan: PlanNode): string[] {
  return faultsOf([{ text: 'select  1\n from  app.messages', plan }], LARGE).map(({ fault }) => fault)
}

test('a plan that reads by an index is fine, and told in a line', () => {
  const scan = node('Index Scan', { relation: 'messages', index: 'messages_in_order', loops: 3 })
  const plan = node('Limit', { children: [scan, node('Seq Scan', { relation: 'plans' })] })
  expect(faults(plan)).toEqual([])
  expect(describePlan(plan)).toBe('`messages_in_order` ×3, Seq Scan: `plans`')
  expect(describePlan(node('ModifyTable', { relation: 'messages' }))).toBe('insert')
})

test.each([
  ['a large table read from end to end, however deep in the plan', node('Seq Scan', { relation: 'messages' }), 'reads all of messages (Seq Scan)'],
  ['the same by several workers', node('Parallel Seq Scan', { relation: 'usage_events' }), 'reads all of usage_events (Parallel Seq Scan)'],
  [
    'rows that are read only to be thrown away, over all loops',
    node('Index Scan', { relation: 'messages', index: 'messages_pkey', removedByFilter: 101, loops: 10 }),
    'reads 1010 rows of messages only to throw them away'
  ],
  ['an index that is read from end to end', node('Index Only Scan', { relation: 'messages', blocks: 5001 }), 'reads 5001 blocks of messages']
])('%s is a fault', (_what, plan, fault) => {
  expect(faults(node('Sort', { children: [node('Nested Loop', { children: [plan] })] }))).toEqual([fault])
})

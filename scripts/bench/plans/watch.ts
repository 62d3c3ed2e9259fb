import type { Client } from 'pg'
import { z } from 'zod'

/**
 * PlanNode is one step of a plan as Postgres explains it in JSON (https://www.postgresql.org/docs/15/using-explain.html).
 * Times are milliseconds, per loop; blocks have 8 kB.
 */
export type PlanNode = {
  nodeType: string
  relation: string | null
  index: string | null
  rows: number
  loops: number
  milliseconds: number
  blocks: number
  removedByFilter: number
  children: PlanNode[]
}

/** Statement is one statement that Postgres ran, as its text stands in the function it is in. */
export type Statement = { text: string; plan: PlanNode }

const nodeSchema: z.ZodType<PlanNode> = z
  .object({
    'Node Type': z.string(),
    'Relation Name': z.string().optional(),
    'Index Name': z.string().optional(),
    'Actual Rows': z.number(),
    'Actual Loops': z.number(),
    'Actual Total Time': z.number(),
    'Shared Hit Blocks': z.number(),
    'Shared Read Blocks': z.number(),
    'Rows Removed by Filter': z.number().default(0),
    get Plans() {
      return z.array(nodeSchema).default([])
    }
  })
  .transform((node) => ({
    nodeType: node['Node Type'],
    relation: node['Relation Name'] ?? null,
    index: node['Index Name'] ?? null,
    rows: node['Actual Rows'],
    loops: node['Actual Loops'],
    milliseconds: node['Actual Total Time'],
    blocks: node['Shared Hit Blocks'] + node['Shared Read Blocks'],
    removedByFilter: node['Rows Removed by Filter'],
    children: node.Plans
  }))

const explainedSchema = z.object({ 'Query Text': z.string(), Plan: nodeSchema })

/**
 * watchStatements has Postgres explain, with what really happened, each statement the connection runs from now on, those
 * inside of functions included (auto_explain: the plans in use, not plans of statements copied out). Returns what takes the
 * statements seen since the last call. The connection must be a superuser's.
 */
export async function watchStatements(client: Client): Promise<() => Statement[]> {
  let seen: Statement[] = []
  client.on('notice', ({ message }) => {
    const json = /^duration: [\d.]+ ms {2}plan:\n(.*)$/s.exec(message ?? '')?.[1]
    if (json === undefined) return
    const { 'Query Text': text, Plan: plan } = explainedSchema.parse(JSON.parse(json))
    seen.push({ text, plan })
  })
  await client.query(`load 'auto_explain'`)
  const settings = {
    'auto_explain.log_min_duration': '0',
    'auto_explain.log_nested_statements': 'on',
    'auto_explain.log_analyze': 'on',
    'auto_explain.log_buffers': 'on',
    'auto_explain.log_format': 'json',
    'auto_explain.log_level': 'notice',
    client_min_messages: 'notice'
  }
  for (const [name, value] of Object.entries(settings)) await client.query('select set_config($1, $2, false)', [name, value])
  seen = []
  return () => seen.splice(0)
}

/** nodesOf lists all steps of a plan. */
export function nodesOf(plan: PlanNode): PlanNode[] {
  return [plan, ...plan.children.flatMap(nodesOf)]
}

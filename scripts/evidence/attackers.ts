import { createHash } from 'node:crypto'
import { PROCESSORS } from '../twin/processors.ts'
import { seededRandom } from '../twin/random.ts'
import { attackBodies } from './attackers/bodies.ts'
import { type Credentials, controlOwner } from './attackers/control.ts'
import { attackDatabase } from './attackers/database-roles.ts'
import { searchForCanaries } from './attackers/exposure.ts'
import { marksOf } from './attackers/hostile-values.ts'
import { attackInputs } from './attackers/inputs.ts'
import { readOperations } from './attackers/operations.ts'
import { attackPostgrest } from './attackers/postgrest-attack.ts'
import { type Scene, startScene } from './attackers/scene.ts'
import { attackSignatures } from './attackers/signatures.ts'
import { attackTenants } from './attackers/tenants.ts'
import { furnish, type Tenant } from './attackers/tenant.ts'
import { attackTokens } from './attackers/tokens.ts'
import type { Check, Suite } from './suite.ts'

const DOSES = {
  full: { processors: PROCESSORS, both: true, tokens: { operations: Infinity, repeats: 10 }, tenants: 1, inputs: 1,
    bodies: { share: 1, slow: true }, signatures: { forgeries: 100_000, overHttp: 20_000 }, database: 1, postgrest: 1 },
  short: { processors: ['stripe'], both: false, tokens: { operations: 1, repeats: 1 }, tenants: 0.04, inputs: 0.01,
    bodies: { share: 0.06, slow: false }, signatures: { forgeries: 4_000, overHttp: 400 }, database: 0.1, postgrest: 0.01 }
} as const

/**
 * attackers plays people who are up to no good on a whole Parley: with forged session tokens, other tenants' ids, hostile values
 * and bodies, forged deliveries, and as roles of the database; and looks for every secret in all that was written meanwhile.
 * The routes are those of the server's own OpenAPI document, the functions and tables those of its catalog.
 */
export const attackers: Suite = async ({ seed, short, progress }) => {
  const dose = short ? DOSES.short : DOSES.full
  const digest = (name: string): string => createHash('sha256').update(`${seed} ${name}`).digest('hex').slice(0, 40)
  progress('starting')
  const scene = await startScene(digest, dose.both)
  try {
    const [server] = scene.servers
    if (server === undefined) throw new Error('There is no server.')
    const document = await server.ask({ method: 'GET', path: '/openapi.json' })
    const operations = readOperations(JSON.parse(document.text))
    const draw = (what: string) => seededRandom(`${seed} ${what}`).next

    progress('the owner')
    const owner = await furnish(scene, 'owner', 'stripe')
    const { finding, bodyOf } = await controlOwner(server.ask, operations, owner, credentialsOf(scene, owner))
    const checks: Check[] = [finding.check((tried) => `${tried} operations`, 'each answered as to its owner')]
    const attack = async (what: string, run: () => Promise<Check>): Promise<void> => {
      progress(what)
      checks.push(await run())
    }

    const pairs: { attacker: Tenant; victim: Tenant }[] = []
    for (const processor of dose.processors) {
      // The last victim is an organization, whose rows no claim of a person's reaches.
      const victim = await furnish(scene, `victim at ${processor}`, processor, processor === 'razorpay')
      pairs.push({ victim, attacker: await furnish(scene, `attacker at ${processor}`, processor) })
    }
    const mallory = await furnish(scene, 'mallory', 'stripe')
    const [pair] = pairs
    if (pair === undefined) throw new Error('There is nobody to attack.')
    const { victim, attacker } = pair
    await attack('other tenants', () => attackTenants(scene, operations, bodyOf, pairs, dose.tenants, draw('tenants')))
    await attack('session tokens', () => attackTokens(scene, operations, victim, dose.tokens, draw('tokens')))
    const credentials = credentialsOf(scene, mallory)
    await attack('hostile values', () => attackInputs(scene, operations, bodyOf, mallory, credentials, marksOf(digest),
      dose.inputs, draw('inputs')))
    await attack('hostile bodies', () => attackBodies(scene, operations, bodyOf, mallory, credentials, dose.bodies,
      draw('bodies')))
    await attack('signatures', () => attackSignatures(scene, dose.signatures, draw('signatures')))
    await attack('database roles', () => attackDatabase(scene, attacker, victim, dose.database, draw('database')))
    await attack('PostgREST', () => attackPostgrest(scene, attacker, victim, dose.postgrest, draw('postgrest')))
    await attack('canaries', () => searchForCanaries(scene, victim))
    checks.push(await invariantsOf(scene))
    return checks
  } finally {
    progress('')
    await scene.stop()
  }
}

/** credentialsOf is what a tenant shows; operators' routes are asked as an operator. */
function credentialsOf(scene: Scene, { token, visitorToken }: Tenant): Credentials {
  const operator = scene.ground.token('user_operator', { operator: true })
  return (scheme, { path }) => {
    const session = path.startsWith('/api/admin') ? operator : token
    return { Authorization: `Bearer ${{ session, visitor: visitorToken, metrics: scene.metricsToken, none: token }[scheme ?? 'none']}` }
  }
}

async function invariantsOf({ owner }: Scene): Promise<Check> {
  const { rows } = await owner.query<{ name: string; violations: number; example: string | null }>(
    'select name, violations::int as violations, example from api.check_invariants()'
  )
  const violations = rows.flatMap(({ name, violations: count, example }) =>
    (count === 0 ? [] : [`${name}: ${count}, such as ${example ?? ''}`]))
  const isEmpty = rows.length === 0
  return {
    guarantee: 'afterwards every invariant of the database holds, grants included',
    dose: `${rows.length} checks`,
    result: 'no violation',
    violations: isEmpty ? ['nothing was checked'] : violations,
    violationCount: isEmpty ? 1 : violations.length
  }
}

import type { Database } from '../../../server/src/db/database.ts'
import { openPostgres } from '../../../server/src/db/postgres.ts'
import { openPostgrest } from '../../../server/src/db/postgrest.ts'
import { type Callers, openCallers } from './callers.ts'
import { type HttpCaller, openHttpCaller } from './http-caller.ts'
import { type Access, type Order, orderSchema, type Word } from './order.ts'

// One process of callers, started by crew.ts and gone with it.

const CONNECTIONS = 10
// What is tried here is who wins, not how long it takes: on a busy machine nobody may give up.
const PATIENCE_MS = 60_000
const TELL_EVERY = 25

let db: Database | null = null
let http: HttpCaller | null = null
let callers: Callers | null = null
let repeats = 0
const onRepeat = (): void => void (repeats += 1)

process.on('message', (message) => void obey(orderSchema.parse(message)))
process.on('disconnect', () => {
  http?.close()
  // Connections that are kept alive would keep the process alive too.
  void (db?.close() ?? Promise.resolve()).finally(() => process.exit())
})

async function obey(order: Order): Promise<void> {
  if (order.order === 'open') {
    db = open(order.access)
    http = openHttpCaller(order.servers, onRepeat)
    callers = openCallers(db, CONNECTIONS, http, onRepeat)
    tell({ word: 'ready' })
    return
  }
  if (callers === null) throw new Error('Nothing is open yet.')
  let count = 0
  const calls = await callers(order.callers, order.tokens, () => {
    count += 1
    if (count % TELL_EVERY === 0) tell({ word: 'answered', count })
  })
  tell({ word: 'done', calls, repeats })
}

function open(access: Access): Database {
  if (access.transport === 'pg') return openPostgres({ url: access.url, poolSize: CONNECTIONS, timeoutMs: PATIENCE_MS })
  return openPostgrest({ url: access.url, serviceRoleKey: access.key, restPath: '/', timeoutMs: PATIENCE_MS })
}

function tell(word: Word): void {
  process.send?.(word)
}

import { createHash } from 'node:crypto'
import type { World } from '../dialect.ts'
import { notFound } from './errors.ts'
import type { Price, Product } from './state/catalog.ts'
import type { Customer, Wallet } from './state/customer.ts'
import { emptyState } from './state/state.ts'
import type { PaddleEvent, State } from './state/state.ts'
import type { Subscription } from './state/subscription.ts'
import type { Transaction } from './state/transaction.ts'
import { isoMicros, millis } from './time.ts'

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

// The twin's own choice, so that its memory stays small in lives of years; a reconciler asks for days.
const EVENTS_KEPT_MS = 90 * 86_400_000

/**
 * Shop is a Paddle account: its state, its clock and the way in which things happen in it. While something that was due
 * earlier is done, its clock stands at that earlier time, so that a jump gives what steps would have given.
 */
export class Shop {
  state: State = emptyState()
  readonly origin: string
  private readonly world: World
  private actingAtMs: number | null = null
  private group: string | null = null

  constructor(world: World, origin: string) {
    this.world = world
    this.origin = origin
  }

  /** nowMs is the time at which the present change happens. */
  nowMs(): number {
    return Math.max(this.actingAtMs ?? this.world.nowMs(), this.state.clockMs)
  }

  random(): number {
    return this.world.random()
  }

  /** act does one change at a time, by default now; what is told of it is one group. */
  act<Result>(change: () => Result, atMs: number | null = null): Result {
    this.actingAtMs = atMs
    this.group = null
    try {
      this.state.clockMs = this.nowMs()
      return change()
    } finally {
      this.actingAtMs = null
      this.group = null
      this.world.changed()
    }
  }

  /** stamp is a time nobody was given before, at or just after the present one: what happens later says so in microseconds. */
  stamp(): string {
    return isoMicros(this.nextMicros())
  }

  /** id makes a Paddle id: the prefix, `_`, and 26 characters that sort by time, as a ULID's do. */
  id(prefix: string): string {
    const micros = this.nextMicros()
    const time = inAlphabet(Math.floor(micros / 1000), 10) + inAlphabet(micros % 1000, 2)
    return `${prefix}_${time}${this.digest(prefix, 14)}`
  }

  /** secret is a text to recognise someone by: a portal's token, an endpoint's key. */
  secret(prefix: string): string {
    return prefix + this.digest(prefix, 32)
  }

  /** uuid is an id in the form in which Paddle names payment attempts and requests. */
  uuid(): string {
    const hex = createHash('sha256').update(this.world.id('uuid_')).digest('hex')
    return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20, 32)].join('-')
  }

  /** tell records that something happened and sends the notification of it. */
  tell(eventType: string, data: unknown): void {
    const eventId = this.id('evt')
    const occurredAt = this.stamp()
    const envelope = { event_id: eventId, event_type: eventType, occurred_at: occurredAt }
    const event: PaddleEvent = { ...envelope, data }
    this.forgetOldEvents()
    this.state.events.push(structuredClone(event))
    this.group ??= this.world.id('grp_')
    const notification = { ...envelope, notification_id: this.id('ntf'), data }
    this.world.send({ processor: 'paddle', eventId, eventType, body: JSON.stringify(notification), group: this.group })
  }

  price(id: string): Price {
    return found(this.state.prices, id, 'Price')
  }

  product(id: string): Product {
    return found(this.state.products, id, 'Product')
  }

  customer(id: string): Customer {
    return found(this.state.customers, id, 'Customer')
  }

  wallet(customerId: string): Wallet {
    return (this.state.wallets[customerId] ??= { card: null, last4: '0000', creditMinor: 0 })
  }

  transaction(id: string): Transaction {
    return found(this.state.transactions, id, 'Transaction')
  }

  subscription(id: string): Subscription {
    return found(this.state.subscriptions, id, 'Subscription')
  }

  private nextMicros(): number {
    this.state.lastStampMicros = Math.max(this.nowMs() * 1000, this.state.lastStampMicros + 1)
    return this.state.lastStampMicros
  }

  private forgetOldEvents(): void {
    const { events } = this.state
    const kept = events.findIndex((event) => millis(event.occurred_at) > this.nowMs() - EVENTS_KEPT_MS)
    events.splice(0, kept === -1 ? events.length : kept)
  }

  // The world's ids may differ by case alone, Paddle's have none.
  private digest(prefix: string, length: number): string {
    const bytes = createHash('sha256').update(this.world.id(`${prefix}_`)).digest()
    return Array.from(bytes.subarray(0, length), (byte) => ALPHABET.charAt(byte % 32)).join('')
  }
}

function found<Entity>(entities: Record<string, Entity>, id: string, kind: string): Entity {
  const entity = Object.hasOwn(entities, id) ? entities[id] : undefined
  if (entity === undefined) throw notFound(kind, id)
  return entity
}

function inAlphabet(value: number, length: number): string {
  let text = ''
  for (let rest = value; text.length < length; rest = Math.floor(rest / 32)) text = ALPHABET.charAt(rest % 32) + text
  return text
}

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from '@prometheus-io/client'
import type { Request, RequestHandler } from 'express'

/** Metrics are what `/metrics` shows. Labels take few values: never an id, an address or anything a user wrote. */
export type Metrics = {
  registry: Registry
  httpRequestDuration: Histogram<'method' | 'route' | 'status_class'>
  quotaDecisions: Counter<'metric' | 'decision'>
  webhookEvents: Counter<'processor' | 'outcome'>
  chatMessages: Counter<'outcome'>
  reconciliationCorrections: Counter<'processor'>
  operations: Counter<'kind' | 'outcome'>
  webhookSilenceSeconds: Gauge<'processor'>
  webhookSilent: Gauge<'processor'>
}

/** createMetrics makes a registry of its own, so that two servers in one process do not share numbers. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  return {
    registry,
    httpRequestDuration: new Histogram({
      name: 'http_request_duration_seconds',
      help: 'Time from the first byte of a request to the end of its answer.',
      labelNames: ['method', 'route', 'status_class'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers
    }),
    quotaDecisions: new Counter({
      name: 'quota_decisions_total',
      help: 'Quota decisions by metric; decision is allowed or refused.',
      labelNames: ['metric', 'decision'],
      registers
    }),
    webhookEvents: new Counter({
      name: 'webhook_events_total',
      help: 'Webhook deliveries by processor and what became of them.',
      labelNames: ['processor', 'outcome'],
      registers
    }),
    chatMessages: new Counter({
      name: 'chat_messages_total',
      help: 'Answers by how they ended.',
      labelNames: ['outcome'],
      registers
    }),
    reconciliationCorrections: new Counter({
      name: 'reconciliation_corrections_total',
      help: 'Deliveries that never arrived and were made good by comparing with the processor.',
      labelNames: ['processor'],
      registers
    }),
    operations: new Counter({
      name: 'operations_total',
      help: 'Changes processors were asked for, by kind; outcome is done, refused or unknown (it is asked for again).',
      labelNames: ['kind', 'outcome'],
      registers
    }),
    webhookSilenceSeconds: new Gauge({
      name: 'webhook_silence_seconds',
      help: 'Time since a processor last delivered anything.',
      labelNames: ['processor'],
      registers
    }),
    webhookSilent: new Gauge({
      name: 'webhook_silent',
      help: '1 when a processor has sent nothing for longer than it normally does.',
      labelNames: ['processor'],
      registers
    })
  }
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** measureRequests times every request under the pattern of its route; what no route took is `unmatched`. */
export function measureRequests(metrics: Metrics): RequestHandler {
  return (req, res, next) => {
    const begunMs = performance.now()
    res.on('close', () => {
      const labels = {
        // Node accepts any token as a method; a caller must not be able to invent labels.
        method: METHODS.has(req.method) ? req.method : 'other',
        route: routeOf(req),
        status_class: `${Math.floor(res.statusCode / 100)}xx`
      }
      metrics.httpRequestDuration.observe(labels, (performance.now() - begunMs) / 1000)
    })
    next()
  }
}

function routeOf(req: Request): string {
  const route: unknown = req.route
  if (typeof route !== 'object' || route === null || !('path' in route)) return 'unmatched'
  return typeof route.path === 'string' ? route.path : 'unmatched'
}

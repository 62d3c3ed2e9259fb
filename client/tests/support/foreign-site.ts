import { once } from 'node:events'
import { createServer } from 'node:http'
import { closeAfterTests } from '../../../server/tests/support/database.ts'

/** ForeignSite is a page of somebody else, on an origin of its own; `page` is its HTML. */
export type ForeignSite = { origin: string; show(page: string): void }

/** startForeignSite serves one until the tests of the file end. */
export async function startForeignSite(): Promise<ForeignSite> {
  let body = ''
  const server = createServer((_req, res) => {
    res.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' })
    res.end(body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closeAfterTests(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')
  return { origin: `http://127.0.0.1:${address.port}`, show: (page) => (body = page) }
}

/** pageWith is a page of a shop with `snippet` in it. */
export function pageWith(snippet: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title><link rel="icon" href="data:,"></head>
<body><h1>A shop</h1><p>What it sells.</p>${snippet}</body></html>`
}

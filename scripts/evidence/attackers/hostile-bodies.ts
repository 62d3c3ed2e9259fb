import { deflateSync, gzipSync } from 'node:zlib'

/** HostileBody is a body of a wrong kind with its headers. */
export type HostileBody = { kind: string; headers: Record<string, string>; body: string | Buffer | undefined }

const JSON_TYPE = { 'Content-Type': 'application/json' }
const FORM = 'multipart/form-data; boundary=edge'

let bombs: ReturnType<typeof makeBombs> | null = null

function makeBombs() {
  const bomb = gzipSync(Buffer.alloc(100_000_000, ' '))
  return { bomb, within: gzipSync(bomb), deflated: deflateSync(Buffer.alloc(50_000_000, ' ')) }
}

/** hostileBodies are bodies of every wrong kind; `good` is one that the operation takes. None of them may be taken as the good one. */
export function hostileBodies(good: string): HostileBody[] {
  bombs ??= makeBombs()
  const { bomb, deflated, within } = bombs
  const json = (kind: string, body: string | Buffer | undefined): HostileBody => ({ kind, headers: JSON_TYPE, body })
  const packed = (kind: string, encoding: string, body: Buffer): HostileBody =>
    ({ kind, headers: { ...JSON_TYPE, 'Content-Encoding': encoding }, body })
  const typed = (type: string, body: string | Buffer = good): HostileBody =>
    ({ kind: `the type ${type.slice(0, 60)}`, headers: { 'Content-Type': type }, body })
  const form = (kind: string, body: string | Buffer, type = FORM): HostileBody =>
    ({ kind, headers: { 'Content-Type': type }, body })
  const part = '--edge\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\n'
  return [
    json('nothing', undefined), json('an empty text', ''), json('a space', ' '), json('null', 'null'), json('a list', '[]'),
    json('a list of lists', '[[[]]]'), json('a text', '"x"'),
    json('a number', '1'), json('true', 'true'), json('cut off', good.slice(0, -1)), json('cut off in a text', '{"name":"x'),
    json('two values', `${good}${good}`), json('a comma too many', '{"a":1,}'),
    json('single quotes', "{'a':1}"), json('a comment', '{/*x*/}'),
    json('a byte order mark', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from('[')])),
    json('broken UTF-8', Buffer.from([0x7b, 0x22, 0x6e, 0xc3, 0x28, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])),
    json('UTF-8 that is too long', Buffer.from([0x22, 0xc0, 0xaf, 0x22])),
    json('UTF-16', Buffer.from(good, 'utf16le')), json('bytes', Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))),
    json('NUL bytes', Buffer.alloc(1_000)),
    json('nested 50,000 deep in lists', `${'['.repeat(50_000)}${']'.repeat(50_000)}`),
    json('nested 15,000 deep in objects', `${'{"a":'.repeat(15_000)}1${'}'.repeat(15_000)}`),
    json('nested 19 deep', `{"name":${'['.repeat(18)}${']'.repeat(18)}}`),
    json('20,000 members', `{${Array.from({ length: 8_000 }, (_, place) => `"k${place}":1`).join(',')}}`),
    json('a member a thousand times', `{${Array.from({ length: 1_000 }, () => '"x":1').join(',')}}`),
    json('a name of 90 kB', `{"${'n'.repeat(90_000)}":1}`), json('1.2 MB', `{"name":"${'x'.repeat(1_200_000)}"}`),
    json('a list of 40,000', `[${'1,'.repeat(40_000)}1]`),
    packed('a gzip bomb of 100 MB', 'gzip', bomb), packed('a deflate bomb', 'deflate', deflated),
    packed('a bomb within a bomb', 'gzip', within),
    packed('gzip that is none', 'gzip', Buffer.from(good)), packed('half of a gzip', 'gzip', gzipSync(good).subarray(0, 12)),
    packed('brotli that is none', 'br', Buffer.from(good)),
    packed('an encoding of its own', 'x-own', Buffer.from(good)),
    packed('two encodings', 'gzip, gzip', gzipSync(gzipSync(good))), packed('an encoding with a line', 'gzip;x', gzipSync(good)),
    typed('text/plain'), typed('text/html'), typed('application/xml',
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'),
    typed('application/x-www-form-urlencoded', 'name=x&__proto__[a]=b'),
    typed('application/json; charset=utf-16'), typed('application/json; charset=iso-8859-1'),
    typed('application/json; charset=x-own'), typed('application/json-seq'), typed('application/vnd.api+json'),
    typed('nonsense'), typed(';;;='), typed('application/octet-stream', Buffer.alloc(1000, 0xff)),
    form('a form without a boundary', good, 'multipart/form-data'), form('a form that never begins', 'x'.repeat(1_000)),
    form('a form that ends at once', '--edge--\r\n'), form('a form cut off', `${part}text`),
    form('a form without a name', '--edge\r\nContent-Disposition: form-data\r\n\r\nx\r\n--edge--\r\n'),
    form('a form with a path for a name', `${part.replace('a.txt', '../../../../etc/passwd\u0000.txt')}text\r\n--edge--\r\n`),
    form('a form with twenty files', `${part}x\r\n`.repeat(20) + '--edge--\r\n'),
    form('a form with the name __proto__', `${part.replace('"file"', '"__proto__"')}x\r\n--edge--\r\n`),
    form('a form with a huge header',
    `--edge\r\nContent-Disposition: form-data; name="file"; x="${'x'.repeat(100_000)}"\r\n\r\nx\r\n--edge--\r\n`),
    form('a form with a PDF that is none',
    `${part.replace('a.txt', 'a.pdf').replace('text/plain', 'application/pdf')}%PDF-1.7\n%%EOF\r\n--edge--\r\n`),
    form('a form with a boundary of 500', `--${'b'.repeat(500)}\r\n`, `multipart/form-data; boundary=${'b'.repeat(500)}`),
    form('a form with bytes that are no text', Buffer.concat([Buffer.from(part), Buffer.from([0, 0xff, 0xfe, 0xc3, 0x28]),
    Buffer.from('\r\n--edge--\r\n')]))
  ]
}

/** rawRequests are requests that no client of HTTP sends, with what may be answered; `path` and `head` belong to a route. */
export function rawRequests(path: string, head: string): { kind: string; bytes: string | Buffer }[] {
  const post = (lines: string, body: string): string => `POST ${path} HTTP/1.1\r\nHost: x\r\n${head}${lines}\r\n${body}`
  return [
    { kind: 'a length and chunks at once',
      bytes: post('Content-Type: application/json\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n',
      '0\r\n\r\nGET /api/me HTTP/1.1\r\n\r\n') },
    { kind: 'two lengths', bytes: post('Content-Type: application/json\r\nContent-Length: 2\r\nContent-Length: 3\r\n', '{} ') },
    { kind: 'a negative length', bytes: post('Content-Type: application/json\r\nContent-Length: -1\r\n', '{}') },
    { kind: 'a length with a plus', bytes: post('Content-Type: application/json\r\nContent-Length: +2\r\n', '{}') },
    { kind: 'a length of 10^20', bytes: post(`Content-Type: application/json\r\nContent-Length: 1${'0'.repeat(20)}\r\n`, '{}') },
    { kind: 'chunks of a wrong size', bytes: post('Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n',
      'zz\r\n{}\r\n0\r\n\r\n') },
    { kind: 'a coding of its own', bytes: post('Content-Type: application/json\r\nTransfer-Encoding: chunked, own\r\n',
      '2\r\n{}\r\n0\r\n\r\n') },
    { kind: 'a header with NUL', bytes: post('X-A: a\u0000b\r\nContent-Length: 0\r\n', '') },
    { kind: 'a header with a lone line feed', bytes: post('X-A: a\nX-B: b\r\nContent-Length: 0\r\n', '') },
    { kind: 'a folded header', bytes: post('X-A: a\r\n b\r\nContent-Length: 0\r\n', '') },
    { kind: 'a header of 60 kB', bytes: post(`X-A: ${'a'.repeat(60_000)}\r\nContent-Length: 0\r\n`, '') },
    { kind: '3,000 headers', bytes: post(`${'A: b\r\n'.repeat(3_000)}Content-Length: 0\r\n`, '') },
    { kind: 'no host', bytes: `POST ${path} HTTP/1.1\r\n${head}Content-Length: 0\r\n\r\n` },
    { kind: 'HTTP 0.9', bytes: `GET ${path}\r\n\r\n` },
    { kind: 'HTTP 3.7', bytes: `GET ${path} HTTP/3.7\r\nHost: x\r\n\r\n` },
    { kind: 'a method of its own', bytes: `ATTACK ${path} HTTP/1.1\r\nHost: x\r\n${head}\r\n` },
    { kind: 'TRACE', bytes: `TRACE ${path} HTTP/1.1\r\nHost: x\r\n${head}Connection: close\r\n\r\n` },
    { kind: 'a whole URL of another host',
      bytes: `GET http://evil.example/api/me HTTP/1.1\r\nHost: x\r\n${head}Connection: close\r\n\r\n` },
    { kind: 'two slashes', bytes: `GET //evil.example/%2e%2e HTTP/1.1\r\nHost: x\r\n${head}Connection: close\r\n\r\n` },
    { kind: 'a path with a lone percent',
      bytes: `GET /api/chatbots/%E0%A4%A HTTP/1.1\r\nHost: x\r\n${head}Connection: close\r\n\r\n` },
    { kind: 'a path of bytes',
      bytes: Buffer.from(`GET /api/chatbots/\u00ff\u00fe HTTP/1.1\r\nHost: x\r\n${head}Connection: close\r\n\r\n`, 'latin1') },
    { kind: 'dots that climb', bytes: `GET /assets/../../../../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n` },
    { kind: 'encoded dots that climb',
      bytes: `GET /assets/%2e%2e/%2e%2e/%2e%2e/package.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n` },
    { kind: 'a wish for another protocol',
      bytes: post('Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 0\r\n', '') },
    { kind: 'an expectation', bytes: post('Expect: 200-maybe\r\nContent-Length: 0\r\nConnection: close\r\n', '') },
    { kind: 'TLS', bytes: Buffer.from([0x16, 0x03, 0x01, 0x00, 0x05, 0x01, 0x00, 0x00, 0x01, 0x00]) }
  ]
}

import type { Schema } from './operations.ts'
import { typeOf } from './schema-values.ts'

/** Marks are texts that an attack would bring forth where it works: none may ever be in an answer or a log. */
export type Marks = { evaluated: string; forged: string; polluted: string }

/** marksOf makes marks of a digest. `evaluated` is the product that hostile templates and expressions compute. */
export function marksOf(digest: (name: string) => string): Marks {
  return { evaluated: String(31_337 * 31_337), forged: `forged-${digest('forged').slice(0, 16)}`,
    polluted: `polluted-${digest('polluted').slice(0, 16)}` }
}

/** hostileTexts are what is put for every text: kinds of injection, what cannot be stored, what cannot be shown, and too much. */
export function hostileTexts({ forged }: Marks): Record<string, string> {
  return {
    'SQL that ends a literal': "x'; select pg_sleep(20); --",
    'SQL that drops': "messages'); drop table app.usage_events cascade; --",
    'SQL that is true': "' or '1'='1",
    'SQL with a dollar quote': '$$; select pg_sleep(20); $$',
    'SQL with a backslash': "\\'; select pg_sleep(20); --",
    'SQL as an identifier': 'app.accounts',
    'SQL with a cast': "messages'::text, 'x",
    'SQL wildcards': '%_%',
    'a PostgREST filter': 'messages&select=*&account_id=neq.x',
    'a PostgREST operator': 'eq.messages,or(account_id.gt.0)',
    'JSON that ends a text': '","accountId":"x","y":"',
    'JSON of an object': '{"$gt":""}',
    'a JSON path': '$.store[*]',
    'HTML with a script': `<script>attack('${forged}')</script>`,
    'HTML that ends a data block': `</script><script>attack('${forged}')</script>`,
    'HTML that ends an attribute': '" onmouseover="attack()" x="',
    'HTML comment': '<!--<script>',
    'a template': '{{31337*31337}}${31337*31337}<%= 31337*31337 %>#{31337*31337}',
    'a replacement pattern': "$&$`$'$1$$",
    'a format': '%s%n%x%d%j',
    'a command': '; sleep 20 | $(sleep 20) `sleep 20`',
    'a look-up': '${jndi:ldap://127.0.0.1:9/x}',
    'a log line': `x\n{"level":60,"msg":"${forged}"}\n`,
    'a log line with CR': `x\r\n{"level":60,"msg":"${forged}"}`,
    'a header': 'x\r\nSet-Cookie: a=b\r\n\r\n<html>',
    'colours of a terminal': '\u001b[2J\u001b[31mx',
    'a path up': '../../../../../../../../etc/passwd',
    'a path up, encoded': '..%2f..%2f..%2fpackage.json',
    'a path of Windows': '..\\..\\package.json',
    'an URL': 'http://127.0.0.1:9/x',
    'a script as URL': 'javascript:attack()',
    'a formula': '=1+1+cmd|x',
    'NUL': 'a\u0000b',
    'NUL at the end': 'messages\u0000',
    'half a surrogate pair': 'a\uD800b',
    'the other half': '\uDC00',
    'right to left': '\u202Egpj.exe\u2066',
    'no width': '\u200B\u200D\uFEFF',
    'combining marks': `Z${'\u0323\u0302'.repeat(200)}`,
    'a private character': '\uDBFF\uDFFF\uFFFE\uFFFF',
    'full-width letters': 'ｍｅｓｓａｇｅｓ',
    'a Turkish i': 'mİssages',
    'spaces': '   ',
    'nothing': '',
    'prototype': '__proto__',
    'constructor': 'constructor',
    'hasOwnProperty': 'hasOwnProperty',
    'toString': 'toString',
    'a number': '9007199254740993',
    'not a number': 'NaN',
    'null': 'null',
    'true': 'true',
    'a list': '[]',
    'an id of nobody': '00000000-0000-0000-0000-000000000000',
    'an id in braces': '{9063d1d8-a58e-4969-9a35-16fe2e192e74}',
    'a patient pattern': `${'a'.repeat(60)}!`,
    '4 kB': 'x'.repeat(4_096)
  }
}

/** HUGE_TEXT is 1 MB; it goes into bodies only, for Node's parser takes no such path. */
export const HUGE_TEXT = 'x'.repeat(1_000_000)

/** NUMBERS are JSON literals at every edge, some of which are no JSON, and things that are no number. */
export const NUMBERS: readonly string[] = [
  '0', '-0', '-1', '1', '1.0', '1.5', '0.1', '1e0', '1e2', '1e-7', '1e308', '1e309', '-1e309', '1e-400', '2147483647',
  '2147483648', '-2147483649', '4294967296',
  '9007199254740991', '9007199254740992', '9007199254740993', '9223372036854775807', '9223372036854775808',
  '-9223372036854775808', '18446744073709551616',
  '123456789012345678901234567890', `1${'0'.repeat(400)}`, 'NaN', 'Infinity', '-Infinity', '0x10', '0b1', '010', '+1', '.5',
  '5.', '1_000', '1n',
  '"1"', '"1e3"', '""', '" 1"', '"NaN"', 'true', 'false', 'null', '[]', '[1]', '{}', '{"valueOf":1}', '{"$gt":0}'
]

/** WRONG_TYPES are JSON values that are put for everything, whatever it should be. */
export const WRONG_TYPES: readonly string[] = [
  'null', 'true', '0', '-1', '1e308', '""', '"x"', '[]', '[[]]', '[null]', '{}', '{"length":1e9}', '{"toString":"x"}',
  '{"then":"x"}', '{"__proto__":{}}', '["x","x"]'
]

/** POLLUTIONS are members that would reach a prototype where objects are merged carelessly. */
export function pollutions({ polluted }: Marks): string[] {
  const bait = `{"operator":true,"role":"operator","plan":"free","name":"${polluted}","text":"${polluted}","content":"${polluted}","status":"${polluted}","toJSON":null}`
  return [`"__proto__":${bait}`, `"constructor":{"prototype":${bait}}`, `"prototype":${bait}`, `"__proto__":null`,
    `"hasOwnProperty":1`, `"\\u005f_proto__":${bait}`]
}

/** mayPass tells whether a value that an operation took is one its schema allows, as far as types, bounds and names go. */
export function mayPass(schema: Schema, literal: string): boolean {
  const choices = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]
  if (choices.length > 0) return choices.some((choice) => mayPass(choice, literal))
  let value: unknown
  try {
    value = JSON.parse(literal)
  } catch {
    return false
  }
  const types = schema.type === undefined ? [] : [schema.type].flat()
  if (value === null) return types.includes('null') || types.length === 0
  if (schema.enum !== undefined) return schema.enum.includes(value)
  if (schema.const !== undefined) return schema.const === value
  const type = typeOf(schema)
  if (type === 'integer' || type === 'number') {
    const { minimum = -Infinity, maximum = Infinity } = schema
    return typeof value === 'number' && value >= minimum && value <= maximum && (type === 'number' || Number.isSafeInteger(value))
  }
  if (type === 'string') {
    const { pattern, maxLength = Infinity } = schema
    return typeof value === 'string' && [...value.trim()].length <= maxLength &&
      (pattern === undefined || new RegExp(pattern, 'u').test(value))
  }
  if (type === 'boolean') return typeof value === 'boolean'
  if (type === 'array') return Array.isArray(value)
  return type !== 'object' || (typeof value === 'object' && !Array.isArray(value))
}

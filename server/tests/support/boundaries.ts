import { posix } from 'node:path'

/** SourceFile is one file of the repository: its path from the root (with `/`) and its text. */
export type SourceFile = { path: string; text: string }

type Rule = { applies(path: string): boolean; refuses(target: string, path: string): boolean; because: string }

const PROCESSOR = /^server\/src\/billing\/processors\/([^/]+)\//

/** OWNERS: which package may be imported below which folders only. Tests may import anything. */
const OWNERS: Record<string, string[]> = {
  '@supabase/supabase-js': ['server/src/db/'],
  pg: ['server/src/db/', 'scripts/'],
  stripe: ['server/src/billing/processors/stripe/'],
  '@paddle/paddle-node-sdk': ['server/src/billing/processors/paddle/', 'scripts/setup/paddle'],
  razorpay: ['server/src/billing/processors/razorpay/']
}

const RULES: Rule[] = [
  ...Object.entries(OWNERS).map(([owned, folders]) => ({
    applies: (path: string) => !folders.some((folder) => path.startsWith(folder)),
    refuses: (target: string) => packageOf(target) === owned,
    because: `only ${folders.join(' and ')} may`
  })),
  {
    applies: (path) => PROCESSOR.test(path),
    refuses: (target, path) =>
      packageOf(target) === 'express' ||
      /^server\/src\/(db|routes|http)\//.test(target) ||
      (PROCESSOR.test(target) && PROCESSOR.exec(target)?.[1] !== PROCESSOR.exec(path)?.[1]),
    because: 'a processor knows neither the database, nor HTTP, nor another processor'
  },
  {
    applies: (path) => path.startsWith('client/'),
    refuses: (target) => /^(server|scripts|supabase)\//.test(target) && !target.startsWith('server/src/contract/'),
    because: 'the client knows only server/src/contract/'
  },
  {
    applies: (path) => path.startsWith('server/src/contract/'),
    refuses: (target) => target.startsWith('server/') && !target.startsWith('server/src/contract/'),
    because: 'the contract is shared with the client, so it brings nothing else of the server'
  },
  {
    applies: (path) => path.startsWith('server/src/'),
    refuses: (target) => /^(scripts|client|server\/tests)\//.test(target),
    because: 'the server must run without its tools, tests and client'
  }
]

/**
 * boundaryViolations returns one sentence per import or read of the environment that crosses a boundary. Types count too:
 * knowing a type is knowing the part. A file below server/tests or client/tests may import anything.
 */
export function boundaryViolations(files: SourceFile[]): string[] {
  return files
    .filter(({ path }) => !/^(server|client)\/tests\//.test(path))
    .flatMap(({ path, text }) => {
      const code = withoutComments(text)
      const imported = importsOf(code).map((specifier) => resolveImport(path, specifier))
      const crossed = imported.flatMap((target) =>
        RULES.filter((rule) => rule.applies(path) && rule.refuses(target, path)).map(
          (rule) => `${path} imports ${target}: ${rule.because}`
        )
      )
      const readsEnvironment = path.startsWith('server/src/') && path !== 'server/src/main.ts' && ENVIRONMENT.test(code)
      return readsEnvironment ? [...crossed, `${path} reads process.env: only server/src/main.ts may`] : crossed
    })
    .map((violation) => `${violation} (ARCHITECTURE.md, section Boundaries).`)
}

const ENVIRONMENT =
  /\bprocess\s*(\?\.|\.)\s*env\b|\bprocess\s*\[\s*['"`]env|\{[^{}]*\benv\b[^{}]*\}\s*(=\s*process\b|from\s*['"](node:)?process['"])/

/** importsOf lists what a module imports, statically, dynamically, by re-export, by require or in a type. */
export function importsOf(code: string): string[] {
  const statements = code.matchAll(/^\s*(?:import|export)\b(?:[^'"`;=()]*?\bfrom)?\s*['"]([^'"]+)['"]/gm)
  const calls = code.matchAll(/\b(?:import|require|resolve)\s*\(\s*['"`]([^'"`]+)['"`]/g)
  return [...statements, ...calls].map(([, specifier]) => specifier ?? '')
}

// Whole comment lines and trailing comments; `//` inside a string such as a URL has no blank before it.
function withoutComments(text: string): string {
  return text
    .replaceAll(/^\s*\/\*[\s\S]*?\*\//gm, '')
    .replaceAll(/(^|\s)\/\/.*$/gm, '')
}

function resolveImport(path: string, specifier: string): string {
  return specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : specifier
}

function packageOf(target: string): string {
  const [first = '', second = ''] = target.split('/')
  return first.startsWith('@') ? `${first}/${second}` : first
}

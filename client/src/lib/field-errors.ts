import type { ZodError } from 'zod'
import { ApiProblem } from './api.ts'

/** FieldErrors has one sentence per field of a form. */
export type FieldErrors = Readonly<Record<string, string>>

function toSentence(problem: string): string {
  return `This ${problem}.`
}

/** fieldErrorsOf reads what the server said about fields; empty where it named none. */
export function fieldErrorsOf(error: unknown): FieldErrors {
  if (!(error instanceof ApiProblem)) return {}
  return Object.fromEntries((error.problem.errors ?? []).map(({ field, problem }) => [field, toSentence(problem)]))
}

/** fieldErrorsOfParse reads what the contract's schema says about fields before anything is sent. */
export function fieldErrorsOfParse(error: ZodError): FieldErrors {
  return Object.fromEntries(error.issues.map(({ path, message }) => [path.map(String).join('.'), toSentence(message)]))
}

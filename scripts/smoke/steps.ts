/** Mismatch is what a step fails with: what should have been, and what was. */
export class Mismatch extends Error {
  readonly expected: string
  readonly came: string

  constructor(expected: string, came: string) {
    super(`expected ${expected}, came ${came}`)
    this.name = 'Mismatch'
    this.expected = expected
    this.came = came
  }
}

/** Screen is where the story is told: whole lines, and a line of progress that the next line replaces (terminals only). */
export type Screen = { line(text: string): void; progress(text: string): void }

/** Steps runs steps one by one. `step` resolves with what the step made, and prints its tick with the measured detail. */
export type Steps = {
  step<Made>(title: string, work: () => Promise<{ detail: string; made: Made }>): Promise<Made>
  progress(text: string): void
}

const TITLE_WIDTH = 28

/** createScreen writes to a stream such as stdout. */
export function createScreen(stream: NodeJS.WriteStream): Screen {
  const clear = stream.isTTY ? '\r\x1b[K' : ''
  return {
    line: (text) => void stream.write(`${clear}${text}\n`),
    progress: (text) => {
      if (stream.isTTY) stream.write(`${clear}  ${text}`)
    }
  }
}

/** createSteps tells each step on the screen; a failed one is told with what was expected and what came, and thrown on. */
export function createSteps(screen: Screen): Steps {
  return {
    progress: (text) => screen.progress(text),
    async step(title, work) {
      try {
        const { detail, made } = await work()
        screen.line(`✓ ${title.padEnd(TITLE_WIDTH)} ${detail}`)
        return made
      } catch (error) {
        screen.line(`✗ ${title}`)
        if (error instanceof Mismatch) screen.line(`    expected: ${error.expected}\n    came:     ${error.came}`)
        throw error
      }
    }
  }
}

/** demand throws a {@link Mismatch} unless both are equal. */
export function demand(what: string, expected: string | number | null, came: string | number | null): void {
  if (expected !== came) throw new Mismatch(`${what} ${expected ?? 'none'}`, String(came ?? 'none'))
}

/** readable writes a number as people read it: 10,000; null is unlimited. */
export function readable(amount: number | null): string {
  return amount === null ? 'unlimited' : amount.toLocaleString('en-US')
}

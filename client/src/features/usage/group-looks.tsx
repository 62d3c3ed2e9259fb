import { type CSSProperties, useId } from 'react'

type Look = { light: string; dark: string; lines: 'none' | 'diagonal' | 'dots' | 'horizontal' | 'cross' | 'vertical' }

// Each has 3:1 against the page in its scheme; the patterns tell them apart without colours.
const LOOKS: Look[] = [
  { light: 'teal-9', dark: 'teal-4', lines: 'none' },
  { light: 'indigo-8', dark: 'indigo-3', lines: 'diagonal' },
  { light: 'orange-9', dark: 'orange-4', lines: 'dots' },
  { light: 'grape-8', dark: 'grape-4', lines: 'horizontal' },
  { light: 'cyan-9', dark: 'cyan-3', lines: 'cross' },
  { light: 'gray-7', dark: 'gray-5', lines: 'vertical' }
]

/** MOST_GROUPS is how many looks there are. */
export const MOST_GROUPS = LOOKS.length

const LINES: Record<Look['lines'], string> = {
  none: '',
  diagonal: 'M-2 2L2 -2M0 8L8 0M6 10L10 6',
  dots: 'M2 2h2v2h-2zM6 6h2v2h-2z',
  horizontal: 'M0 4H8',
  cross: 'M0 4H8M4 0V8',
  vertical: 'M4 0V8'
}

/** LookPattern fills what is drawn with the look of the group at `index`; refer to it by `id`. */
export function LookPattern({ id, index }: { id: string; index: number }) {
  const look = LOOKS[index % LOOKS.length]
  if (look === undefined) return null
  const colour: CSSProperties = { fill: `light-dark(var(--mantine-color-${look.light}), var(--mantine-color-${look.dark}))` }
  return (
    <pattern id={id} width="8" height="8" patternUnits="userSpaceOnUse">
      <rect width="8" height="8" style={colour} />
      <path d={LINES[look.lines]} fill="none" strokeWidth="1.5" style={{ stroke: 'var(--mantine-color-body)' }} />
    </pattern>
  )
}

/** LookSwatch is the look of the group at `index` in a legend; its name stands beside it. */
export function LookSwatch({ index }: { index: number }) {
  const id = useId()
  return (
    <svg width="16" height="16" style={{ flexShrink: 0 }} aria-hidden="true" focusable="false">
      <defs>
        <LookPattern id={id} index={index} />
      </defs>
      <rect width="16" height="16" rx="3" fill={`url(#${id})`} />
    </svg>
  )
}

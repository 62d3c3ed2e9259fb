import { Anchor } from '@mantine/core'
import { createContext, memo, type ReactNode, useContext, useMemo } from 'react'
import Markdown, { type Components } from 'react-markdown'
import type { Citation } from '../../../../server/src/contract/messages.ts'
import { citationMarks } from './citation-marks.ts'
import classes from './chat.module.css'

type Citing = { citations: readonly Citation[]; onCite: (citation: Citation) => void }

const CitingContext = createContext<Citing>({ citations: [], onCite: () => {} })

/** AnswerText shows an answer's Markdown. Its marks of citations can be pressed; links open elsewhere, images are links. */
export const AnswerText = memo(function AnswerText({ text, citations, onCite }: Citing & { text: string }) {
  const citing = useMemo(() => ({ citations, onCite }), [citations, onCite])
  const plugins = useMemo(() => [citationMarks(new Set(citations.map(({ number }) => number)))], [citations])
  return (
    <CitingContext value={citing}>
      <div className={classes.answer}>
        <Markdown rehypePlugins={plugins} components={COMPONENTS}>{text}</Markdown>
      </div>
    </CitingContext>
  )
})

// The screen's own headings are h1 and h2.
const COMPONENTS: Components = {
  h1: ({ children }) => <h3>{children}</h3>,
  h2: ({ children }) => <h4>{children}</h4>,
  h3: ({ children }) => <h5>{children}</h5>,
  h4: ({ children }) => <h6>{children}</h6>,
  h5: ({ children }) => <h6>{children}</h6>,
  button: ({ value }) => <Mark number={Number(value)} />,
  a: ({ href, children }) => <OutsideLink href={href}>{children}</OutsideLink>,
  // The Content-Security-Policy loads nothing from other hosts.
  img: ({ src, alt }) => <OutsideLink href={typeof src === 'string' ? src : undefined}>{alt || 'Image'}</OutsideLink>
}

function Mark({ number }: { number: number }) {
  const { citations, onCite } = useContext(CitingContext)
  const citation = citations.find((known) => known.number === number)
  if (citation === undefined) return null
  return (
    <button
      type="button"
      className={classes.mark}
      aria-label={`Source ${number}: ${citation.documentName}`}
      aria-haspopup="dialog"
      onClick={() => onCite(citation)}
    >
      {number}
    </button>
  )
}

function OutsideLink({ href, children }: { href: string | undefined; children: ReactNode }) {
  if (href === undefined || !/^(https?:|mailto:)/i.test(href)) return <>{children}</>
  return <Anchor href={href} target="_blank" rel="noopener noreferrer nofollow" underline="always">{children}</Anchor>
}

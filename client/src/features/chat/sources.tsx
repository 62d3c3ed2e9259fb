import { Stack, Text, UnstyledButton } from '@mantine/core'
import type { Citation } from '../../../../server/src/contract/messages.ts'
import classes from './chat.module.css'

/** Sources lists what an answer cites; pressing one opens the passage. */
export function Sources({ citations, onCite }: { citations: readonly Citation[]; onCite: (citation: Citation) => void }) {
  if (citations.length === 0) return null
  return (
    <Stack gap={4} mt="xs">
      <Text size="xs" fw={600}>Sources</Text>
      <ul className={classes.sources}>
        {citations.map((citation) => (
          <li key={citation.number}>
            <UnstyledButton className={classes.source} onClick={() => onCite(citation)} aria-haspopup="dialog">
              <Text size="xs" fw={500} truncate>
                {citation.number}. {citation.documentName}
              </Text>
              <Text size="xs" c="dimmed" lineClamp={2}>{withoutHeadingMarks(citation.excerpt)}</Text>
            </UnstyledButton>
          </li>
        ))}
      </ul>
    </Stack>
  )
}

// An excerpt runs on in one line, where Markdown's marks of a heading mean nothing.
function withoutHeadingMarks(excerpt: string): string {
  return excerpt.replace(/(^|\s)#{1,6}\s+/g, '$1')
}

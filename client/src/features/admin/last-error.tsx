import { Code, Text, Title } from '@mantine/core'

const MAX_HEIGHT_PX = 240

/** LastError is the whole error of the last attempt that failed. */
export function LastError({ error, isPast }: { error: string; isPast: boolean }) {
  return (
    <section>
      <Title order={2} mb="xs">Last error</Title>
      {isPast && <Text size="sm" mb="xs">An attempt after this one succeeded.</Text>}
      <Code
        block
        tabIndex={0}
        role="region"
        aria-label="The last error"
        style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere', maxHeight: MAX_HEIGHT_PX, overflow: 'auto' }}
      >
        {error}
      </Code>
    </section>
  )
}

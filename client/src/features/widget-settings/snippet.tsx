import { Anchor, Button, Code, CopyButton, Group, Stack, Text, Title } from '@mantine/core'
import type { WidgetSettings } from '../../../../server/src/contract/widget.ts'
import { ExternalIcon } from '../../lib/icons.tsx'

/** Snippet is what the owner puts into a page, once. */
export function Snippet({ widget }: { widget: WidgetSettings }) {
  const snippet = `<script async src="${window.location.origin}/widget.js" data-widget="${widget.widgetKey}"></script>`
  return (
    <Stack gap="xs">
      <Title order={3}>Put it on your site</Title>
      <Text size="sm">Add this line to the pages that should have the chat, anywhere in them.</Text>
      <Code block tabIndex={0} role="region" aria-label="The snippet">{snippet}</Code>
      <Group>
        <CopyButton value={snippet}>
          {({ copied, copy }) => (
            <Button variant="default" onClick={copy} aria-live="polite">{copied ? 'Copied' : 'Copy the snippet'}</Button>
          )}
        </CopyButton>
        {widget.enabled && (
          <Anchor href={`/widget/${widget.widgetKey}`} target="_blank" size="sm">
            Look at it <ExternalIcon />
          </Anchor>
        )}
      </Group>
    </Stack>
  )
}

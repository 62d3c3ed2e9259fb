import { Alert, Text } from '@mantine/core'
import type { WidgetSettings } from '../../../../server/src/contract/widget.ts'
import { LocalTime } from '../../lib/local-time.tsx'

/** LastRefusal tells the owner why a visitor was sent away; the visitor read only the owner's own sentence. */
export function LastRefusal({ refusal }: { refusal: NonNullable<WidgetSettings['lastRefusal']> }) {
  return (
    <Alert color="yellow" title="A visitor could not be answered">
      <Text size="sm">
        <LocalTime instant={refusal.at} as="zoned" />: {refusal.cause}
      </Text>
      <Text size="xs" mt={4}>Request {refusal.requestId}</Text>
    </Alert>
  )
}

import { Button, Code, CopyButton, Group, Switch, Title } from '@mantine/core'
import { useMemo, useState } from 'react'
import { CheckIcon, CopyIcon } from '../../lib/icons.tsx'
import { formatPayload } from './format-payload.ts'

const MAX_HEIGHT_PX = 480
const WRAPPED = { whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' } as const

/** Payload shows the body of a delivery; what is copied is the body as it was received, byte by byte what was signed. */
export function Payload({ payload }: { payload: string }) {
  const formatted = useMemo(() => formatPayload(payload), [payload])
  const [isRaw, setIsRaw] = useState(false)
  return (
    <section>
      <Group justify="space-between" mb="xs">
        <Title order={2}>Payload</Title>
        <Group>
          {formatted !== null && (
            <Switch label="As it was received" checked={isRaw} onChange={({ currentTarget: { checked } }) => setIsRaw(checked)} />
          )}
          <CopyButton value={payload}>
            {({ copied, copy }) => (
              <Button size="compact-sm" variant="default" leftSection={copied ? <CheckIcon /> : <CopyIcon />} onClick={copy} aria-live="polite">
                {copied ? 'Copied' : 'Copy the payload'}
              </Button>
            )}
          </CopyButton>
        </Group>
      </Group>
      <Code
        block
        tabIndex={0}
        role="region"
        aria-label="The payload"
        style={{ maxHeight: MAX_HEIGHT_PX, overflow: 'auto', ...((isRaw || formatted === null) && WRAPPED) }}
      >
        {isRaw ? payload : (formatted ?? payload)}
      </Code>
    </section>
  )
}

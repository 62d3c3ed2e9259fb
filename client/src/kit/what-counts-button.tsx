import { ActionIcon, Popover, Text } from '@mantine/core'
import { InfoIcon } from '../lib/icons.tsx'
import { whatCounts } from './what-counts.ts'

/** WhatCountsButton explains what moves a meter; nothing where there is no explanation. */
export function WhatCountsButton({ metric, title }: { metric: string; title: string }) {
  const rule = whatCounts(metric)
  if (rule === null) return null
  return (
    <Popover width={300} position="bottom-start" withArrow shadow="md" trapFocus={false} returnFocus>
      <Popover.Target>
        <ActionIcon variant="subtle" color="gray" size="sm" aria-label={`${title}: what counts?`}>
          <InfoIcon />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown aria-label={`${title}: what counts`}>
        <Text size="sm">{rule}</Text>
      </Popover.Dropdown>
    </Popover>
  )
}

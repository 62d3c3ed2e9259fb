import { Box, SimpleGrid, Text } from '@mantine/core'
import type { ReactNode } from 'react'

/** Facts shows names with their values; what is null or false is a dash. */
export function Facts({ facts }: { facts: readonly (readonly [string, ReactNode])[] }) {
  return (
    <SimpleGrid component="dl" cols={{ base: 1, xs: 2, md: 3 }} spacing="md" verticalSpacing="sm" m={0}>
      {facts.map(([name, value]) => (
        <Box key={name}>
          <Text component="dt" size="xs" c="dimmed">{name}</Text>
          <Text component="dd" size="sm" m={0} style={{ overflowWrap: 'anywhere' }}>{value === null || value === false ? '–' : value}</Text>
        </Box>
      ))}
    </SimpleGrid>
  )
}

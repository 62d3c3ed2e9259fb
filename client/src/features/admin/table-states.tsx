import { Button, EmptyState, Group, Skeleton } from '@mantine/core'
import type { ReactNode } from 'react'

const HEIGHT_PX = 420

/** TableSkeleton keeps the place of a table that is being read. */
export function TableSkeleton({ label }: { label: string }) {
  return <Skeleton h={HEIGHT_PX} role="status" aria-label={label} />
}

/** NothingThere says what would be listed, and the one thing to do. */
export function NothingThere({ title, description, children }: { title: string; description: string; children?: ReactNode }) {
  return (
    <EmptyState py="xl" title={title} description={description}>
      {children !== undefined && <EmptyState.Actions>{children}</EmptyState.Actions>}
    </EmptyState>
  )
}

/** MoreButton reads the next page of a list; nothing on the last one. */
export function MoreButton({ label, list }: {
  label: string
  list: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => Promise<unknown> }
}) {
  if (!list.hasNextPage) return null
  return (
    <Group justify="center">
      <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>{label}</Button>
    </Group>
  )
}

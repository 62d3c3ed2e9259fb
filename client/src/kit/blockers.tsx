import { Alert, Button, Checkbox, Group, Stack, Text, Title } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { PlanChangePreview } from '../../../server/src/contract/plan-change.ts'
import { nothing } from '../lib/api.ts'
import { useApi } from '../lib/api-context.tsx'
import { formatAmount, formatBytes } from '../lib/format.ts'
import { LocalTime } from '../lib/local-time.tsx'
import { refreshBilling } from '../lib/queries.ts'
import { ProblemAlert } from './problem-alert.tsx'

type Blocker = PlanChangePreview['blockers'][number]
type Candidate = Blocker['candidates'][number]

/** Blockers lets the owner choose what stays where a smaller plan does not hold all; what does not is named before it is deleted. */
export function Blockers({ planName, blockers, onDeleted }: { planName: string; blockers: Blocker[]; onDeleted: () => void }) {
  // Kept here: what is left to choose from begins anew after a part of it was deleted.
  const [error, setError] = useState<Error | null>(null)
  const done = (failed: Error | null): void => {
    setError(failed)
    onDeleted()
  }
  return (
    <Stack>
      <ProblemAlert title="Not all could be deleted" error={error} />
      {blockers.map((blocker) => (
        <OneBlocker key={`${blocker.metric} ${blocker.candidates.length}`} planName={planName} blocker={blocker} onDone={done} />
      ))}
    </Stack>
  )
}

function OneBlocker({ planName, blocker, onDone }: { planName: string; blocker: Blocker; onDone: (failed: Error | null) => void }) {
  const { metric, used, quota, message, candidates } = blocker
  // Beginning with what the plan would keep by itself: the owner corrects rather than starts from nothing.
  const [kept, setKept] = useState(() => new Set(candidates.filter(({ readOnly }) => !readOnly).map(({ id }) => id)))
  const [isSure, setIsSure] = useState(false)
  const api = useApi()
  const queries = useQueryClient()
  const gone = candidates.filter(({ id }) => !kept.has(id))
  const stays = used - (metric === 'storage_bytes' ? sum(gone.map(({ sizeBytes }) => sizeBytes ?? 0)) : gone.length)
  const fits = stays <= quota
  const remove = useMutation({
    mutationFn: async () => {
      // One after the other: what could not be deleted is told, and all before it is gone.
      for (const candidate of gone) await api.send(nothing, 'DELETE', pathOf(metric, candidate))
    },
    onSettled: async (_, failed) => {
      await refreshBilling(queries)
      onDone(failed)
    }
  })
  const toggle = (id: string, isKept: boolean): void => {
    const next = new Set(kept)
    if (isKept) next.add(id)
    else next.delete(id)
    setKept(next)
    setIsSure(false)
  }
  return (
    <Alert color="orange" title={message}>
      <Stack gap="xs">
        <Text size="sm">
          {planName} holds {formatAmount(metric, quota)}, you have {formatAmount(metric, used)}. Choose what to keep.
        </Text>
        <Stack gap={4} role="group" aria-label="What to keep">
          {candidates.map((candidate) => (
            <Checkbox
              key={candidate.id}
              label={<CandidateLabel candidate={candidate} />}
              checked={kept.has(candidate.id)}
              onChange={(event) => toggle(candidate.id, event.currentTarget.checked)}
            />
          ))}
        </Stack>
        <Text size="sm" aria-live="polite">
          {fits ? `${formatAmount(metric, stays)} of ${formatAmount(metric, quota)} stay: it fits.` : `${formatAmount(metric, stays)} would stay; at most ${formatAmount(metric, quota)} fit.`}
        </Text>
        {gone.length > 0 && (
          <>
            <Title order={3} size="sm">To be deleted: {gone.map(({ name }) => name).join(', ')}</Title>
            <Checkbox
              label="I know that this cannot be undone, and takes their documents and conversations with it"
              checked={isSure}
              onChange={(event) => setIsSure(event.currentTarget.checked)}
            />
            <Group>
              <Button color="red" disabled={!isSure || !fits} loading={remove.isPending} onClick={() => remove.mutate()}>
                Delete {gone.length} and go on
              </Button>
            </Group>
          </>
        )}
      </Stack>
    </Alert>
  )
}

function CandidateLabel({ candidate: { name, sizeBytes, createdAt } }: { candidate: Candidate }) {
  return (
    <>
      {name}{' '}
      <Text span size="xs" c="dimmed">
        {sizeBytes !== null && `${formatBytes(sizeBytes)}, `}since <LocalTime instant={createdAt} as="day" />
      </Text>
    </>
  )
}

function pathOf(metric: string, { id, chatbotId }: Candidate): string {
  return metric === 'storage_bytes' ? `/api/chatbots/${chatbotId}/documents/${id}` : `/api/chatbots/${id}`
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

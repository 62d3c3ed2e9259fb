import { Skeleton, Stack, Title } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import type { z } from 'zod'
import { type WidgetSettings, type widgetChangeSchema, widgetSettingsSchema } from '../../../../server/src/contract/widget.ts'
import { ProblemAlert } from '../../kit/problem-alert.tsx'
import { useApi } from '../../lib/api-context.tsx'
import { Identity } from './identity.tsx'
import { LastRefusal } from './last-refusal.tsx'
import { Rules } from './rules.tsx'
import { Snippet } from './snippet.tsx'

const HEIGHT_PX = 900

/** WidgetChange is what the owner may change of a widget. */
export type WidgetChange = z.input<typeof widgetChangeSchema>

/** Change sends a change and resolves with the problem it met, null where it was saved. */
export type Change = (change: WidgetChange) => Promise<Error | null>

/** WidgetSettingsPage puts the chatbot on a site: the snippet, who may embed it, what visitors may do. */
export function WidgetSettingsPage() {
  const { chatbotId } = useParams({ from: '/bots/$chatbotId/widget' })
  const api = useApi()
  const queries = useQueryClient()
  const queryKey = ['chatbots', chatbotId, 'widget']
  const path = `/api/chatbots/${chatbotId}/widget`
  const { data: widget, error, refetch } = useQuery({ queryKey, queryFn: ({ signal }) => api.get(widgetSettingsSchema, path, {}, signal) })
  const { mutateAsync } = useMutation({
    mutationFn: (change: WidgetChange) => api.send(widgetSettingsSchema, 'PATCH', path, change),
    onSuccess: (changed: WidgetSettings) => queries.setQueryData(queryKey, changed)
  })
  const change: Change = async (wanted) => {
    try {
      await mutateAsync(wanted)
      return null
    } catch (problem) {
      return problem instanceof Error ? problem : new Error(String(problem))
    }
  }

  // Read again in vain later on, the form stays with what was typed.
  if (widget === undefined) {
    return error === null
      ? <Skeleton h={HEIGHT_PX} role="status" aria-label="Loading the widget" />
      : <ProblemAlert error={error} title="The widget could not be read" onRetry={() => void refetch()} />
  }
  return (
    <Stack gap="xl" maw={720}>
      <Title order={2}>Widget</Title>
      {widget.lastRefusal !== null && <LastRefusal refusal={widget.lastRefusal} />}
      <Rules key={`rules ${widget.widgetKey}`} widget={widget} onChange={change} />
      <Snippet widget={widget} />
      <Identity widget={widget} onChange={change} />
    </Stack>
  )
}

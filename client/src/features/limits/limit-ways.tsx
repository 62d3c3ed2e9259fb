import { List, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { z } from 'zod'
import type { Limit, ProblemBody, Resolution } from '../../../../server/src/contract/problem.ts'
import { useApi } from '../../lib/api-context.tsx'
import { formatBytes, formatMoney } from '../../lib/format.ts'
import { LocalTime } from '../../lib/local-time.tsx'
import { meQuery, plansQuery } from '../../lib/queries.ts'
import { amountInWords, excessOf, planThatHelps, quotaInWords } from './limit-facts.ts'
import { ButtonLink } from '../../lib/links.tsx'

const undoSchema = z.object({ plan: z.string(), at: z.string().nullable() })
const capSchema = z.object({ chatbotId: z.guid() })
const waitSchema = z.object({ until: z.string() })

type Way = { onClose: () => void }

/** PaidWay offers the smallest plan that helps, or tells why no plan does. */
export function PaidWay({ problem, facts, onClose }: Way & { problem: ProblemBody; facts: Limit | null }) {
  const api = useApi()
  const { data: me } = useQuery(meQuery(api))
  const { data: plans } = useQuery(plansQuery(api))
  const mayBuy = me === undefined || me.organizationId === null || me.role === 'org:admin'
  const undo = (problem.resolutions ?? []).find(({ action }) => action === 'undo_change')
  const heading = <Title order={3}>{undo === undefined ? 'Upgrade' : 'Undo the change of plan'}</Title>
  if (!mayBuy) {
    return (
      <Stack gap="xs">
        {heading}
        <Text size="sm">
          Only an admin of your organization can change its plan. Ask one of them; these numbers are what they need.
        </Text>
      </Stack>
    )
  }
  if (undo !== undefined) return <UndoWay heading={heading} undo={undo} onClose={onClose} />
  const best = plans === undefined || facts === null ? undefined : planThatHelps(plans.data, facts)
  if (best === null) {
    return (
      <Stack gap="xs">
        {heading}
        <Text size="sm">No plan holds this much. What you can do without paying helps here.</Text>
      </Stack>
    )
  }
  if (best === undefined || facts === null) {
    return (
      <Stack gap="xs" align="flex-start">
        {heading}
        <Text size="sm">A larger plan has more room.</Text>
        <ButtonLink to="/settings/plans" onClick={onClose}>See the plans</ButtonLink>
      </Stack>
    )
  }
  const { plan, quota } = best
  return (
    <Stack gap="xs" align="flex-start">
      {heading}
      <Text size="sm">
        {plan.name} holds {quotaInWords(facts.metric, quota)}
        {plan.prices.month !== null && `, from ${formatMoney(plan.prices.month)} a month`}.
      </Text>
      <ButtonLink to="/settings/plans" search={{ plan: plan.plan }} onClick={onClose}>Upgrade to {plan.name}</ButtonLink>
    </Stack>
  )
}

function UndoWay({ heading, undo, onClose }: Way & { heading: ReactNode; undo: Resolution }) {
  const change = undoSchema.safeParse(undo).data
  return (
    <Stack gap="xs" align="flex-start">
      {heading}
      <Text size="sm">
        A smaller plan{change && ` (${change.plan})`} begins{' '}
        {change?.at ? <LocalTime instant={change.at} as="zoned" /> : 'soon'} and holds you to its limits already.
      </Text>
      <ButtonLink to="/settings/plans" onClick={onClose}>See the planned change</ButtonLink>
    </Stack>
  )
}

/** FreeWay tells what helps without paying: deleting, waiting, raising a cap, choosing what to keep. */
export function FreeWay({ problem, facts, onClose }: Way & { problem: ProblemBody; facts: Limit | null }) {
  const { chatbotId } = useParams({ strict: false })
  const ways = (problem.resolutions ?? []).flatMap((resolution) => {
    const way = describe(resolution, facts, chatbotId, onClose)
    return way === null ? [] : [<List.Item key={resolution.action}>{way}</List.Item>]
  })
  return (
    <Stack gap="xs">
      <Title order={3}>Without paying</Title>
      {ways.length === 0 && <Text size="sm">{problem.detail}</Text>}
      {ways.length > 0 && <List size="sm" spacing="sm" listStyleType="none">{ways}</List>}
    </Stack>
  )
}

function describe(resolution: Resolution, facts: Limit | null, chatbotId: string | undefined, onClose: () => void) {
  switch (resolution.action) {
    case 'delete':
      return <DeleteWay facts={facts} chatbotId={chatbotId} onClose={onClose} />
    case 'wait': {
      const until = waitSchema.safeParse(resolution).data?.until ?? facts?.resetsAt
      return until ? <>Wait until <LocalTime instant={until} as="zoned" />: then the count starts again at 0.</> : null
    }
    case 'raise_cap': {
      const cap = capSchema.safeParse(resolution).data
      if (cap === undefined) return null
      return (
        <Stack gap="xs" align="flex-start">
          Raise or remove the cap of this chatbot. It is yours, not one of the plan.
          <ButtonLink to="/bots/$chatbotId/settings" params={cap} variant="default" onClick={onClose}>Change the cap</ButtonLink>
        </Stack>
      )
    }
    case 'choose_chatbots':
      return (
        <Stack gap="xs" align="flex-start">
          Choose which chatbots stay in use; the others can be read.
          <ButtonLink to="/settings/plans" variant="default" onClick={onClose}>Choose chatbots to keep</ButtonLink>
        </Stack>
      )
    default:
      return null
  }
}

function DeleteWay({ facts, chatbotId, onClose }: Way & { facts: Limit | null; chatbotId: string | undefined }) {
  if (facts?.metric === 'storage_bytes') {
    return (
      <Stack gap="xs" align="flex-start">
        Delete documents of at least {formatBytes(excessOf(facts))}. The space is free at once.
        {chatbotId === undefined ? (
          <ButtonLink to="/bots" hash="list" variant="default" onClick={onClose}>To your chatbots</ButtonLink>
        ) : (
          <ButtonLink to="/bots/$chatbotId/knowledge" params={{ chatbotId }} variant="default" onClick={onClose}>
            To the documents
          </ButtonLink>
        )}
      </Stack>
    )
  }
  const count = facts === null ? 1 : excessOf(facts)
  return (
    <Stack gap="xs" align="flex-start">
      Delete {count === 1 ? 'a chatbot' : amountInWords('chatbots', count)} you no longer need. Its place is free at once.
      <ButtonLink to="/bots" hash="list" variant="default" onClick={onClose}>
        {count === 1 ? 'Choose one to delete' : 'Choose what to delete'}
      </ButtonLink>
    </Stack>
  )
}

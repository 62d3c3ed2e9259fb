import { Alert, Button, CloseButton, Group, Text } from '@mantine/core'
import { useSessionStorage } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useApi } from '../../lib/api-context.tsx'
import { formatAmount } from '../../lib/format.ts'
import { LocalTime } from '../../lib/local-time.tsx'
import { plansQuery, subscriptionQuery, usageQuery } from '../../lib/queries.ts'
import { chooseBanner, type Notice } from './choose-banner.ts'
import { focusContent } from './focus-content.ts'
import { PortalButton } from './portal-button.tsx'
import { UndoButton } from './undo-button.tsx'

const STORAGE_KEY = 'parley.dismissed'

/** Banner shows the one thing about the account that matters most now; nothing where all is well. */
export function Banner() {
  const api = useApi()
  const { data: subscription } = useQuery(subscriptionQuery(api))
  const { data: usage } = useQuery(usageQuery(api))
  const [dismissed, setDismissed] = useSessionStorage({ key: STORAGE_KEY, defaultValue: '', getInitialValueInEffect: false })
  const notice = chooseBanner(subscription, usage)
  if (notice === null || notice.key === dismissed) return null
  const { color, title, text, action } = contentOf(notice)
  return (
    <Alert
      color={color}
      title={title}
      mb="md"
      role="region"
      aria-label="Notice about your account"
      // The colour of the kind is for the edge and the ground: as text it would be too pale.
      styles={{ title: { color: 'var(--mantine-color-text)' } }}
    >
      <Group justify="space-between" align="flex-start">
        <Text size="sm" flex="1 1 16rem">{text}</Text>
        <Group gap="xs" wrap="nowrap">
          {action}
          {/* An overdue payment and a frozen chatbot stay in sight. */}
          {notice.kind !== 'past_due' && notice.kind !== 'over_limit' && (
            <CloseButton
              aria-label="Dismiss this notice"
              onClick={() => {
                setDismissed(notice.key)
                focusContent()
              }}
            />
          )}
        </Group>
      </Group>
    </Alert>
  )
}

function PlanName({ plan }: { plan: string }) {
  const { data: plans } = useQuery(plansQuery(useApi()))
  return plans?.data.find((one) => one.plan === plan)?.name ?? plan
}

function contentOf(notice: Notice): { color: string; title: string; text: ReactNode; action: ReactNode } {
  switch (notice.kind) {
    case 'past_due':
      return {
        color: 'red',
        title: 'A payment failed',
        text:
          notice.lostPlan !== null ? (
            <>
              <PlanName plan={notice.lostPlan} /> is not in force any more: the account is on the free plan, and nothing is deleted. It is
              back as soon as it is paid.
            </>
          ) : notice.graceEndsAt === null ? (
            'The processor tries again. Check the card; nothing is deleted meanwhile.'
          ) : (
            <>
              Your plan stays in force until <LocalTime instant={notice.graceEndsAt} as="zoned" />. After that the account falls to the
              free plan; nothing is deleted.
            </>
          ),
        action: <PortalButton>Update the payment</PortalButton>
      }
    case 'over_limit':
      return {
        color: 'orange',
        title: 'More is here than your plan holds',
        text: `${notice.metrics
          .map(({ metric, title, used, quota }) => `${title}: ${formatAmount(metric, used)} of ${formatAmount(metric, quota)}`)
          .join('; ')}. Nothing is deleted: what is beyond can be read, and nothing can be added.`,
        action: <Button component={Link} to="/settings/plans" size="xs" variant="default">See what helps</Button>
      }
    case 'scheduled':
      return {
        color: 'blue',
        title: 'Your plan changes',
        text: (
          <>
            On <LocalTime instant={notice.at} as="zoned" /> the plan becomes <PlanName plan={notice.plan} />.
          </>
        ),
        action: <UndoButton what="change">Undo</UndoButton>
      }
    case 'canceling':
      return {
        color: 'blue',
        title: 'Your subscription ends',
        text: (
          <>
            On <LocalTime instant={notice.at} as="zoned" /> the account falls to the free plan; nothing is deleted.
          </>
        ),
        action: <UndoButton what="cancellation">Keep it</UndoButton>
      }
    case 'near_limit':
      return {
        color: 'yellow',
        title: notice.used >= notice.quota ? `${notice.title}: limit reached` : `${notice.title}: near the limit`,
        text: (
          <>
            {formatAmount(notice.metric, notice.used)} of {formatAmount(notice.metric, notice.quota)} are used.
            {notice.resetsAt !== null && (
              <>
                {' '}
                They start again on <LocalTime instant={notice.resetsAt} as="zoned" />.
              </>
            )}
          </>
        ),
        action: <Button component={Link} to="/settings/plans" size="xs" variant="default">See plans</Button>
      }
  }
}

import { Button, Divider, Group, Modal, SimpleGrid, Stack, Text } from '@mantine/core'
import { useMounted } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import type { Limit, ProblemBody } from '../../../../server/src/contract/problem.ts'
import { useApi } from '../../lib/api-context.tsx'
import { LocalTime } from '../../lib/local-time.tsx'
import { usageQuery } from '../../lib/queries.ts'
import { factsOf, limitTitle, shortfallInWords, usedInWords } from './limit-facts.ts'
import { FreeWay, PaidWay } from './limit-ways.tsx'
import { MeterBar } from '../../kit/meter-bar.tsx'
import { LIMIT_DIALOG } from './open-limit-dialog.ts'

/**
 * LimitDialog names the limit that refused, with its numbers and when it returns, and shows side by side how to pay and how
 * not to.
 */
export function LimitDialog({ problem, opened, onClose }: { problem: ProblemBody; opened: boolean; onClose: () => void }) {
  const { data: usage } = useQuery(usageQuery(useApi()))
  // The dialog returns the focus only to what had it when it opened; one that is open from the first moment never opened.
  const isMounted = useMounted()
  const facts = factsOf(problem, usage)
  const ownCap = problem.code === 'chatbot_cap_reached'
  return (
    <Modal.Root opened={opened && isMounted} onClose={onClose} size="lg" {...(opened && LIMIT_DIALOG)}>
      <Modal.Overlay />
      <Modal.Content>
        <Modal.Header>
          <Modal.Title fw={600}>{limitTitle(problem)}</Modal.Title>
          <Modal.CloseButton aria-label="Close" />
        </Modal.Header>
        <Modal.Body>
          <Stack>
            {problem.code === 'chatbot_read_only' && (
              <Text size="sm">
                Your plan does not hold all your chatbots. This one can be read and deleted, but it gives no answers and does not
                change.
              </Text>
            )}
            {facts !== null && <Facts facts={facts} />}
            {facts === null && problem.code !== 'chatbot_read_only' && <Text size="sm">{problem.detail}</Text>}
            <Divider />
            <SimpleGrid cols={{ base: 1, sm: ownCap ? 1 : 2 }} spacing="lg">
              {!ownCap && <PaidWay problem={problem} facts={facts} onClose={onClose} />}
              <FreeWay problem={problem} facts={facts} onClose={onClose} />
            </SimpleGrid>
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose}>Close</Button>
            </Group>
          </Stack>
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  )
}

function Facts({ facts }: { facts: Limit }) {
  const { used, quota, resetsAt } = facts
  const words = usedInWords(facts)
  const shortfall = shortfallInWords(facts)
  return (
    <Stack gap="xs">
      <Text fw={500}>{words} {resetsAt === null ? 'in use' : 'used'}</Text>
      {quota !== null && <MeterBar label={words} used={used} quota={quota} text={words} />}
      {shortfall !== null && <Text size="sm">{shortfall}</Text>}
      <Text size="sm" c="dimmed">
        {resetsAt === null
          ? 'This does not start again with time: it is free as soon as something is deleted.'
          : <>It starts again at 0 on <LocalTime instant={resetsAt} as="zoned" />.</>}
      </Text>
    </Stack>
  )
}

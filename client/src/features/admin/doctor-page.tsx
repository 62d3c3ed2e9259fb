import { Button, Group, Paper, Skeleton, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { Doctor } from '../../../../server/src/contract/admin.ts'
import { useApi } from '../../lib/api-context.tsx'
import { formatUtc, plural } from '../../lib/format.ts'
import { CheckIcon, RefreshIcon, WarningIcon } from '../../lib/icons.tsx'
import { AdminProblem } from './admin-problem.tsx'
import { doctorQuery } from './admin-queries.ts'
import styles from './doctor.module.css'

const HEIGHT_PX = 860
// To the second: pressed again, the answer is seen to be another one.
const seconds = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' })

/** DoctorPage asks the database whether its invariants hold: when it is opened, and at a press. */
export function DoctorPage() {
  const { data, error, refetch, isFetching } = useQuery(doctorQuery(useApi()))
  const isRefused = error !== null && data === undefined
  return (
    <Stack maw={860}>
      <Group justify="space-between" mih={36}>
        <Title order={1}>Doctor</Title>
        {!isRefused && <Button leftSection={<RefreshIcon />} loading={isFetching} onClick={() => void refetch()}>Run the checks</Button>}
      </Group>
      <Text c="dimmed">What must be true of the database whatever happens. Each check looks at every account.</Text>
      {error !== null && <AdminProblem title="The checks could not be run" error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton h={HEIGHT_PX} role="status" aria-label="Running the checks" />}
      {data !== undefined && <Result doctor={data} />}
    </Stack>
  )
}

function Result({ doctor: { checkedAt, checks } }: { doctor: Doctor }) {
  const broken = checks.filter(({ violations }) => violations > 0)
  const all = plural(checks.length, 'check')
  const sorted = checks.toSorted((one, other) => Number(other.violations > 0) - Number(one.violations > 0) || one.place - other.place)
  return (
    <>
      <Text role="status">
        <b>{broken.length === 0 ? `All ${all} hold.` : `${broken.length} of ${all} found something.`}</b>{' '}
        Checked on <time dateTime={checkedAt} title={formatUtc(checkedAt)}>{seconds.format(new Date(checkedAt))}</time>.
      </Text>
      <Paper withBorder component="ul" m={0} p={0} className={styles['checks']}>
        {sorted.map((check) => <Check key={`${check.place} ${check.name}`} check={check} />)}
      </Paper>
    </>
  )
}

function Check({ check: { name, violations, example } }: { check: Doctor['checks'][number] }) {
  const holds = violations === 0
  return (
    <li className={styles['check']}>
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <Text size="sm">{name.charAt(0).toUpperCase() + name.slice(1)}</Text>
        <Group gap={6} wrap="nowrap" className={holds ? styles['holds'] : styles['broken']}>
          {holds ? <CheckIcon /> : <WarningIcon />}
          <Text size="sm" fw={600} style={{ whiteSpace: 'nowrap' }}>{holds ? 'holds' : plural(violations, 'violation')}</Text>
        </Group>
      </Group>
      {example !== null && <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>For example: {example}</Text>}
    </li>
  )
}

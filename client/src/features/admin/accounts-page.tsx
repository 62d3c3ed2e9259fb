import { Button, CloseButton, Stack, Table, Text, TextInput, Title } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useRef, useState } from 'react'
import type { AdminAccount } from '../../../../server/src/contract/admin.ts'
import { useApi } from '../../lib/api-context.tsx'
import { formatNumber, formatQuota } from '../../lib/format.ts'
import { LocalTime } from '../../lib/local-time.tsx'
import { AnchorLink } from '../../lib/links.tsx'
import { AdminProblem } from './admin-problem.tsx'
import { accountsQuery } from './admin-queries.ts'
import { processorName, words } from './admin-words.ts'
import { MoreButton, NothingThere, TableSkeleton } from './table-states.tsx'
import { TableTime } from './table-time.tsx'
import { WideTable } from './wide-table.tsx'

const TYPING_MS = 300
const WIDTH_PX = 820
const LONGEST_SEARCH = 255
const HEADINGS = ['Account', 'Plan', 'Status', 'Processor', ['Chatbots', 'right'], ['Messages', 'right'], 'Created'] as const

/** AccountsPage lists every account, the newest first, and finds one by the beginning of an id. */
export function AccountsPage() {
  const { search } = useSearch({ from: '/admin/accounts' })
  const list = useInfiniteQuery(accountsQuery(useApi(), search))
  const { data, error, refetch } = list
  const accounts = data?.pages.flatMap((page) => page.data) ?? []
  const [typed, setTyped] = useState(search ?? '')
  const navigate = useNavigate()
  const field = useRef<HTMLInputElement>(null)
  const find = (text: string): void =>
    void navigate({ to: '/admin/accounts', search: { search: text.trim() === '' ? undefined : text.trim() }, replace: true, resetScroll: false })
  const findSoon = useDebouncedCallback(find, TYPING_MS)
  const clear = (): void => {
    setTyped('')
    find('')
    field.current?.focus()
  }
  const isRefused = error !== null && data === undefined
  return (
    <Stack maw={1080}>
      <Title order={1}>Accounts</Title>
      {!isRefused && (
        <TextInput
          ref={field}
          label="Find an account"
          description="The beginning of an account's, a customer's, a subscription's or a payment's id"
          maw={420}
          maxLength={LONGEST_SEARCH}
          value={typed}
          onChange={({ currentTarget: { value } }) => {
            setTyped(value)
            findSoon(value)
          }}
          rightSection={typed !== '' && <CloseButton size="sm" aria-label="Clear the search" onClick={clear} />}
        />
      )}
      {error !== null && <AdminProblem title="The accounts could not be read" error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <TableSkeleton label="Loading the accounts" />}
      <Text size="sm" c="dimmed" role="status" hidden={search === undefined || data === undefined}>
        {search !== undefined && data !== undefined && found(accounts.length, list.hasNextPage, search)}
      </Text>
      {data !== undefined && accounts.length === 0 && (
        search === undefined ? (
          <NothingThere
            title="No accounts yet"
            description="An account is made when somebody signs in and first uses Parley, or when a delivery tells of a payment."
          />
        ) : (
          <NothingThere
            title="No such account"
            description="No account, customer, subscription or payment has an id that begins like this. Capital letters count."
          >
            <Button variant="default" onClick={clear}>Show all accounts</Button>
          </NothingThere>
        )
      )}
      {accounts.length > 0 && (
        <WideTable label="Accounts" minWidth={WIDTH_PX} headings={HEADINGS}>
          {accounts.map((account) => <Row key={account.accountId} account={account} />)}
        </WideTable>
      )}
      <MoreButton label="Show older accounts" list={list} />
    </Stack>
  )
}

function Row({ account }: { account: AdminAccount }) {
  const { accountId, plan, status, processor, chatbots, messagesUsed, messagesQuota, createdAt, closedAt } = account
  return (
    <Table.Tr>
      <Table.Td style={{ overflowWrap: 'anywhere' }}>
        <AnchorLink to="/admin/accounts/$accountId" params={{ accountId }} preload={false} size="sm">{accountId}</AnchorLink>
      </Table.Td>
      <Table.Td>{plan}</Table.Td>
      <Table.Td>{closedAt === null ? words(status) : <>closed on <LocalTime instant={closedAt} as="day" /></>}</Table.Td>
      <Table.Td>{processor === null ? '–' : processorName(processor)}</Table.Td>
      <Table.Td ta="right">{formatNumber(chatbots)}</Table.Td>
      <Table.Td ta="right" style={{ whiteSpace: 'nowrap' }}>{formatNumber(messagesUsed)} / {formatQuota('messages', messagesQuota)}</Table.Td>
      <Table.Td><TableTime instant={createdAt} /></Table.Td>
    </Table.Tr>
  )
}

function found(count: number, isMore: boolean, search: string): string {
  const accounts = count === 1 && !isMore ? '1 account' : `${isMore ? 'More than ' : ''}${formatNumber(count)} accounts`
  return `${accounts} for “${search}”`
}

import { Badge, Button, Skeleton, Stack, Table, Text } from '@mantine/core'
import { queryOptions, useMutation, useQuery } from '@tanstack/react-query'
import { type InvoiceBody, invoiceDocumentSchema, invoicesSchema } from '../../../server/src/contract/invoices.ts'
import type { Api } from '../lib/api.ts'
import { useApi } from '../lib/api-context.tsx'
import { formatMoney } from '../lib/format.ts'
import { ExternalIcon } from '../lib/icons.tsx'
import { LocalTime } from '../lib/local-time.tsx'
import { ProblemAlert } from './problem-alert.tsx'

const HEIGHT_PX = 200

const STATUSES: Record<InvoiceBody['status'], { label: string; color: string }> = {
  draft: { label: 'Being prepared', color: 'gray' },
  open: { label: 'To be paid', color: 'blue' },
  paid: { label: 'Paid', color: 'green' },
  past_due: { label: 'Overdue', color: 'red' },
  void: { label: 'Void', color: 'gray' },
  uncollectible: { label: 'Given up', color: 'gray' },
  refunded: { label: 'Refunded', color: 'gray' }
}

/** invoicesQuery: the invoices as the processor has them. */
const invoicesQuery = (api: Api) =>
  queryOptions({ queryKey: ['invoices'], queryFn: ({ signal }) => api.get(invoicesSchema, '/api/billing/invoices', {}, signal) })

/** InvoiceList lists the processor's invoices with how each stands; its own document is the legal one, and linked. */
export function InvoiceList() {
  const api = useApi()
  const { data, error, refetch } = useQuery(invoicesQuery(api))
  if (data === undefined) {
    if (error === null) return <Skeleton role="status" h={HEIGHT_PX} aria-label="Loading the invoices" />
    return <ProblemAlert title="The invoices could not be read" error={error} onRetry={() => void refetch()} />
  }
  if (data.data.length === 0) {
    return <Text>There are no invoices yet. The first one comes with the first payment for a plan.</Text>
  }
  return (
    <Stack gap="xs">
      <Table.ScrollContainer minWidth={560} scrollAreaProps={{ viewportProps: { tabIndex: 0, role: 'region', 'aria-label': 'Invoices, scrollable' } }}>
        <Table aria-label="Invoices">
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">Number</Table.Th>
              <Table.Th scope="col">Date</Table.Th>
              <Table.Th scope="col">Period</Table.Th>
              <Table.Th scope="col" ta="right">Amount</Table.Th>
              <Table.Th scope="col">Status</Table.Th>
              <Table.Th scope="col">Document</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {data.data.map((invoice) => (
              <InvoiceRow key={invoice.invoiceId} invoice={invoice} />
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {data.hasMore && <Text size="sm" c="dimmed">Older invoices are on the page behind “Manage payment”.</Text>}
    </Stack>
  )
}

function InvoiceRow({ invoice }: { invoice: InvoiceBody }) {
  const { number, issuedAt, periodStart, periodEnd, total, status, hasDocument } = invoice
  return (
    <Table.Tr>
      <Table.Td>{number ?? '—'}</Table.Td>
      <Table.Td><LocalTime instant={issuedAt} as="day" /></Table.Td>
      <Table.Td>
        {periodStart !== null && periodEnd !== null && (
          <>
            <LocalTime instant={periodStart} as="day" /> – <LocalTime instant={periodEnd} as="day" />
          </>
        )}
      </Table.Td>
      <Table.Td ta="right">{formatMoney(total)}</Table.Td>
      <Table.Td>
        <Badge variant="light" color={STATUSES[status].color} c="inherit">{STATUSES[status].label}</Badge>
      </Table.Td>
      <Table.Td>{hasDocument && <DocumentButton invoice={invoice} />}</Table.Td>
    </Table.Tr>
  )
}

/** DocumentButton asks for the document's address when it is wanted: such addresses expire. */
function DocumentButton({ invoice: { invoiceId, number } }: { invoice: InvoiceBody }) {
  const api = useApi()
  const { mutate, isPending, error } = useMutation({
    mutationFn: async () => {
      const { url } = await api.get(invoiceDocumentSchema, `/api/billing/invoices/${invoiceId}/document`)
      // A link, rather than a window opened beforehand: of one that leads to a download nothing would be left but an empty tab.
      Object.assign(document.createElement('a'), { href: url, target: '_blank', rel: 'noopener noreferrer' }).click()
    }
  })
  return (
    <>
      <Button
        size="compact-sm"
        variant="subtle"
        loading={isPending}
        rightSection={<ExternalIcon />}
        aria-label={`Open the document of invoice ${number ?? invoiceId}`}
        onClick={() => mutate()}
      >
        Open
      </Button>
      {error !== null && <Text size="xs" role="alert">{error.message}</Text>}
    </>
  )
}

import { Stack, Title } from '@mantine/core'
import { InvoiceList } from '../../kit/invoice-list.tsx'

/** InvoicesPage lists the invoices of the account. */
export function InvoicesPage() {
  return (
    <Stack>
      <Title order={1}>Invoices</Title>
      <InvoiceList />
    </Stack>
  )
}

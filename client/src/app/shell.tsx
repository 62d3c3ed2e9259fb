import { ActionIcon, Anchor, AppShell, Burger, Group, NavLink, Text, Title, useMantineColorScheme, useComputedColorScheme } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { Link, Outlet, useRouterState } from '@tanstack/react-router'
import { useEffect } from 'react'
import { Banner } from '../features/banners/banner.tsx'
import { LimitDialogProvider } from '../features/limits/limit-dialog.tsx'
import { useSession } from '../features/session/session.ts'
import { useApi } from '../lib/api-context.tsx'
import { MoonIcon, SunIcon } from '../lib/icons.tsx'
import { meQuery } from '../lib/queries.ts'
import { Connection } from './connection.tsx'
import { usePageTitle } from './page-title.ts'
import { StandIns } from './stand-ins.tsx'

const PAGES = [
  { to: '/bots', label: 'Chatbots' },
  { to: '/settings/billing', label: 'Usage' },
  { to: '/settings/plans', label: 'Plans' },
  { to: '/settings/invoices', label: 'Invoices' }
] as const

const OPERATOR_PAGES = [
  { to: '/admin/accounts', label: 'Accounts' },
  { to: '/admin/inbox', label: 'Inbox' },
  { to: '/admin/reconciliation', label: 'Reconciliation' },
  { to: '/admin/doctor', label: 'Doctor' }
] as const

/** Shell is the frame around every screen: navigation, account, at most one banner, and the content. */
export function Shell() {
  const [isOpen, { toggle, close }] = useDisclosure(false)
  const { accountMenu } = useSession()
  const path = useRouterState({ select: ({ location }) => location.pathname })
  useEffect(close, [path, close])
  usePageTitle()
  return (
    <LimitDialogProvider>
      <a className="skip-link" href="#content">Skip to the content</a>
      <AppShell header={{ height: 56 }} navbar={{ width: 220, breakpoint: 'sm', collapsed: { mobile: !isOpen } }} padding="md">
        <AppShell.Header>
          <Group h="100%" px="md" justify="space-between" wrap="nowrap">
            <Group gap="sm" wrap="nowrap">
              <Burger
                opened={isOpen}
                onClick={toggle}
                hiddenFrom="sm"
                size="sm"
                aria-label={isOpen ? 'Close the navigation' : 'Open the navigation'}
                aria-expanded={isOpen}
              />
              <Anchor component={Link} to="/bots" underline="never" c="inherit">
                <Text fw={700} size="lg" component="span">Parley</Text>
              </Anchor>
            </Group>
            <Group gap="sm" wrap="nowrap">
              <ColorSchemeButton />
              {accountMenu}
            </Group>
          </Group>
        </AppShell.Header>
        <AppShell.Navbar p="sm" aria-label="Pages">
          <Navigation path={path} />
        </AppShell.Navbar>
        <AppShell.Main id="content" tabIndex={-1}>
          <Connection />
          <Banner />
          <Outlet />
        </AppShell.Main>
      </AppShell>
    </LimitDialogProvider>
  )
}

function Navigation({ path }: { path: string }) {
  const { data: me } = useQuery(meQuery(useApi()))
  const isHere = (to: string): boolean => path === to || (path.startsWith(`${to}/`) && to !== '/settings/billing') || path === `${to}/ledger`
  const link = ({ to, label }: { to: (typeof PAGES)[number]['to'] | (typeof OPERATOR_PAGES)[number]['to']; label: string }) => (
    <NavLink key={to} component={Link} to={to} label={label} active={isHere(to)} aria-current={isHere(to) ? 'page' : undefined} />
  )
  return (
    <>
      <AppShell.Section grow className="scrolling">
        {PAGES.map(link)}
        {me?.operator === true && (
          <>
            <Title order={2} size="xs" c="dimmed" mt="lg" mb={4} px="sm">Operator</Title>
            {OPERATOR_PAGES.map(link)}
          </>
        )}
      </AppShell.Section>
      <AppShell.Section>
        <NavLink href="/docs" label="API documentation" c="dimmed" />
        <StandIns />
      </AppShell.Section>
    </>
  )
}

function ColorSchemeButton() {
  const { setColorScheme } = useMantineColorScheme()
  const scheme = useComputedColorScheme('light')
  const other = scheme === 'light' ? 'dark' : 'light'
  return (
    <ActionIcon variant="subtle" color="gray" size="lg" aria-label={`Switch to ${other} mode`} onClick={() => setColorScheme(other)}>
      {scheme === 'light' ? <MoonIcon /> : <SunIcon />}
    </ActionIcon>
  )
}

import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router'
import { z } from 'zod'
import { inboxStatusSchema } from '../../../server/src/contract/inbox-status.ts'
import { channelSchema } from '../../../server/src/contract/channel.ts'
import { loadScreen } from './missing-screen.ts'
import { NotFound, RouteError, RoutePending } from './route-states.tsx'
import { Shell } from './shell.tsx'

// The router reads a number out of an address that looks like one.
const text = z.union([z.string(), z.number().transform(String)]).optional().catch(undefined)

/**
 * screen loads a screen when it is first opened, and with the first one the looks of everything a screen may use: the frame
 * around them needs little of that.
 */
function screen<Module extends Record<string, unknown>, Name extends keyof Module>(load: () => Promise<Module>, name: Name) {
  return lazyRouteComponent(async () => (await loadScreen(() => Promise.all([load(), import('./screen-styles.ts')])))[0], name)
}

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound })

const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/bots', replace: true })
  }
})

const bots = createRoute({
  getParentRoute: () => root,
  path: '/bots',
  staticData: { title: 'Chatbots' },
  component: screen(() => import('../features/bots/bots-page.tsx'), 'BotsPage')
})

const bot = createRoute({
  getParentRoute: () => root,
  path: '/bots/$chatbotId',
  component: screen(() => import('../features/bots/bot-layout.tsx'), 'BotLayout')
})

const botHome = createRoute({
  getParentRoute: () => bot,
  path: '/',
  beforeLoad: ({ params }) => {
    throw redirect({ to: '/bots/$chatbotId/chat', params, replace: true })
  }
})

const chat = createRoute({
  getParentRoute: () => bot,
  path: '/chat',
  staticData: { title: 'Playground' },
  validateSearch: z.object({ conversation: z.guid().optional().catch(undefined) }),
  component: screen(() => import('../features/chat/chat-page.tsx'), 'ChatPage')
})

const knowledge = createRoute({
  getParentRoute: () => bot,
  path: '/knowledge',
  staticData: { title: 'Knowledge' },
  component: screen(() => import('../features/knowledge/knowledge-page.tsx'), 'KnowledgePage')
})

const botSettings = createRoute({
  getParentRoute: () => bot,
  path: '/settings',
  staticData: { title: 'Settings' },
  component: screen(() => import('../features/bots/bot-settings-page.tsx'), 'BotSettingsPage')
})

const widgetSettings = createRoute({
  getParentRoute: () => bot,
  path: '/widget',
  staticData: { title: 'Widget' },
  component: screen(() => import('../features/widget-settings/widget-settings-page.tsx'), 'WidgetSettingsPage')
})

const time = z.iso.datetime({ offset: true }).optional().catch(undefined)

const usage = createRoute({
  getParentRoute: () => root,
  path: '/settings/billing',
  staticData: { title: 'Usage' },
  validateSearch: z.object({
    metric: text,
    windowStart: time,
    by: z.enum(['chatbot', 'channel']).optional().catch(undefined)
  }),
  component: screen(() => import('../features/usage/usage-page.tsx'), 'UsagePage')
})

const ledger = createRoute({
  getParentRoute: () => root,
  path: '/settings/billing/ledger',
  staticData: { title: 'Ledger' },
  validateSearch: z.object({
    metric: text,
    windowStart: time,
    day: z.iso.date().optional().catch(undefined),
    chatbotId: z.union([z.guid(), z.literal('none')]).optional().catch(undefined),
    channel: channelSchema.optional().catch(undefined)
  }),
  component: screen(() => import('../features/usage/ledger-page.tsx'), 'LedgerPage')
})

const plans = createRoute({
  getParentRoute: () => root,
  path: '/settings/plans',
  staticData: { title: 'Plans' },
  validateSearch: z.object({ plan: text, canceled: z.guid().optional().catch(undefined) }),
  component: screen(() => import('../features/plans/plans-page.tsx'), 'PlansPage')
})

const confirm = createRoute({
  getParentRoute: () => root,
  path: '/settings/billing/confirm',
  staticData: { title: 'Payment' },
  validateSearch: z.object({ checkout: z.guid().optional().catch(undefined) }),
  component: screen(() => import('../features/plans/confirm-page.tsx'), 'ConfirmPage')
})

const invoices = createRoute({
  getParentRoute: () => root,
  path: '/settings/invoices',
  staticData: { title: 'Invoices' },
  component: screen(() => import('../features/plans/invoices-page.tsx'), 'InvoicesPage')
})

const adminAccounts = createRoute({
  getParentRoute: () => root,
  path: '/admin/accounts',
  staticData: { title: 'Accounts' },
  validateSearch: z.object({ search: text }),
  component: screen(() => import('../features/admin/accounts-page.tsx'), 'AccountsPage')
})

const adminAccount = createRoute({
  getParentRoute: () => root,
  path: '/admin/accounts/$accountId',
  staticData: { title: 'Account' },
  component: screen(() => import('../features/admin/account-page.tsx'), 'AccountPage')
})

const adminInbox = createRoute({
  getParentRoute: () => root,
  path: '/admin/inbox',
  staticData: { title: 'Inbox' },
  validateSearch: z.object({
    status: inboxStatusSchema.optional().catch(undefined),
    processor: z.enum(['stripe', 'paddle', 'razorpay', 'clerk']).optional().catch(undefined),
    accountId: text
  }),
  component: screen(() => import('../features/admin/inbox-page.tsx'), 'InboxPage')
})

const adminInboxEvent = createRoute({
  getParentRoute: () => root,
  path: '/admin/inbox/$processor/$eventId',
  staticData: { title: 'Delivery' },
  component: screen(() => import('../features/admin/inbox-event-page.tsx'), 'InboxEventPage')
})

const adminReconciliation = createRoute({
  getParentRoute: () => root,
  path: '/admin/reconciliation',
  staticData: { title: 'Reconciliation' },
  component: screen(() => import('../features/admin/reconciliation-page.tsx'), 'ReconciliationPage')
})

const adminRun = createRoute({
  getParentRoute: () => root,
  path: '/admin/reconciliation/$runId',
  staticData: { title: 'Run' },
  component: screen(() => import('../features/admin/run-page.tsx'), 'RunPage')
})

const adminDoctor = createRoute({
  getParentRoute: () => root,
  path: '/admin/doctor',
  staticData: { title: 'Doctor' },
  component: screen(() => import('../features/admin/doctor-page.tsx'), 'DoctorPage')
})

const routeTree = root.addChildren([
  home,
  bots,
  bot.addChildren([botHome, chat, knowledge, botSettings, widgetSettings]),
  usage,
  ledger,
  plans,
  confirm,
  invoices,
  adminAccounts,
  adminAccount,
  adminInbox,
  adminInboxEvent,
  adminReconciliation,
  adminRun,
  adminDoctor
])

/** createAppRouter knows every screen's address; each screen is loaded when it is first opened, or pointed at. */
export function createAppRouter() {
  return createRouter({
    routeTree,
    defaultPreload: 'intent',
    defaultPendingComponent: RoutePending,
    defaultErrorComponent: RouteError,
    scrollRestoration: true
  })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createAppRouter>
  }
}

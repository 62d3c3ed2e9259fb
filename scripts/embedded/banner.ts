import { settingOf, type Environment } from './environment.ts'
import type { StandIns } from './local-keys.ts'

/** BannerFacts: what the launcher adds to the server's own lines. `dataFolder` is where the local keys and data are. */
export type BannerFacts = { environment: Environment; standIns: StandIns; dataFolder: string; embedded: boolean }

/** banner says where the documentation and the data are, and which commands belong to the local stand-ins. */
export function banner({ environment, standIns, dataFolder, embedded }: BannerFacts): string[] {
  const origin = settingOf(environment, 'PUBLIC_URL') ?? `http://localhost:${settingOf(environment, 'PORT') ?? '3000'}`
  const lines: [string, string][] = [['docs', `${origin}/docs`]]
  if (embedded) lines.push(['data', `${dataFolder} (connect: npm run --silent db:url)`])
  if (standIns.signIn) lines.push(['session', 'npm run --silent token -- alice'])
  if (standIns.payments && embedded) lines.push(['twin', 'npm run twin -- --help, npm run clock -- +1 month'])
  if (standIns.stripe || standIns.paddle) lines.push(['webhooks', 'npm run webhook -- --help (sends events signed with the local secrets)'])
  return lines.map(([name, text]) => `  ${name.padEnd(9)} ${text}`)
}

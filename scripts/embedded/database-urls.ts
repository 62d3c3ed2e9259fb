import type { Secrets } from './secrets.ts'

/** DATABASE is the name of Parley's database in the embedded Postgres. */
export const DATABASE = 'parley'

/** LOGINS: the roles of the embedded database that may log in, by what they are for. */
export const LOGINS = { owner: 'postgres', server: 'parley_server', operator: 'operator', postgrest: 'authenticator' } as const

/** Login is what a connection is for. */
export type Login = keyof typeof LOGINS

/** databaseUrl is the connection string of a login on the embedded Postgres that listens on `port`. */
export function databaseUrl(login: Login, port: number, { passwords }: Pick<Secrets, 'passwords'>): string {
  const password = {
    owner: passwords.superuser,
    server: passwords.server,
    operator: passwords.operator,
    postgrest: passwords.authenticator
  }[login]
  // The server has no rights of its own; each of its sessions begins as service_role, as PostgREST's requests do.
  const options = login === 'server' ? `?options=${encodeURIComponent('-c role=service_role')}` : ''
  return `postgresql://${LOGINS[login]}:${encodeURIComponent(password)}@127.0.0.1:${port}/${DATABASE}${options}`
}

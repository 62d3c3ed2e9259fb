import 'parley-kit/style.css'
import { BillingDashboard, ParleyProvider, UsageMeter } from 'parley-kit'
import { type FormEvent, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { localTokens } from './session.ts'

declare const PARLEY_URL: string

type Signed = { name: string; getToken: () => Promise<string> }

/** OtherApp is an app that is not Parley: its own page, its own sign-in, and Parley's billing in the middle of it. */
function OtherApp() {
  const [signed, setSigned] = useState<Signed | null>(null)
  const [rows, setRows] = useState('')
  return (
    <main style={{ maxWidth: 960, margin: '0 auto', padding: 24, fontFamily: 'system-ui' }}>
      <h1>Another app</h1>
      <p>This page is not Parley's. What is below comes from {PARLEY_URL} by Parley's component kit.</p>
      {signed === null ? <SignIn onSigned={setSigned} /> : (
        <ParleyProvider key={signed.name} apiUrl={PARLEY_URL} getToken={signed.getToken}>
          <p>Signed in as {signed.name}. <button type="button" onClick={() => setSigned(null)}>Sign out</button></p>
          <h2>One meter, for a sidebar</h2>
          <UsageMeter metric="messages" />
          <h2>All of billing</h2>
          <BillingDashboard onOpenLedger={(filter) => setRows(JSON.stringify(filter))} />
          <p aria-live="polite">{rows !== '' && `The app would show the rows of the ledger for ${rows}.`}</p>
        </ParleyProvider>
      )}
    </main>
  )
}

function SignIn({ onSigned }: { onSigned: (signed: Signed) => void }) {
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const text = (name: string): string => {
      const value = form.get(name)
      return typeof value === 'string' ? value.trim() : ''
    }
    const token = text('token')
    if (token !== '') onSigned({ name: 'the owner of the token', getToken: () => Promise.resolve(token) })
    else if (text('user') !== '') onSigned({ name: text('user'), getToken: localTokens(text('user')) })
  }
  return (
    <form onSubmit={submit} style={{ display: 'grid', gap: 12, maxWidth: 420 }}>
      <label>A user of the local sign-in <input name="user" placeholder="alice" autoComplete="username" /></label>
      <label>or a session token (npm run --silent token -- alice) <input name="token" autoComplete="off" /></label>
      <button type="submit">Show the billing</button>
    </form>
  )
}

const root = document.getElementById('root')
if (root === null) throw new Error('The page has no element #root.')
createRoot(root).render(<OtherApp />)

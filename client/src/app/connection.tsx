import { Alert } from '@mantine/core'
import { useNetwork } from '@mantine/hooks'

/** Connection says so while the browser is offline. What is on the page stays; sending waits for the person. */
export function Connection() {
  const { online } = useNetwork()
  return (
    <div role="status" aria-live="polite">
      {!online && (
        <Alert color="gray" title="You are offline" mb="md">
          What you see may be out of date. Nothing you typed is lost; send it when you are connected again.
        </Alert>
      )}
    </div>
  )
}

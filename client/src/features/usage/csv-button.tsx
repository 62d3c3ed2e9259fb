import { Button } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { ProblemAlert } from '../../kit/problem-alert.tsx'
import { useApi } from '../../lib/api-context.tsx'
import { DownloadIcon } from '../../lib/icons.tsx'
import { downloadName } from './download-name.ts'

/** CsvButton downloads the shown window of a counter for a spreadsheet. */
export function CsvButton({ metric, windowStart }: { metric: string; windowStart: string }) {
  const api = useApi()
  const download = useMutation({
    mutationFn: async () => {
      const response = await api.raw(`/api/usage/history.csv?${new URLSearchParams({ metric, windowStart }).toString()}`)
      const name = downloadName(response.headers.get('Content-Disposition'), `parley-${metric}-${windowStart.slice(0, 10)}.csv`)
      save(await response.blob(), name)
    }
  })
  return (
    <>
      <Button variant="default" leftSection={<DownloadIcon />} loading={download.isPending} onClick={() => download.mutate()}>
        Download CSV
      </Button>
      {download.error !== null && <ProblemAlert title="The file could not be downloaded" error={download.error} />}
    </>
  )
}

// A link could not carry the session's token.
function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob)
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // The browser has taken hold of it by the next task.
  setTimeout(() => URL.revokeObjectURL(url))
}

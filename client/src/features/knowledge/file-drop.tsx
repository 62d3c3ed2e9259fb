import '@mantine/dropzone/styles.css'
import { Button, Group, Stack, Text } from '@mantine/core'
import { Dropzone } from '@mantine/dropzone'
import { useRef } from 'react'
import { UploadIcon } from '../../lib/icons.tsx'
import { DOCUMENT_ENDINGS } from './document-file.ts'

/**
 * FileDrop takes files by dropping them or by its button, of any type: whoever gets them tells what is not read, beside the
 * file's name, instead of nothing happening.
 */
export function FileDrop({ onFiles, isMultiple }: { onFiles: (files: File[]) => void; isMultiple: boolean }) {
  const openRef = useRef<() => void>(null)
  return (
    <Dropzone
      onDrop={onFiles}
      openRef={openRef}
      multiple={isMultiple}
      activateOnKeyboard={false}
      enablePointerEvents
      p="md"
      inputProps={{ accept: DOCUMENT_ENDINGS.join(','), 'aria-label': isMultiple ? 'Files' : 'File' }}
    >
      <Group justify="center" gap="md">
        <UploadIcon />
        <Stack gap={4} style={{ flex: '1 1 14rem' }}>
          <Text size="sm" fw={500}>{isMultiple ? 'Drop files here' : 'Drop a file here'}</Text>
          <Text size="xs" c="dimmed">
            .txt, .md and .pdf files of at most 10 MB each. PDFs need text in them: scans are not read.
          </Text>
        </Stack>
        <Button
          variant="default"
          onClick={(event) => {
            event.stopPropagation()
            openRef.current?.()
          }}
        >
          {isMultiple ? 'Choose files' : 'Choose a file'}
        </Button>
      </Group>
    </Dropzone>
  )
}

import { Button, Group, Stack, Text, Title } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useApi } from '../../lib/api-context.tsx'
import { chatbotQuery } from '../../lib/queries.ts'
import { DocumentList } from './document-list.tsx'
import { FileDrop } from './file-drop.tsx'
import { PasteTextDialog } from './paste-text-dialog.tsx'
import { StorageCounter } from './storage-counter.tsx'
import { UploadList } from './upload-list.tsx'
import { useUploads } from './uploads.tsx'

/** KnowledgePage is what a chatbot answers from: adding to it, watching it arrive, finding and deleting it. */
export function KnowledgePage() {
  const { chatbotId } = useParams({ from: '/bots/$chatbotId/knowledge' })
  const { data: bot } = useQuery(chatbotQuery(useApi(), chatbotId))
  const { add } = useUploads()
  const [isPasting, { open, close }] = useDisclosure(false)
  const isReadOnly = bot?.readOnly === true
  return (
    <Stack gap="lg">
      <Group justify="space-between" mih={36}>
        <Title order={2}>Knowledge</Title>
        {!isReadOnly && <Button variant="default" onClick={open}>Add a text</Button>}
      </Group>
      <StorageCounter />
      {isReadOnly
        ? <Text size="sm">Nothing can be added while this chatbot is read-only. Documents can be deleted.</Text>
        : <FileDrop onFiles={add} isMultiple />}
      <UploadList />
      <DocumentList chatbotId={chatbotId} total={bot?.documentCount ?? 0} isReadOnly={isReadOnly} />
      <PasteTextDialog chatbotId={chatbotId} opened={isPasting} onClose={close} />
    </Stack>
  )
}

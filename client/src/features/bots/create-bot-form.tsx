import { Alert, Button, Group, SegmentedControl, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { FormEvent, RefObject } from 'react'
import { useApi } from '../../lib/api-context.tsx'
import type { FieldErrors } from '../../lib/field-errors.ts'
import { formatBytes } from '../../lib/format.ts'
import { usageQuery } from '../../lib/queries.ts'
import { bytesApart } from '../../lib/bytes-apart.ts'
import { refusalOfFile } from '../knowledge/document-file.ts'
import { FileDrop } from '../knowledge/file-drop.tsx'
import { BusyButton } from '../../lib/busy-button.tsx'
import { ProblemAlert } from '../../kit/problem-alert.tsx'
import { type CreateDraft, sourceBytesOf } from './create-draft.ts'

type CreateBotFormProps = {
  draft: CreateDraft
  onDraft: (change: Partial<CreateDraft>) => void
  nameInput: RefObject<HTMLInputElement | null>
  errors: FieldErrors
  error: unknown
  isBusy: boolean
  onSubmit: () => void
  onCancel: () => void
}

/** CreateBotForm asks for a name and a first source, and says beforehand when the source will not fit. */
export function CreateBotForm({ draft, onDraft, nameInput, errors, error, isBusy, onSubmit, onCancel }: CreateBotFormProps) {
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    onSubmit()
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <TextInput
          ref={nameInput}
          label="Name"
          placeholder="Support"
          value={draft.name}
          error={errors['name']}
          onChange={(event) => onDraft({ name: event.currentTarget.value })}
          required
          data-autofocus
        />
        <Stack gap="xs" role="group" aria-labelledby="source-label">
          <Text size="sm" fw={600} id="source-label">First source (optional)</Text>
          <SegmentedControl
            aria-label="Kind of source"
            data={[{ value: 'file', label: 'A file' }, { value: 'text', label: 'A text' }]}
            value={draft.source}
            onChange={(source) => onDraft({ source })}
          />
          {draft.source === 'file' ? <FileSource draft={draft} onDraft={onDraft} /> : (
            <Textarea
              label="Text to answer from"
              placeholder="Paste an FAQ, opening hours, a policy."
              autosize
              minRows={5}
              maxRows={12}
              value={draft.text}
              onChange={(event) => onDraft({ text: event.currentTarget.value })}
            />
          )}
          <SourceFit draft={draft} />
        </Stack>
        {Object.keys(errors).length === 0 && <ProblemAlert error={error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onCancel}>Cancel</Button>
          <BusyButton type="submit" isBusy={isBusy}>Create</BusyButton>
        </Group>
      </Stack>
    </form>
  )
}

function FileSource({ draft: { file }, onDraft }: Pick<CreateBotFormProps, 'draft' | 'onDraft'>) {
  if (file === null) return <FileDrop isMultiple={false} onFiles={([first]) => onDraft({ file: first ?? null })} />
  const refusal = refusalOfFile(file)
  return (
    <Stack gap="xs">
      <Group justify="space-between" wrap="nowrap" mih={36}>
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>{file.name}, {formatBytes(file.size)}</Text>
        <Button variant="default" size="xs" onClick={() => onDraft({ file: null })}>Remove</Button>
      </Group>
      {refusal !== null && <Alert color="red" role="alert">{refusal}</Alert>}
    </Stack>
  )
}

function SourceFit({ draft }: { draft: CreateDraft }) {
  const { data: usage } = useQuery(usageQuery(useApi()))
  const left = usage?.metrics.find(({ metric }) => metric === 'storage_bytes')?.remaining ?? null
  const needed = sourceBytesOf(draft)
  if (left === null || needed <= left) return null
  const [neededText, leftText] = bytesApart(needed, left)
  return (
    <Alert color="yellow" role="alert">
      This source will not fit: it needs {neededText}, and {leftText} is left. You can create the chatbot without it.
    </Alert>
  )
}

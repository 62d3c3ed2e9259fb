import { Button, Divider, Group, Skeleton, Stack, Text, Title } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { notifications } from '@mantine/notifications'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { type ChatbotBody, chatbotChangeSchema, chatbotSchema } from '../../../../server/src/contract/chatbots.ts'
import { useApi } from '../../lib/api-context.tsx'
import { type FieldErrors, fieldErrorsOf, fieldErrorsOfParse } from '../../lib/field-errors.ts'
import { chatbotQuery, chatbotsQuery } from '../../lib/queries.ts'
import { BusyButton } from '../../lib/busy-button.tsx'
import { useLimitDialog } from '../limits/limit-dialog.tsx'
import { ProblemAlert } from '../../kit/problem-alert.tsx'
import { BotSettingsFields } from './bot-settings-fields.tsx'
import { DeleteBotDialog } from './delete-bot-dialog.tsx'
import { LeaveGuard } from '../../lib/leave-guard.tsx'
import { changeOf, type SettingsDraft, valuesOf } from './settings-draft.ts'

/** BotSettingsPage changes how a chatbot answers, caps it, and deletes it. */
export function BotSettingsPage() {
  const { chatbotId } = useParams({ from: '/bots/$chatbotId/settings' })
  const { data: bot, error, refetch } = useQuery(chatbotQuery(useApi(), chatbotId))
  if (bot === undefined) {
    return error === null
      ? <Skeleton h={560} role="status" aria-label="Loading the settings" />
      : <ProblemAlert error={error} title="The settings could not be read" onRetry={() => void refetch()} />
  }
  return (
    <Stack gap="xl" maw={640}>
      <SettingsForm key={chatbotId} bot={bot} />
      <Divider />
      <DeleteSection bot={bot} />
    </Stack>
  )
}

function SettingsForm({ bot }: { bot: ChatbotBody }) {
  const api = useApi()
  const queries = useQueryClient()
  const explain = useLimitDialog()
  const [draft, setDraft] = useState<SettingsDraft>({})
  const [errors, setErrors] = useState<FieldErrors>({})
  const [error, setError] = useState<unknown>(null)
  const [isSaving, setIsSaving] = useState(false)
  const change = changeOf(bot, draft)
  const isDirty = Object.keys(change).length > 0

  const edit = (field: SettingsDraft): void => {
    setDraft({ ...draft, ...field })
    setErrors(Object.fromEntries(Object.entries(errors).filter(([name]) => !(name in field))))
  }
  const discard = (): void => {
    setDraft({})
    setErrors({})
    setError(null)
  }
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    if (!isDirty || isSaving) return
    setError(null)
    const parsed = chatbotChangeSchema.safeParse(change)
    setErrors(parsed.success ? {} : fieldErrorsOfParse(parsed.error))
    if (!parsed.success) return
    setIsSaving(true)
    try {
      const saved = await api.send(chatbotSchema, 'PATCH', `/api/chatbots/${bot.chatbotId}`, parsed.data)
      queries.setQueryData(chatbotQuery(api, bot.chatbotId).queryKey, saved)
      void queries.invalidateQueries({ queryKey: chatbotsQuery(api).queryKey, exact: true })
      setDraft({})
      notifications.show({ message: 'The settings are saved.' })
    } catch (thrown) {
      setErrors(fieldErrorsOf(thrown))
      if (!explain(thrown)) setError(thrown)
    } finally {
      setIsSaving(false)
    }
  }

  return (
    <form onSubmit={(event) => void submit(event)} noValidate>
      <Stack>
        <Title order={2}>Settings</Title>
        <BotSettingsFields bot={bot} values={valuesOf(bot, draft)} errors={errors} onChange={edit} />
        {Object.keys(errors).length === 0 && <ProblemAlert error={error} />}
        <Group>
          <BusyButton type="submit" isBusy={isSaving} {...(!isDirty && { 'data-disabled': true, 'aria-disabled': true })}>
            Save
          </BusyButton>
          {isDirty && <Button variant="default" onClick={discard}>Discard the changes</Button>}
          <Text size="sm" c="dimmed" role="status">{isDirty ? 'There are unsaved changes.' : ''}</Text>
        </Group>
      </Stack>
      <LeaveGuard
        isActive={isDirty}
        isInside={(path) => path === `/bots/${bot.chatbotId}/settings`}
        title="Unsaved changes"
        leaveLabel="Leave without saving"
      >
        What you changed in the settings is lost if you leave now.
      </LeaveGuard>
    </form>
  )
}

function DeleteSection({ bot }: { bot: ChatbotBody }) {
  const [isAsking, { open, close }] = useDisclosure(false)
  const navigate = useNavigate()
  return (
    <Stack align="flex-start" gap="sm">
      <Title order={2}>Delete this chatbot</Title>
      <Text size="sm">Its documents and conversations are deleted with it, and its place is free at once.</Text>
      <Button color="red" variant="outline" onClick={open}>Delete the chatbot</Button>
      <DeleteBotDialog
        bot={bot}
        opened={isAsking}
        onClose={close}
        onDeleted={() => {
          notifications.show({ message: `“${bot.name}” is deleted. Its place is free.` })
          void navigate({ to: '/bots', ignoreBlocker: true })
        }}
      />
    </Stack>
  )
}

import { Modal } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useRef, useState } from 'react'
import { type ChatbotBody, chatbotSchema, newChatbotSchema } from '../../../../server/src/contract/chatbots.ts'
import { useApi } from '../../lib/api-context.tsx'
import { type FieldErrors, fieldErrorsOf, fieldErrorsOfParse } from '../../lib/field-errors.ts'
import { chatbotQuery, chatbotsQuery, usageQuery } from '../../lib/queries.ts'
import { textFile } from '../knowledge/document-file.ts'
import { useSendSource } from '../knowledge/use-send-source.ts'
import { useLimitDialog } from '../limits/limit-dialog.tsx'
import { isLimitDialogOpen } from '../limits/open-limit-dialog.ts'
import { CreateBotForm } from './create-bot-form.tsx'
import { CreateBotSource } from './create-bot-source.tsx'
import { EMPTY_DRAFT } from './create-draft.ts'
import { createIntentKeys } from '../../lib/intent-keys.ts'

/**
 * CreateBotDialog creates a chatbot from a name and, where given, one source, and goes to its playground. What was typed stays
 * until the chatbot is there; a source that fails leaves the chatbot and says so.
 */
export function CreateBotDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const api = useApi()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const explain = useLimitDialog()
  const [draft, setDraft] = useState(EMPTY_DRAFT)
  const [errors, setErrors] = useState<FieldErrors>({})
  const [error, setError] = useState<unknown>(null)
  const [isCreating, setIsCreating] = useState(false)
  const [created, setCreated] = useState<{ bot: ChatbotBody; file: File; key: string } | null>(null)
  const [keys] = useState(() => createIntentKeys())
  const nameInput = useRef<HTMLInputElement>(null)
  const source = useSendSource()

  const close = (): void => {
    if (isCreating || isLimitDialogOpen()) return
    source.cancel()
    if (created !== null) forget()
    onClose()
  }
  const forget = (): void => {
    setDraft(EMPTY_DRAFT)
    setCreated(null)
    source.reset()
  }
  const open = (chatbotId: string, to: '/bots/$chatbotId/chat' | '/bots/$chatbotId/knowledge'): void => {
    source.cancel()
    void navigate({ to, params: { chatbotId } })
  }
  const sendSource = async (bot: ChatbotBody, file: File, key: string): Promise<void> => {
    const { state } = await source.send(bot.chatbotId, file, key)
    if (state.kind === 'ready') open(bot.chatbotId, '/bots/$chatbotId/chat')
  }

  const submit = async (): Promise<void> => {
    if (isCreating) return
    setError(null)
    const parsed = newChatbotSchema.safeParse({ name: draft.name })
    setErrors(parsed.success ? {} : fieldErrorsOfParse(parsed.error))
    if (!parsed.success) {
      nameInput.current?.focus()
      return
    }
    setIsCreating(true)
    try {
      const idempotencyKey = keys.keyFor(JSON.stringify(parsed.data))
      const bot = await api.send(chatbotSchema, 'POST', '/api/chatbots', parsed.data, { idempotencyKey })
      keys.done()
      queries.setQueryData(chatbotQuery(api, bot.chatbotId).queryKey, bot)
      void queries.invalidateQueries({ queryKey: usageQuery(api).queryKey })
      void queries.invalidateQueries({ queryKey: chatbotsQuery(api).queryKey, exact: true })
      const file = draft.source === 'file' ? draft.file : draft.text.trim() === '' ? null : textFile('', draft.text)
      if (file === null) {
        open(bot.chatbotId, '/bots/$chatbotId/chat')
        return
      }
      const key = crypto.randomUUID()
      setCreated({ bot, file, key })
      void sendSource(bot, file, key)
    } catch (thrown) {
      setErrors(fieldErrorsOf(thrown))
      if (!explain(thrown)) setError(thrown)
    } finally {
      setIsCreating(false)
    }
  }

  return (
    <Modal opened={opened} onClose={close} title="Create a chatbot" size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      {created === null ? (
        <CreateBotForm
          draft={draft}
          onDraft={(change) => {
            setDraft({ ...draft, ...change })
            if ('name' in change) setErrors({})
          }}
          nameInput={nameInput}
          errors={errors}
          error={error}
          isBusy={isCreating}
          onSubmit={() => void submit()}
          onCancel={close}
        />
      ) : (
        <CreateBotSource
          name={created.bot.name}
          fileName={created.file.name}
          state={source.state ?? { kind: 'waiting' }}
          onRetry={() => void sendSource(created.bot, created.file, created.key)}
          onOpen={(to) => open(created.bot.chatbotId, to)}
        />
      )}
    </Modal>
  )
}
